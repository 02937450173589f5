"""`spacy-biobert tokenize`: documents and tokenizer in, token store out."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from wasabi.printer import Printer

from ..errors import Errors

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from ..pretraining.shards import StoreFigures

SECONDS_BETWEEN_LINES = 5.0


def tokenize_cli(
    documents: Path = typer.Argument(..., help="JSON lines from `extract`"),
    tokenizer: Path = typer.Argument(
        ..., help="Tokenizer folder, name on the hub, or tokenizer.json"
    ),
    output: Path = typer.Argument(
        ..., help="Folder for the store; replaced, but for --append"
    ),
    held_out: float = typer.Option(
        0.01, min=0.0, max=0.5, help="Share of the documents kept for evaluation"
    ),
    append: bool = typer.Option(
        False, "--append", help="Add to the store what is not in it yet"
    ),
    workers: int = typer.Option(1, min=1, help="Processes"),
) -> None:
    """Cut documents into pieces, once, for all pretraining runs.

    Needs documents made by `extract` and a tokenizer, made by `vocab` or that of a
    published encoder. The store is read from disk as it is needed, and is the same
    for any number of --workers. To add text to a store, such as next year's, give the
    same tokenizer and share with --append: the shards that are there stay as they
    are, and a killed append leaves the store as it was. For example:

    spacy-biobert tokenize documents.jsonl.gz tokenizer store --held-out 0.01

    spacy-biobert tokenize documents-2027.jsonl.gz tokenizer store --append
    """
    from ..checksums import file_checksum
    from ..pretraining.building import append_to_store, build_store
    from .sources import open_source, read_documents

    printer = Printer()
    try:
        with open_source(documents):
            source = {"path": str(documents), "sha256": file_checksum(documents)}
        write_store = append_to_store if append else build_store
        figures = write_store(
            read_documents(documents),
            open_fast_tokenizer(tokenizer),
            output,
            held_out=held_out,
            sources=[source],
            n_workers=workers,
            report=_make_report(printer),
        )
    except (OSError, ValueError) as error:
        printer.fail(str(error), exits=1)
    printer.good(
        f"{figures.n_documents:,} documents ({figures.n_held_out:,} held out), "
        f"{figures.n_sentences:,} sentences, {figures.n_pieces:,} pieces "
        f"{'added to' if append else 'in'} {output}"
    )
    if held_out and not figures.n_held_out:
        printer.warn(
            "No document is held out, so pretraining will not show what it knows of "
            "unseen text. With so few documents, make the store with a larger --held-out."
        )


def _make_report(printer: Printer) -> Callable[["StoreFigures"], None]:
    started = shown = time.monotonic()

    def report(figures: "StoreFigures") -> None:
        nonlocal shown
        if time.monotonic() - shown >= SECONDS_BETWEEN_LINES:
            shown = time.monotonic()
            rate = figures.n_pieces / (shown - started)
            printer.text(
                f"{figures.n_documents:,} documents, {figures.n_pieces:,} pieces, "
                f"{rate:,.0f} pieces/s"
            )

    return report


def open_fast_tokenizer(path: Path) -> "Tokenizer":
    """Open a tokenizer.json, or the tokenizer of a folder with the right casing.

    path (Path): A file, a Hugging Face folder or a name on the hub.
    RETURNS (Tokenizer): Of the `tokenizers` library.
    RAISES (ValueError): If the file holds no tokenizer.
    """
    if path.is_dir() or not path.exists():
        from ..encoder.hub import open_tokenizer

        # A Path is a folder; a name on the hub has to stay a text.
        return open_tokenizer(str(path)).backend_tokenizer
    import json

    from tokenizers import Tokenizer

    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        found = None
    known = isinstance(found, dict) and {"model", "pre_tokenizer"} <= found.keys()
    if not known:
        raise ValueError(Errors.B117.format(path=path, found=f"{text[:40]!r}"))
    return Tokenizer.from_str(text)
