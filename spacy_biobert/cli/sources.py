"""The files that a command reads: found, told apart by name, opened."""

import glob
import gzip
import io
import lzma
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from ..converters.faults import SourceError, naming
from ..converters.jsonl import read_jsonl
from ..errors import Errors
from ..types import Document

# What opens a file by the last part of its name; others are opened as they are.
OPENERS: dict[str, Callable[[BinaryIO], object]] = {
    ".gz": gzip.open,
    ".xz": lzma.open,
}
Watch = Callable[[BinaryIO], None]
FORMATS = {".xml": "medline", ".nxml": "jats", ".txt": "text", ".jsonl": "jsonl"}
# The root element that makes an .xml file JATS instead of MEDLINE.
JATS_ROOTS = frozenset((b"article", b"pmc-articleset", b"articles"))
HEAD = 65_536


def find_sources(
    patterns: Iterable[str], *, suffixes: Collection[str] | None
) -> list[Path]:
    """Find the files that are meant, each once.

    patterns (Iterable[str]): Files, folders (searched with what is below them) or
        globs.
    suffixes (Collection[str] or None): Of a folder, only files whose name ends so
        before .gz or .xz; None takes all but hidden ones.
    RETURNS (list[Path]): In the order of the patterns, those of one sorted.
    RAISES (SourceError): If a pattern finds nothing.
    """
    found: dict[Path, None] = {}
    for pattern in patterns:
        named = [Path(pattern)] if Path(pattern).exists() else None
        if named is None:
            named = [Path(name) for name in sorted(glob.glob(pattern, recursive=True))]
        if not named:
            raise SourceError(Errors.B209.format(pattern=pattern))
        for path in named:
            if not path.is_dir():
                found[path] = None
                continue
            inside = [
                file
                for file in sorted(path.rglob("*"))
                if file.is_file() and not file.name.startswith(".")
                if suffixes is None or plain_suffix(file) in suffixes
            ]
            if not inside:
                known = ", ".join(suffixes) if suffixes else "any"
                raise SourceError(Errors.B215.format(folder=path, known=known))
            found.update(dict.fromkeys(inside))
    return list(found)


def plain_suffix(path: Path) -> str:
    """Give the last part of a file's name, without what says it is compressed."""
    return (path.with_suffix("") if path.suffix in OPENERS else path).suffix.lower()


def tell_format(path: Path) -> str:
    """Tell a file's format by its name, and an .xml file's by its first element.

    path (Path): The file.
    RETURNS (str): "medline", "jats", "text" or "jsonl".
    RAISES (SourceError): If the name has no known suffix.
    """
    found = FORMATS.get(plain_suffix(path))
    if found is None:
        known = ", ".join(FORMATS)
        raise SourceError(Errors.B208.format(path=path, known=known, found=path.name))
    if found != "medline":
        return found
    try:
        with open_source(path) as file, naming(str(path)):
            head = file.read(HEAD)
    except SourceError:
        return found  # reading it will say what is wrong
    head = re.sub(rb"<!--.*?(?:-->|$)", b"", head, flags=re.DOTALL)
    root = re.search(rb"<([A-Za-z][\w.-]*)", head)
    return "jats" if root is not None and root[1] in JATS_ROOTS else found


def newest_first(paths: Iterable[Path]) -> list[Path]:
    """Sort MEDLINE files by the numbers in their names, from high to low.

    PubMed names them by year and number (pubmed26n0001), an update always after
    all files before it.
    """

    def numbered(path: Path) -> list[tuple[bool, int, str]]:
        parts = re.split(r"(\d+)", path.name)
        return [
            (part.isdecimal(), int(part) if part.isdecimal() else 0, part)
            for part in parts
        ]

    return sorted(paths, key=numbered, reverse=True)


@contextmanager
def open_source(path: Path, *, watch: Watch | None = None) -> Iterator[BinaryIO]:
    """Open a file to read its bytes, decompressed where its name says so.

    watch (Callable or None): Is given the file as it lies on the disk, to see how far
        it is read.
    RAISES (SourceError): If the file cannot be opened.
    """
    try:
        raw = path.open("rb")
    except OSError as error:
        raise SourceError(Errors.B214.format(path=path, reason=error)) from error
    with raw:
        if watch is not None:
            watch(raw)
        opener = OPENERS.get(path.suffix)
        if opener is None:
            yield raw
            return
        with cast(BinaryIO, opener(raw)) as opened:
            yield opened


@contextmanager
def open_lines(
    path: Path, *, errors: str = "strict", watch: Watch | None = None
) -> Iterator[TextIO]:
    """Open a file to read its lines, in UTF-8 with or without a byte order mark.

    errors (str): What becomes of other bytes, as `bytes.decode` has it.
    watch (Callable or None): As of `open_source`.
    """
    with (
        open_source(path, watch=watch) as file,
        io.TextIOWrapper(
            file, encoding="utf-8-sig", errors=errors, newline="\n"
        ) as lines,
    ):
        yield lines


def read_documents(path: Path) -> Iterator[Document]:
    """Read documents that `extract` wrote, compressed or not.

    path (Path): JSON lines.
    YIELDS (Document): In the order of the file.
    RAISES (SourceError): If the file cannot be read; with file and line.
    """
    with open_lines(path) as lines, naming(str(path)):
        first = next((line for line in lines if line.strip()), "{")
    if not first.lstrip().startswith("{"):
        raise SourceError(Errors.B219.format(path=path))
    with open_lines(path) as lines:
        yield from read_jsonl(lines, path=str(path))


def read_ids(path: Path) -> frozenset[str]:
    """Read a list of document ids.

    path (Path): An id a line; what follows a # is a comment.
    RETURNS (frozenset[str]): The ids.
    RAISES (SourceError): If the file cannot be read, or has none.
    """
    with open_lines(path) as lines, naming(str(path)):
        found = {line.partition("#")[0].strip() for line in lines} - {""}
    if not found:
        raise SourceError(Errors.B218.format(path=path))
    return frozenset(found)
