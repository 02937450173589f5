"""`spacy-biobert vocab`: documents in, tokenizer folder out."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import typer
from wasabi import msg

from .sources import read_documents

SECONDS_BETWEEN_LINES = 5.0
# Documents on which pieces per word are counted afterwards.
SAMPLE = 500


def vocab_cli(
    documents: Path = typer.Argument(..., help="JSON lines from `extract`"),
    output: Path = typer.Argument(..., help="Folder for the tokenizer; replaced"),
    size: int = typer.Option(16_000, min=1, help="Most pieces in the vocabulary"),
    cased: bool = typer.Option(
        True, "--cased/--uncased", help="Keep capitals and accents"
    ),
    min_frequency: int = typer.Option(
        2, min=1, help="Occurrences that a longer piece needs"
    ),
    limit: int = typer.Option(0, min=0, help="Documents to train on, 0 for all"),
) -> None:
    """Train a WordPiece vocabulary on documents.

    Needs documents made by `extract`; they are read twice. The folder holds
    tokenizer.json, vocab.txt and tokenizer_config.json, for spacy-biobert and for
    Hugging Face. For example:

    spacy-biobert vocab documents.jsonl.gz tokenizer --size 16000 --cased
    """
    from ..pretraining.vocabulary import (
        check_tokenizer_folder,
        measure_coverage,
        save_tokenizer,
        train_vocabulary,
    )

    try:
        check_tokenizer_folder(output)
        tokenizer = train_vocabulary(
            DocumentTexts(documents, limit),
            size=size,
            cased=cased,
            min_frequency=min_frequency,
        )
        save_tokenizer(tokenizer, output, cased=cased)
        sample = [
            document.text for document in islice(read_documents(documents), SAMPLE)
        ]
    except (OSError, ValueError) as error:
        msg.fail(str(error), exits=1)
    coverage = measure_coverage(tokenizer, sample)
    msg.good(
        f"{tokenizer.get_vocab_size():,} pieces in {output}; "
        f"{coverage.pieces_per_word:.2f} pieces a word, "
        f"{100 * coverage.n_unknown / max(coverage.n_pieces, 1):.2f}% unknown "
        f"(on {len(sample)} documents)"
    )


@dataclass(frozen=True, slots=True)
class DocumentTexts:
    """The texts of a file of documents, read from it each time."""

    path: Path
    limit: int

    def __iter__(self) -> Iterator[str]:
        shown = time.monotonic()
        documents = islice(read_documents(self.path), self.limit or None)
        for number, document in enumerate(documents, start=1):
            if time.monotonic() - shown >= SECONDS_BETWEEN_LINES:
                shown = time.monotonic()
                msg.text(f"{number:,} documents read")
            yield document.text
