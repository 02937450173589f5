"""Extract the text of articles for pretraining."""

import gzip
import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, cast

import typer
from wasabi.printer import Printer

from ..atomic import whole_file
from ..converters.faults import SourceError
from ..converters.jats import read_jats
from ..converters.jsonl import document_record, read_jsonl
from ..converters.plaintext import read_plaintext
from ..converters.pubmed import Settled, read_latest
from ..errors import Errors
from ..types import Document
from .sources import (
    FORMATS,
    find_sources,
    newest_first,
    open_lines,
    open_source,
    tell_format,
)

OUTPUT_SUFFIXES = (".jsonl", ".jsonl.gz")
# Seconds between progress lines.
PROGRESS = 5.0


class TextFormat(StrEnum):
    """What a text source may be."""

    medline = "medline"
    jats = "jats"
    text = "text"
    jsonl = "jsonl"


@dataclass(slots=True)
class Source:
    """A file and what came out of it."""

    path: Path
    format: str
    documents: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    error: str | None = None


@dataclass(slots=True)
class Totals:
    """What has been written so far."""

    documents: int = 0
    words: int = 0


def extract_cli(
    inputs: list[str] = typer.Argument(
        ..., help="Files, folders or globs: MEDLINE .xml, JATS .nxml, .txt, .jsonl"
    ),
    output: Path = typer.Argument(..., help="File to write, .jsonl or .jsonl.gz"),
    format: TextFormat | None = typer.Option(
        None, "--format", help="Format of all inputs, if their names do not tell it"
    ),
    min_words: int = typer.Option(
        1, "--min-words", min=0, help="Leave out documents with fewer words"
    ),
    limit: int = typer.Option(
        0, "--limit", min=0, help="Stop after so many documents, 0 for no limit"
    ),
    strict: bool = typer.Option(
        False, "--strict", help="Write nothing if a file is broken"
    ),
) -> None:
    """Extract titles and text from MEDLINE, JATS, JSON lines or text files.

    Reads .gz and .xz files as they are. Of MEDLINE files each article comes in its
    latest version, those deleted in a later file not at all; a later file is one
    with a higher number in its name. A broken file is reported, and what stands
    before the damage is kept. Beside the output stands a manifest with counts and
    checksums. For example:

    spacy-biobert extract pubmed/ articles/*.nxml documents.jsonl.gz --min-words 20
    """
    printer = Printer()
    try:
        manifest = extract(
            inputs,
            output,
            format=format.value if format is not None else None,
            min_words=min_words,
            limit=limit,
            strict=strict,
            printer=printer,
        )
    except SourceError as error:
        printer.fail(str(error))
        raise typer.Exit(1) from error
    printer.good(
        f"{manifest['documents']:,} documents, {manifest['words']:,} words in {output}"
    )


def extract(
    inputs: list[str],
    output: Path,
    *,
    format: str | None = None,
    min_words: int = 1,
    limit: int = 0,
    strict: bool = False,
    printer: Printer,
) -> dict[str, Any]:
    """Write the documents and their manifest, or nothing.

    inputs (list[str]): Files, folders or globs.
    output (Path): The file to write, .jsonl or .jsonl.gz.
    format (str or None): Format of all inputs; None tells it by the names.
    min_words (int): Documents with fewer words are left out; empty ones always.
    limit (int): Documents to stop after, 0 for no limit.
    strict (bool): Refuse to write if a file is broken.
    printer (Printer): Where reports and progress go.
    RETURNS (dict): The manifest, as written beside the output.
    RAISES (SourceError): If there is nothing to read or nothing came out.
    """
    if not output.name.endswith(OUTPUT_SUFFIXES):
        expected = " or ".join(f"*{suffix}" for suffix in OUTPUT_SUFFIXES)
        raise SourceError(Errors.B210.format(path=output, expected=expected))
    suffixes = tuple(FORMATS) if format is None else None
    sources = list_sources(find_sources(inputs, suffixes=suffixes), format)
    for source in sources:
        if output.exists() and source.path.samefile(output):
            raise SourceError(Errors.B212.format(path=output))
    totals = Totals()
    with whole_file(output) as unfinished:
        with _open_output(unfinished, compress=output.suffix == ".gz") as file:
            read = _write_all(file, sources, totals, min_words, limit, printer)
        _report(read, printer)
        _refuse(read, totals, output, strict)
        manifest = _manifest(read, totals, unfinished, output)
        with whole_file(manifest_path(output)) as path:
            path.write_text(
                json.dumps(manifest, indent=1, ensure_ascii=False) + "\n",
                encoding="utf-8",
            )
    return manifest


def list_sources(paths: list[Path], format: str | None) -> list[Source]:
    """Tell the formats; MEDLINE files go last, from the newest to the oldest."""
    sources = [Source(path, format or tell_format(path)) for path in paths]
    medline = {source.path: source for source in sources if source.format == "medline"}
    others = [source for source in sources if source.format != "medline"]
    return others + [medline[path] for path in newest_first(medline)]


def manifest_path(output: Path) -> Path:
    """Give the manifest's place, documents.manifest.json for documents.jsonl.gz."""
    stem = output.name.removesuffix(".gz").removesuffix(".jsonl")
    return output.with_name(f"{stem}.manifest.json")


def read_source(source: Source, settled: Settled) -> Iterator[Document]:
    """Read the documents of a file.

    source (Source): The file. Records that its reader leaves out are counted.
    settled (Settled): PMIDs of the MEDLINE files before. Added to.
    YIELDS (Document): Empty ones among them.
    RAISES (SourceError): If the file is broken, after the documents before that.
    """
    path = str(source.path)
    if source.format == "jsonl":
        with open_lines(source.path) as lines:
            yield from read_jsonl(lines, path=path)
        return
    with open_source(source.path) as file:
        if source.format == "medline":
            yield from read_latest(
                file, path=path, settled=settled, left_out=source.left_out
            )
        elif source.format == "jats":
            yield from read_jats(file, path=path)
        else:
            yield from read_plaintext(file, path=path)


@contextmanager
def _open_output(path: Path, *, compress: bool) -> Iterator[BinaryIO]:
    with path.open("wb") as raw:
        if not compress:
            yield raw
            return
        # Neither name nor time in the header: the same input gives the same bytes.
        with gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
            yield cast(BinaryIO, packed)


def _write_all(
    file: BinaryIO,
    sources: list[Source],
    totals: Totals,
    min_words: int,
    limit: int,
    printer: Printer,
) -> list[Source]:
    """Write the documents of the sources; give the sources that were read."""
    settled = Settled()
    shown = time.monotonic()
    for number, source in enumerate(sources, start=1):
        try:
            for document in read_source(source, settled):
                _write(file, document, source, totals, min_words)
                if limit and totals.documents >= limit:
                    return sources[:number]
                if time.monotonic() - shown >= PROGRESS:
                    shown = time.monotonic()
                    printer.text(
                        f"File {number} of {len(sources)}, {source.path.name}: "
                        f"{totals.documents:,} documents, {totals.words:,} words so far"
                    )
        except SourceError as error:
            source.error = str(error)
        except OSError as error:
            source.error = Errors.B214.format(path=source.path, reason=error)
    return sources


def _write(
    file: BinaryIO, document: Document, source: Source, totals: Totals, min_words: int
) -> None:
    n_words = len(document.text.split())
    if n_words < max(min_words, 1):
        source.left_out["short" if n_words else "empty"] += 1
        return
    line = json.dumps(document_record(document), ensure_ascii=False)
    file.write(line.encode("utf-8", "replace") + b"\n")
    source.documents += 1
    totals.documents += 1
    totals.words += n_words


def _report(sources: list[Source], printer: Printer) -> None:
    for source in sources:
        if source.error is not None:
            kept = f"{source.documents:,} documents before it are kept."
            printer.warn(f"{source.error} ({kept})")
    left_out = sum((source.left_out for source in sources), Counter[str]())
    if left_out:
        shown = ", ".join(f"{count:,} {why}" for why, count in sorted(left_out.items()))
        printer.info(f"Left out: {shown}")


def _refuse(sources: list[Source], totals: Totals, output: Path, strict: bool) -> None:
    n_broken = sum(source.error is not None for source in sources)
    if strict and n_broken:
        raise SourceError(Errors.B213.format(n_broken=n_broken, n_sources=len(sources)))
    if not totals.documents:
        raise SourceError(Errors.B211.format(output=output, n_sources=len(sources)))


def _manifest(
    sources: list[Source], totals: Totals, written: Path, output: Path
) -> dict[str, Any]:
    return {
        "output": output.name,
        "sha256": _sha256(written),
        "documents": totals.documents,
        "words": totals.words,
        "sources": [
            {
                "path": str(source.path),
                "format": source.format,
                "sha256": None if source.error else _sha256(source.path),
                "documents": source.documents,
                "skipped": source.left_out.total(),
                "skipped_because": dict(sorted(source.left_out.items())),
                "error": source.error,
            }
            for source in sources
        ],
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
