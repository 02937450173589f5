"""One run in a folder at a time."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from ..atomic import make_folder
from ..errors import Errors
from .ranks import Ranks

LOCK = ".lock"
# A holder writes its number right after it has the lock.
SECONDS_TO_NUMBER = 0.01


@contextmanager
def alone_in(folder: Path, ranks: Ranks) -> Iterator[None]:
    """Keep other runs out of a folder, as long as this one writes there.

    The first of the processes holds a lock on a file in the folder. The system takes it
    back when the process ends, however it ends.

    folder (Path): Of the run; made if it is missing, and gone again if it stays empty.
    ranks (Ranks): This process among those of the run.
    RAISES (OSError): In every process of this run, if another run is at work there; or
        if nothing can be written there.
    """
    if folder.is_file():
        raise FileExistsError(Errors.B153.format(output=folder, found="a file"))
    made = ranks.first and not folder.is_dir()
    lock, holder = _take(folder) if ranks.first else (None, 0)
    try:
        (number,) = ranks.add_up_numbers([float(holder)])
        if number:
            raise FileExistsError(Errors.B162.format(output=folder, pid=int(number)))
        yield
    finally:
        if lock is not None:
            # While it is held: whoever has opened it meanwhile sees that it is gone.
            (folder / LOCK).unlink(missing_ok=True)
            lock.close()
        if made:
            with suppress(OSError):
                folder.rmdir()


def _take(folder: Path) -> tuple[TextIO | None, int]:
    """Give the open file that holds the lock and 0, or None and who has it."""
    make_folder(folder)
    while True:
        lock = (folder / LOCK).open("a+", encoding="utf8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read()
            lock.close()
            if holder:
                return None, int(holder)
            time.sleep(SECONDS_TO_NUMBER)
            continue
        if _is_still(folder / LOCK, lock):
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            return lock, 0
        lock.close()


def _is_still(path: Path, file: TextIO) -> bool:
    """Say whether a path leads to an open file: the holder before removed its own."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
