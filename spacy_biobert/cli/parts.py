"""A part of the text to extract: some files in, one file of documents out.

What is here runs in worker processes, too.
"""

import gzip
import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

from ..checksums import file_checksum
from ..converters.faults import SourceError
from ..converters.jats import read_jats
from ..converters.jsonl import document_record, read_jsonl
from ..converters.plaintext import read_plaintext
from ..converters.pubmed import read_latest, survey_file
from ..converters.revisions import Survey, Verdict
from ..errors import Errors
from ..types import Document
from .plain import Printer
from .sources import Watch, open_lines, open_source

# Seconds between progress lines.
PROGRESS = 5.0


@dataclass(frozen=True, slots=True)
class Source:
    """A file, and which of the text formats it is in."""

    path: Path
    format: str


@dataclass(frozen=True, slots=True)
class Filters:
    """Which documents are left out."""

    min_words: int = 1
    # Documents that state only others are left out; none keeps all.
    languages: frozenset[str] = frozenset()
    # Ids to leave out.
    excluded: frozenset[str] = frozenset()

    def reason(self, document: Document, n_words: int) -> str | None:
        """Say why a document is left out; None if it is not."""
        if not self.excluded.isdisjoint((document.id, *document.other_ids)):
            return "excluded"
        if not n_words:
            return "empty"
        stated = document.languages
        if self.languages and stated and self.languages.isdisjoint(stated):
            return "language"
        return "short" if n_words < self.min_words else None


@dataclass(frozen=True, slots=True)
class Part:
    """Files to read, those of MEDLINE with what counts of them, and where to write."""

    sources: tuple[tuple[Source, Verdict | None], ...]
    filters: Filters
    output: Path
    # Documents to stop after, None for no limit.
    room: int | None = None


@dataclass(slots=True)
class Reading:
    """What came out of a file."""

    source: Source
    documents: int = 0
    words: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    error: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Extract:
    """A part that is written."""

    path: Path
    readings: list[Reading]


def survey_source(source: Source) -> Survey:
    """Find the PMIDs of a MEDLINE file.

    source (Source): The file. One that cannot be read has none; `write_part` says why.
    RETURNS (Survey): What the file has and deletes.
    """
    try:
        with open_source(source.path) as file:
            return survey_file(file, path=str(source.path))
    except (SourceError, OSError):
        return Survey()


def write_part(part: Part) -> Extract:
    """Write the documents of some files into one.

    part (Part): A broken file is set aside: what stands before the damage is kept.
    RETURNS (Extract): The files that were read before the limit was reached.
    """
    readings: list[Reading] = []
    n_documents = 0
    with _open_output(part.output) as file:
        for source, verdict in part.sources:
            reading = Reading(source)
            readings.append(reading)
            room = None if part.room is None else part.room - n_documents
            for document in islice(_kept(reading, verdict, part.filters), room):
                line = json.dumps(document_record(document), ensure_ascii=False)
                file.write(line.encode("utf-8", "replace") + b"\n")
            if reading.error is None:
                with _noting(reading):
                    reading.sha256 = file_checksum(source.path)
            n_documents += reading.documents
            if n_documents == part.room:
                break
    return Extract(part.output, readings)


def read_source(
    source: Source,
    verdict: Verdict | None,
    left_out: Counter[str],
    watch: Watch | None = None,
) -> Iterator[Document]:
    """Read the documents of a file.

    source (Source): The file.
    verdict (Verdict or None): What counts of a MEDLINE file, None for others.
    left_out (Counter): Records that the file's reader leaves out. Added to.
    watch (Callable or None): As of `sources.open_source`.
    YIELDS (Document): Empty ones among them.
    RAISES (SourceError): If the file is broken, after the documents before that.
    """
    path = str(source.path)
    if source.format == "jsonl":
        with open_lines(source.path, watch=watch) as lines:
            yield from read_jsonl(lines, path=path)
        return
    with open_source(source.path, watch=watch) as file:
        if verdict is not None:
            yield from read_latest(file, path=path, verdict=verdict, left_out=left_out)
        elif source.format == "jats":
            yield from read_jats(file, path=path)
        else:
            yield from read_plaintext(file, path=path)


def _kept(
    reading: Reading, verdict: Verdict | None, filters: Filters
) -> Iterator[Document]:
    """Give the documents of a file that are not left out, and count all of them.

    An error of the file ends it and is noted; one of the output is not caught here.
    """
    shown = time.monotonic()
    with _noting(reading):
        for document in read_source(reading.source, verdict, reading.left_out):
            n_words = len(document.text.split())
            reason = filters.reason(document, n_words)
            if reason is not None:
                reading.left_out[reason] += 1
                continue
            reading.documents += 1
            reading.words += n_words
            yield document
            if time.monotonic() - shown >= PROGRESS:
                shown = time.monotonic()
                name = reading.source.path.name
                Printer().text(f"{name}: {reading.documents:,} documents so far")


@contextmanager
def _noting(reading: Reading) -> Iterator[None]:
    try:
        yield
    except SourceError as error:
        reading.error = str(error)
    except OSError as error:
        path = reading.source.path
        reading.error = Errors.B214.format(path=path, reason=error)


@contextmanager
def _open_output(path: Path) -> Iterator[BinaryIO]:
    with path.open("wb") as raw:
        if path.suffix != ".gz":
            yield raw
            return
        # Neither name nor time in the header: the same input gives the same bytes.
        with gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
            yield cast(BinaryIO, packed)
