"""`spacy-biobert vocab`: documents in, tokenizer folder out."""

from itertools import islice
from pathlib import Path

import typer
from wasabi import Printer

# Documents on which pieces per word are counted afterwards.
SAMPLE = 500


def vocab_cli(
    documents: Path = typer.Argument(..., help="JSON lines from `extract`"),
    output: Path = typer.Argument(..., help="Folder for the tokenizer; replaced"),
    size: int = typer.Option(16_000, help="Most pieces in the vocabulary"),
    cased: bool = typer.Option(True, "--cased/--uncased", help="Keep capitals and accents"),
    min_frequency: int = typer.Option(2, help="Occurrences that a longer piece needs"),
    limit: int = typer.Option(0, help="Documents to train on, 0 for all"),
) -> None:
    """Train a WordPiece vocabulary on documents.

    Needs documents made by `extract`. The folder holds tokenizer.json, vocab.txt
    and tokenizer_config.json, for spacy-biobert and for Hugging Face. For example:

    spacy-biobert vocab documents.jsonl.gz tokenizer --size 16000 --cased
    """
    from ..pretraining.vocabulary import (
        measure_coverage,
        save_tokenizer,
        train_vocabulary,
    )
    from .sources import read_documents

    printer = Printer()
    try:
        texts = (document.text for document in read_documents(documents))
        tokenizer = train_vocabulary(
            islice(texts, limit or None), size=size, cased=cased, min_frequency=min_frequency
        )
        sample = [document.text for document in islice(read_documents(documents), SAMPLE)]
    except (OSError, ValueError) as error:
        printer.fail(str(error), exits=1)
    save_tokenizer(tokenizer, output, cased=cased)
    coverage = measure_coverage(tokenizer, sample)
    printer.good(
        f"{tokenizer.get_vocab_size():,} pieces in {output}; "
        f"{coverage.pieces_per_word:.2f} pieces a word, "
        f"{100 * coverage.n_unknown / max(coverage.n_pieces, 1):.2f}% unknown "
        f"(on {len(sample)} documents)"
    )
