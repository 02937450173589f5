"""`spacy-biobert vocab`: documents in, tokenizer folder out."""

from pathlib import Path

import typer

from .coverage import TrainingTexts, check_new, describe, read_sample
from .plain import Printer


def vocab_cli(
    documents: Path = typer.Argument(..., help="JSON lines from `extract`"),
    output: Path = typer.Argument(..., help="Folder for the tokenizer"),
    size: int = typer.Option(16_000, min=1, help="Most pieces in the vocabulary"),
    cased: bool = typer.Option(
        True, "--cased/--uncased", help="Keep capitals and accents"
    ),
    min_frequency: int = typer.Option(
        2, min=1, help="Occurrences that a longer piece needs"
    ),
    limit: int = typer.Option(0, min=0, help="Documents to train on, 0 for all"),
    held_out: float = typer.Option(
        0.01, min=0.0, max=0.5, help="Share of the documents kept to measure it on"
    ),
    force: bool = typer.Option(False, "--force", help="Replace the output"),
) -> None:
    """Train a WordPiece vocabulary on documents.

    Needs documents made by `extract`; they are read twice. The folder holds
    tokenizer.json, vocab.txt and tokenizer_config.json, for spacy-biobert and for
    Hugging Face. It is measured on documents that are held back, those that
    `tokenize` holds out at the same share. To extend the vocabulary of a published
    encoder, see `spacy-biobert extend`. For example:

    spacy-biobert vocab documents.jsonl.gz tokenizer --size 16000 --cased
    """
    from ..pretraining.vocabulary import (
        check_tokenizer_folder,
        measure_coverage,
        save_tokenizer,
        train_vocabulary,
    )

    printer = Printer()
    try:
        check_tokenizer_folder(output)
        check_new(output, force=force)
        texts = TrainingTexts(documents, limit, held_out)
        tokenizer = train_vocabulary(
            texts, size=size, cased=cased, min_frequency=min_frequency
        )
        save_tokenizer(tokenizer, output, cased=cased)
        sample = read_sample(texts)
    except (OSError, ValueError) as error:
        printer.fail(str(error), exits=1)
    n_pieces = tokenizer.get_vocab_size()
    printer.good(
        f"{n_pieces:,} pieces in {output}; "
        f"{describe(measure_coverage(tokenizer, sample.texts))} ({sample})"
    )
    if n_pieces < size:
        printer.warn(
            f"The documents gave {size - n_pieces:,} pieces less than --size asked for"
        )
