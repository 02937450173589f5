"""Files and folders that are there whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import Errors


class UnwritableError(OSError):
    """Nothing can be written at a place; the message names it."""


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary path to write to, which becomes `path` if all goes well.

    path (Path): The file to be; its folder is made. An existing file is
        replaced in one step, and kept if anything is raised inside.
    YIELDS (Path): The path to write, in the same folder.
    RAISES (OSError): If nothing can be written there.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    with _naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.touch()
    try:
        yield unfinished
        flush(unfinished)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder to fill, which becomes `path` if all goes well.

    path (Path): The folder to be. An existing one, or a file, is replaced at the
        end, and kept if anything is raised inside.
    YIELDS (Path): The folder to fill, beside `path`.
    RAISES (OSError): If nothing can be written there.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    make_folder(unfinished, shown=path)
    try:
        yield unfinished
        # Some writers make files that nobody else may read.
        mode = unfinished.stat().st_mode & 0o666
        for file in unfinished.rglob("*"):
            if file.is_file():
                file.chmod(mode)
                flush(file)
        replaced = path.with_name(f".{path.name}.replaced")
        _remove(replaced)
        if path.exists():
            os.replace(path, replaced)
        os.replace(unfinished, path)
        _remove(replaced)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _remove(path: Path) -> None:
    """Remove what there is, be it a folder or a file."""
    if path.is_file():
        path.unlink()
    shutil.rmtree(path, ignore_errors=True)


@contextmanager
def passing_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder that is gone afterwards.

    path (Path): The folder. What a killed process left there is removed.
    YIELDS (Path): The same.
    """
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def make_folder(path: Path, *, shown: Path | None = None) -> None:
    """Make a folder, and those it lies in.

    path (Path): It may be there already.
    shown (Path | None): What an error names in place of it.
    RAISES (OSError): If it cannot be made; it names the folder.
    """
    with _naming(shown or path):
        path.mkdir(parents=True, exist_ok=True)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Let an error name what the user asked for, not what we call it meanwhile."""
    try:
        yield
    except OSError as error:
        in_the_way = isinstance(error, FileExistsError | NotADirectoryError)
        reason = "a file is in the way" if in_the_way else error.strerror
        raise UnwritableError(Errors.B008.format(path=path, reason=reason)) from error


def flush(file: Path) -> None:
    """Wait until a file's bytes are on the disk.

    RAISES (OSError): If they do not get there; it names the file.
    """
    with file.open("rb") as opened:
        try:
            os.fsync(opened.fileno())
        except OSError as error:
            error.filename = str(file)
            raise
