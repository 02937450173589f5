"""`spacy-biobert tokenize`: documents and tokenizer in, token store out."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..errors import Errors
from ..types import Document
from .plain import Printer
from .sources import open_source, read_documents

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from ..pretraining.shards import StoreFigures

SECONDS_BETWEEN_LINES = 5.0
# What makes a folder a store; as `pretraining.store` has it, which loads torch.
MANIFEST = "manifest.json"


def tokenize_cli(
    documents: Path = typer.Argument(..., help="JSON lines from `extract`"),
    tokenizer: Path = typer.Argument(
        ..., help="Tokenizer folder, name on the hub, or tokenizer.json"
    ),
    output: Path = typer.Argument(
        ..., help="Folder for the store; with --append, one that is there"
    ),
    held_out: float = typer.Option(
        0.01,
        min=0.0,
        max=0.5,
        help="Share of the documents kept for evaluation, an article with all its texts",
    ),
    append: bool = typer.Option(
        False, "--append", help="Add to the store what is not in it yet"
    ),
    force: bool = typer.Option(False, "--force", help="Replace a store that is here"),
    workers: int = typer.Option(1, min=1, help="Processes"),
) -> None:
    """Cut documents into pieces, once, for all pretraining runs.

    Needs documents made by `extract` and a tokenizer, made by `vocab` or that of a
    published encoder. A short document becomes one text of the store, a long article a
    text for each of its sections. The store is read from disk as it is needed, and is the same
    for any number of --workers. To add text to a store, such as next year's, give the
    same tokenizer and share with --append: the shards that are there stay as they
    are, and a killed append leaves the store as it was. For example:

    spacy-biobert tokenize documents.jsonl.gz tokenizer store --held-out 0.01

    spacy-biobert tokenize documents-2027.jsonl.gz tokenizer store --append
    """
    from ..checksums import file_checksum
    from ..pretraining.building import append_to_store, build_store

    printer = Printer()
    try:
        with open_source(documents):
            source = {"path": str(documents), "sha256": file_checksum(documents)}
        _check_output(output, append=append, force=force)
        write_store = append_to_store if append else build_store
        read = Read(documents, held_out)
        figures = write_store(
            read,
            open_fast_tokenizer(tokenizer),
            output,
            held_out=held_out,
            sources=[source],
            tokenizer_name=str(tokenizer),
            n_workers=workers,
            report=_make_report(printer),
        )
    except (OSError, ValueError) as error:
        printer.fail(str(error), exits=1)
    printer.good(
        f"{read.n_documents:,} documents ({read.n_held_out:,} held out) as "
        f"{figures.n_documents:,} texts ({figures.n_held_out:,} held out), "
        f"{figures.n_sentences:,} sentences, {figures.n_pieces:,} pieces "
        f"{'added to' if append else 'in'} {output}"
    )
    if held_out and not figures.n_held_out:
        printer.warn(
            "No document is held out, so pretraining will not show what it knows of "
            "unseen text. With so few documents, make the store with a larger --held-out."
        )


class Read:
    """The documents of a file, counted while they are read.

    path (Path): JSON lines from `extract`.
    held_out (float): Share of them that is held out, 0 to 1.
    """

    def __init__(self, path: Path, held_out: float) -> None:
        self.path, self.held_out = path, held_out
        self.n_documents = self.n_held_out = 0

    def __iter__(self) -> Iterator[Document]:
        """Read the documents, once."""
        from ..pretraining.cutting import is_held_out

        for document in read_documents(self.path):
            self.n_documents += 1
            self.n_held_out += is_held_out(document.id, self.held_out)
            yield document


def _check_output(output: Path, *, append: bool, force: bool) -> None:
    if append and force:
        raise ValueError(Errors.B128)
    if not append and not force and (output / MANIFEST).is_file():
        raise FileExistsError(Errors.B127.format(folder=output))


def _make_report(printer: Printer) -> Callable[["StoreFigures"], None]:
    started = shown = time.monotonic()

    def report(figures: "StoreFigures") -> None:
        nonlocal shown
        if time.monotonic() - shown >= SECONDS_BETWEEN_LINES:
            shown = time.monotonic()
            rate = figures.n_pieces / (shown - started)
            printer.text(
                f"{figures.n_documents:,} texts, {figures.n_pieces:,} pieces, "
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
