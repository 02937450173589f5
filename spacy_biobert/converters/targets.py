"""Outputs of any format on the disk: checked, then written whole or not at all."""

import gzip
import io
import lzma
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, TextIO

from ..atomic import whole_file, whole_folder
from ..errors import Errors
from .faults import SourceError
from .formats import Format, Target, find_format, format_names

# What a folder may hold that is replaced: the files of the formats that are folders.
REPLACED = ("*.txt", "*.ann", "*.tsv", "*.xml")


def told_by_name(output: Path, others: Mapping[str, str]) -> str:
    """Tell by its name which format an output is to have.

    output (Path): The file.
    others (Mapping[str, str]): Formats by the ends of names, besides those that can be
        written.
    RETURNS (str): The name of the format.
    RAISES (SourceError): If the name has none of the ends.
    """
    formats = {name: find_format(name) for name in format_names()}
    written = {name: format for name, format in formats.items() if format.write}
    suffixes = {s: name for name, format in written.items() for s in format.suffixes}
    bare = output.name.lower().removesuffix(".gz").removesuffix(".xz")
    for name, known in ((output.name, others), (bare, suffixes)):
        for suffix, format in known.items():
            if name.endswith(suffix):
                return format
    message = Errors.B509.format(
        path=output,
        known=", ".join((*others, *suffixes)),
        found=output.name,
        formats=", ".join((*others.values(), *written)),
    )
    raise SourceError(message)


def check_replaced(
    output: Path, *, folder: bool, names: Iterable[str] = REPLACED
) -> None:
    """Refuse to replace what is no earlier output.

    output (Path): The output, there or not.
    folder (bool): Whether it is to be a folder.
    names (Iterable[str]): Patterns of the files that a folder may hold.
    RAISES (SourceError): If it is of the other kind, or has other things in it.
    """
    wrong = None
    if not output.exists():
        return
    if output.is_dir() != folder:
        wrong = "a folder" if output.is_dir() else "a file"
    elif folder:
        wrong = next(
            (
                path.name
                for path in sorted(output.iterdir())
                if path.is_dir() or not any(fnmatch(path.name, p) for p in names)
            ),
            None,
        )
    if wrong is not None:
        raise SourceError(Errors.B241.format(path=output, found=wrong))


@contextmanager
def open_target(
    output: Path,
    format: Format,
    lost: Counter[str],
    about: Mapping[str, str] | None = None,
) -> Iterator[Target]:
    """Give where a format is written to; all of it is there at the end, or nothing.

    output (Path): The file, compressed as its name says, or the folder. Replaced.
    format (Format): What is written.
    lost (Counter[str]): Counts what the format cannot hold.
    about (Mapping[str, str] or None): See `Target`.
    YIELDS (Target): For `format.write`.
    RAISES (OSError): If it cannot be written.
    """
    whole: Callable[[Path], AbstractContextManager[Path]] = (
        whole_folder if format.folder else whole_file
    )
    with whole(output) as unfinished:

        @contextmanager
        def opened(name: str) -> Iterator[TextIO]:
            path = unfinished / name if format.folder else unfinished
            with open_text(path, output.suffix if not format.folder else "") as file:
                yield file

        yield Target(opened, lost, about or {})


@contextmanager
def open_text(path: Path, suffix: str) -> Iterator[TextIO]:
    """Open a file to write, compressed as a suffix says, always to the same bytes."""
    with ExitStack() as stack:
        file: Any = stack.enter_context(path.open("wb"))
        if suffix == ".gz":
            file = stack.enter_context(gzip.GzipFile("", "wb", fileobj=file, mtime=0))
        elif suffix == ".xz":
            file = stack.enter_context(lzma.LZMAFile(file, "wb"))
        yield stack.enter_context(io.TextIOWrapper(file, encoding="utf-8", newline=""))
