"""The files of annotated corpora: in folders, compressed, inside of zip archives."""

import gzip
import lzma
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path
from typing import IO, BinaryIO, cast

from ..converters.faults import SourceError
from ..errors import Errors
from .sources import OPENERS, find_sources, open_source

ARCHIVE = ".zip"


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """A file on the disk, or one inside of a zip archive.

    path (Path): The file, or the archive.
    inside (str): The name inside of the archive; "" without one.
    """

    path: Path
    inside: str = ""

    def __str__(self) -> str:
        return f"{self.path}/{self.inside}" if self.inside else str(self.path)

    @property
    def name(self) -> str:
        """The file's name, without what says it is compressed."""
        name = Path(self.inside).name if self.inside else self.path.name
        suffix = Path(name).suffix
        return name.removesuffix(suffix) if suffix in OPENERS else name

    @property
    def folder(self) -> str:
        """What the file stands in."""
        return str(self).rpartition("/")[0]


def find_corpus_files(patterns: Iterable[str], main: str) -> dict[CorpusFile, int]:
    """Find the files of a corpus, each once.

    patterns (Iterable[str]): Files, folders, globs, zip archives, and folders or
        files inside of an archive: corpus.zip/train.
    main (str): Pattern of the names to take from folders, globs and archives.
    RETURNS (dict[CorpusFile, int]): In the order of the patterns, those of one sorted;
        how many patterns mean each.
    RAISES (SourceError): If a pattern finds nothing.
    """
    found: dict[CorpusFile, int] = {}
    for pattern in patterns:
        archive = _archive_of(Path(pattern))
        if archive is not None:
            files = list(_members(archive, pattern, main))
        else:
            files = [
                CorpusFile(path) for path in find_sources([pattern], suffixes=None)
            ]
            if not Path(pattern).is_file():
                files = [file for file in files if fnmatch(file.name, main)]
        if not files:
            known = main if main == "*" else f"{main}, with the annotation beside them"
            raise SourceError(Errors.B215.format(folder=pattern, known=known))
        found.update({file: found.get(file, 0) + 1 for file in files})
    return found


@contextmanager
def open_corpus_file(
    file: CorpusFile,
) -> Iterator[tuple[BinaryIO, "Siblings"]]:
    """Open a file, and give what opens the files beside it.

    RAISES (SourceError): If it cannot be opened.
    """
    with ExitStack() as stack:
        siblings = Siblings(file, stack)
        yield siblings.open(file), siblings


@dataclass(frozen=True, slots=True)
class Siblings:
    """Opens the files beside a file; `stack` closes them."""

    file: CorpusFile
    stack: ExitStack

    def __call__(self, name: str) -> BinaryIO | None:
        """Open a file of the same folder, compressed or not; None if there is none."""
        for suffix in ("", *OPENERS):
            if self.file.inside:
                inside = (Path(self.file.inside).parent / f"{name}{suffix}").as_posix()
                file = CorpusFile(self.file.path, inside)
                exists = inside in _opened(self.file.path).NameToInfo
            else:
                file = CorpusFile(self.file.path.parent / f"{name}{suffix}")
                exists = file.path.is_file()
            if exists:
                return self.open(file)
        return None

    def open(self, file: CorpusFile) -> BinaryIO:
        """Open a file until the stack is closed."""
        if not file.inside:
            return self.stack.enter_context(open_source(file.path))
        archive = _opened(file.path)
        try:
            opened = self.stack.enter_context(archive.open(file.inside))
        except (
            OSError,
            RuntimeError,
            zipfile.BadZipFile,
            NotImplementedError,
        ) as error:
            raise SourceError(Errors.B214.format(path=file, reason=error)) from error
        return cast(BinaryIO, self._decompressed(opened, Path(file.inside).suffix))

    def _decompressed(self, file: IO[bytes], suffix: str) -> object:
        if suffix == ".gz":
            return self.stack.enter_context(gzip.open(file))
        if suffix == ".xz":
            return self.stack.enter_context(lzma.open(file))
        return file


def _archive_of(path: Path) -> Path | None:
    for part in (path, *path.parents):
        if part.suffix.lower() == ARCHIVE and part.is_file():
            return part
    return None


def _opened(path: Path) -> zipfile.ZipFile:
    """Open an archive; its list of files is read once, however many are opened."""
    try:
        state = path.stat()
        return _archive(path, state.st_mtime_ns, state.st_size)
    except (OSError, zipfile.BadZipFile) as error:
        raise SourceError(Errors.B214.format(path=path, reason=error)) from error


@lru_cache(maxsize=1)
def _archive(path: Path, mtime: int, size: int) -> zipfile.ZipFile:
    return zipfile.ZipFile(path)


def _members(path: Path, pattern: str, main: str) -> Iterator[CorpusFile]:
    """Find the files of an archive that a pattern means."""
    inside = Path(pattern).relative_to(path).as_posix().removeprefix(".")
    names = sorted(n for n in _opened(path).namelist() if not n.endswith("/"))
    if inside in names:
        yield CorpusFile(path, inside)
        return
    below = [n for n in names if n.startswith(f"{inside}/")] if inside else names
    if not below:
        raise SourceError(Errors.B238.format(path=path, inside=inside))
    for name in below:
        file = CorpusFile(path, name)
        hidden = any(part.startswith((".", "__MACOSX")) for part in name.split("/"))
        if not hidden and fnmatch(file.name, main):
            yield file
