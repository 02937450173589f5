"""The documents to annotate, from files of any format that the project reads."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from typing import BinaryIO

from ..annotation.checks import Item, SetAside, Text
from ..converters.faults import SourceError
from ..converters.formats import Source as Opened
from ..converters.formats import find_format, format_names
from ..converters.jsonl import read_jsonl
from ..converters.parquet import read_parquet
from ..converters.passages import unannotated
from ..converters.revisions import Verdict
from ..errors import Errors
from ..types import AnnotatedDocument, Passage
from ..workers import Workers
from .archives import CorpusFile, open_corpus_file
from .corpora import told_format
from .parts import Source, read_source
from .plan import list_sources, settle
from .sources import FORMATS, find_sources, open_lines, open_source, plain_suffix

PARQUET, SPACY, JSONL, TEXT = "parquet", "spacy", "jsonl", "text"
# Formats of text alone, and ours.
PLAIN = (*dict.fromkeys(FORMATS.values()), PARQUET, SPACY)
SUFFIXES = (*FORMATS, ".parquet", ".spacy")
# Bytes of UTF-8 that a character has at most.
MOST_BYTES = 4


def find_texts(inputs: list[str], format: str | None, *, parts: Path) -> list[Source]:
    """Find the files to annotate and tell their formats.

    inputs (list[str]): Files, folders or globs.
    format (str or None): The format of all; None tells it by name and content.
    parts (Path): The folder with blocks of the output, which is no input.
    RETURNS (list[Source]): MEDLINE files last, from the newest to the oldest.
    RAISES (SourceError): If nothing is found, or a format is not known.
    """
    if format is None:
        paths = find_sources(inputs, suffixes=SUFFIXES)
    elif format in PLAIN:
        paths = find_sources(inputs, suffixes=None)
    elif format in format_names():
        main = find_format(format).main
        named = {Path(name) for name in inputs}
        found = find_sources(inputs, suffixes=None)
        paths = [p for p in found if p in named or fnmatch(_bare_name(p), main)]
    else:
        known = ", ".join(dict.fromkeys((*PLAIN, *format_names())))
        raise SourceError(Errors.B232.format(found=format, known=known))
    sources: list[Source] = []
    for path in paths:
        if parts.resolve() in path.resolve().parents:
            continue
        told = format or _tell(path)
        sources += list_sources([path], told)
    medline = [source.path for source in sources if source.format == "medline"]
    others = [source for source in sources if source.format != "medline"]
    return others + list_sources(medline, None if format is None else format)


class Texts:
    """The documents of some files, one by one, and how much of the files is read.

    sources (list[Source]): From `find_texts`.
    max_length (int): Characters of a document beyond which a text file is not read.
    """

    def __init__(self, sources: list[Source], max_length: int) -> None:
        self.sources = sources
        self.max_length = max_length
        self._n_bytes = sum(source.path.stat().st_size for source in sources)
        self._n_read = 0
        self._open: BinaryIO | None = None

    @property
    def share(self) -> float:
        """The share of the files' bytes that is read."""
        reading = self._open is not None and not self._open.closed
        at = self._open.tell() if reading and self._open is not None else 0
        return (self._n_read + at) / max(self._n_bytes, 1)

    def __iter__(self) -> Iterator[Item]:
        """Read the documents, and what cannot be read as set aside."""
        self._n_read = 0
        try:
            for source, verdict in settle(self.sources, Workers()):
                yield from self._read(source, verdict)
                self._n_read += source.path.stat().st_size
        finally:
            # Also where no more is read: another process takes no open file.
            self._open = None

    def _watch(self, file: BinaryIO) -> None:
        self._open = file

    def _read(self, source: Source, verdict: Verdict | None) -> Iterator[Item]:
        path = str(source.path)
        problems: list[str] = []
        try:
            for document in self._documents(source, verdict, problems):
                yield from (SetAside(path, "", problem) for problem in problems)
                problems.clear()
                yield Text(path, document)
        except SourceError as error:
            problems.append(str(error))
        except OSError as error:
            problems.append(Errors.B214.format(path=path, reason=error))
        yield from (SetAside(path, "", problem) for problem in problems)

    def _documents(
        self, source: Source, verdict: Verdict | None, problems: list[str]
    ) -> Iterator[AnnotatedDocument]:
        path = source.path
        if source.format == SPACY:
            yield from _read_spacy(path)
        elif source.format == PARQUET:
            with open_source(path, watch=self._watch) as file:
                opened = Opened(str(path), file, on_problem=_ignore)
                yield from map(_bare, read_parquet(opened))
        elif source.format == JSONL:
            # Other bytes than UTF-8 in a document are its own fault alone.
            with open_lines(path, errors="surrogateescape", watch=self._watch) as lines:
                documents = read_jsonl(
                    lines, path=str(path), on_problem=problems.append
                )
                yield from map(unannotated, documents)
        elif source.format in PLAIN:
            size = path.stat().st_size
            if source.format == TEXT and size > MOST_BYTES * self.max_length:
                # Not read, because it may be larger than the memory.
                found = size // MOST_BYTES
                raise SourceError(Errors.B505.format(most=self.max_length, found=found))
            documents = read_source(source, verdict, Counter(), self._watch)
            yield from map(unannotated, documents)
        else:
            yield from map(_bare, _read_annotated(source))


def _read_annotated(source: Source) -> Iterator[AnnotatedDocument]:
    """Read a format of annotated documents."""
    path = str(source.path)
    with open_corpus_file(CorpusFile(source.path)) as (file, beside):
        opened = Opened(path, file, beside=beside, on_problem=_ignore)
        yield from find_format(source.format).read(opened)


def _ignore(_: str) -> None:
    """Let an annotation be wrong that is not read anyway."""


def _read_spacy(path: Path) -> Iterator[AnnotatedDocument]:
    from spacy.vocab import Vocab

    from ..readers import read_docs

    try:
        for number, doc in enumerate(read_docs(path, Vocab()), start=1):
            name = doc.user_data.get("document_id") or f"{path.name}:{number}"
            passages = doc.user_data.get("passages", ())
            yield AnnotatedDocument(
                str(name), doc.text, passages=tuple(Passage(*p) for p in passages)
            )
    except ValueError as error:
        raise SourceError(str(error)) from error


def _bare(document: AnnotatedDocument) -> AnnotatedDocument:
    return replace(
        document,
        mentions=None,
        mention_relations=None,
        concept_relations=None,
        categories=None,
    )


def _bare_name(path: Path) -> str:
    return CorpusFile(path).name


def _tell(path: Path) -> str | None:
    """Tell a format by its content, where the name leaves several."""
    suffix = plain_suffix(path)
    if suffix in (".parquet", ".spacy"):
        return suffix.removeprefix(".")
    if suffix == ".jsonl":
        return JSONL
    try:
        return told_format(CorpusFile(path), "--from")
    except SourceError:
        # A broken file is set aside when it is read.
        if suffix in FORMATS:
            return None
        raise
