"""Files and folders that are there whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary path to write to, which becomes `path` if all goes well.

    path (Path): The file to be; its folder is made. An existing file is
        replaced in one step, and kept if anything is raised inside.
    YIELDS (Path): The path to write, in the same folder.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        yield unfinished
        flush(unfinished)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder to fill, which becomes `path` if all goes well.

    path (Path): The folder to be. An existing one is replaced at the end, and
        kept if anything is raised inside.
    YIELDS (Path): The folder to fill, beside `path`.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        yield unfinished
        for file in unfinished.rglob("*"):
            if file.is_file():
                flush(file)
        replaced = path.with_name(f".{path.name}.replaced")
        shutil.rmtree(replaced, ignore_errors=True)
        if path.exists():
            os.replace(path, replaced)
        os.replace(unfinished, path)
        shutil.rmtree(replaced, ignore_errors=True)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


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
