"""`spacy-biobert extend`: documents and a published encoder in, a larger one out."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..errors import Errors
from .coverage import TrainingTexts, check_new, describe, read_sample
from .plain import Printer
from .pretrain import name_heads

if TYPE_CHECKING:
    from ..encoder.hub import OpenedModel, PreTrainedTokenizerFast
    from ..pretraining.extension import NewPiece


def extend_cli(
    documents: Path = typer.Argument(..., help="JSON lines from `extract`"),
    encoder: str = typer.Argument(
        ..., help="Published encoder or tokenizer: a folder, or a name on the hub"
    ),
    output: Path = typer.Argument(..., help="Folder for the extended one"),
    size: int = typer.Option(
        ..., min=1, help="Most pieces in the vocabulary, the published ones included"
    ),
    min_frequency: int = typer.Option(
        10, min=1, help="Occurrences that a new piece needs"
    ),
    limit: int = typer.Option(0, min=0, help="Documents to read, 0 for all"),
    held_out: float = typer.Option(
        0.01, min=0.0, max=0.5, help="Share of the documents kept to measure it on"
    ),
    force: bool = typer.Option(False, "--force", help="Replace the output"),
) -> None:
    """Extend the vocabulary of a published encoder by pieces of a domain.

    Published pieces keep their ids and vectors. A new piece starts as the mean of
    the pieces it was cut into before, so that pretraining can go on from the output:
    tokenize with it, and set network.init and paths.tokenizer to it. The casing stays
    as it is, and so do [unused] pieces. If there is a tokenizer alone, it alone is
    extended. For example:

    spacy-biobert extend documents.jsonl.gz dmis-lab/biobert-base-cased-v1.2 extended
    --size 32000
    """
    from ..encoder.hub import open_tokenizer
    from ..pretraining.extension import find_new_pieces
    from ..pretraining.vocabulary import measure_coverage

    printer = Printer()
    texts = TrainingTexts(documents, limit, held_out)
    try:
        _check_output(output, encoder)
        check_new(output, force=force)
        published, opened = open_tokenizer(encoder), _open_weights(encoder)
        pieces = find_new_pieces(
            published.backend_tokenizer, texts, size=size, min_frequency=min_frequency
        )
        extended = _write(published, opened, pieces, output)
        sample = read_sample(texts)
    except (OSError, ValueError) as error:
        printer.fail(str(error), exits=1)
    printer.good(
        f"{len(extended):,} pieces in {output}, {len(pieces):,} of them new, "
        f"{'with the weights' if opened else 'a tokenizer without weights'}"
    )
    for name, tokenizer in (("Before", published), ("After", extended)):
        found = measure_coverage(tokenizer.backend_tokenizer, sample.texts)
        printer.text(f"{name}: {describe(found)} ({sample})")
    if len(extended) < size:
        printer.warn(
            f"The documents gave {size - len(extended):,} pieces less than --size asked "
            "for; there are more with a lower --min-frequency or more documents"
        )
    if opened and opened.new_weights:
        printer.info(
            f"The encoder had no {name_heads(opened.new_weights)}; it is random"
        )


def _check_output(output: Path, encoder: str) -> None:
    """Refuse to replace the encoder itself, or what is none."""
    from ..encoder.folder import TEXT_FILES, WEIGHT_FILES

    if output.resolve() == Path(encoder).resolve():
        raise FileExistsError(Errors.B005.format(output=output))
    found = [output] if output.is_file() else output.glob("[!.]*")
    known = (*TEXT_FILES, *WEIGHT_FILES)
    others = sorted(file.name for file in found if file.name not in known)
    if others:
        raise FileExistsError(Errors.B006.format(output=output, found=others[0]))


def _open_weights(encoder: str) -> "OpenedModel | None":
    import torch

    from ..encoder.folder import has_encoder
    from ..encoder.hub import open_pretraining_model

    if not has_encoder(encoder):
        return None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # for heads it may lack
        return open_pretraining_model(encoder)


def _write(
    published: "PreTrainedTokenizerFast",
    opened: "OpenedModel | None",
    pieces: "list[NewPiece]",
    output: Path,
) -> "PreTrainedTokenizerFast":
    from ..encoder.hub import (
        extend_tokenizer,
        save_hub_tokenizer,
        save_pretraining_model,
    )
    from ..pretraining.extension import extend_model

    extended = extend_tokenizer(published, [piece.text for piece in pieces])
    if opened is None:
        save_hub_tokenizer(extended, output)
    else:
        extend_model(opened.model, pieces, first=len(published))
        save_pretraining_model(opened.model, extended, output)
    return extended
