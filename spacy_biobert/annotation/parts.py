"""Finished blocks, kept beside the output until all of it can be put together.

    OUTPUT.parts/recipe.json      what the run was begun with
    OUTPUT.parts/0000000.jsonl.gz the content of a block (.jsonl, .spacy)
    OUTPUT.parts/0000000.json     what is told of it; written last: the block is finished

A block is written whole or not at all, so that a run may be killed at any moment.
"""

import fcntl
import gzip
import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ..atomic import make_folder, whole_file
from ..converters.faults import SourceError
from ..errors import Errors
from .annotating import AnnotatedBlock, Counts
from .checks import SetAside
from .recipe import Recipe

RECIPE, LOCK = "recipe.json", "lock"
COUNTED = [field.name for field in fields(Counts)]
OURS = re.compile(r"\.?(\d{7,}|recipe|lock)(\.\w+)*")


@dataclass(frozen=True, slots=True)
class Parts:
    """The folder of a run's blocks, and how their contents end: ".jsonl", ".spacy" ..."""

    folder: Path
    suffix: str

    def content(self, number: int) -> Path:
        """Give the place of a block's content."""
        return self.folder / f"{number:07d}{self.suffix}"

    def told(self, number: int) -> Path:
        """Give the place of what is told of a block."""
        return self.folder / f"{number:07d}.json"


@dataclass(frozen=True, slots=True)
class BlockReport:
    """What is told of a finished block: its counts, and what was set aside."""

    number: int
    counts: Counts
    set_aside: tuple[SetAside, ...]


def write_block(block: AnnotatedBlock, parts: Parts) -> BlockReport:
    """Write a block, whole or not at all.

    block (AnnotatedBlock): What was found.
    parts (Parts): Where it goes.
    RETURNS (BlockReport): What is told of it.
    RAISES (OSError): If it cannot be written.
    """
    packed = block.content
    if parts.suffix.endswith(".gz"):
        packed = gzip.compress(packed, 6, mtime=0)
    with whole_file(parts.content(block.number)) as path:
        path.write_bytes(packed)
    told = {
        "bytes": len(packed),
        "counts": {name: getattr(block.counts, name) for name in COUNTED},
        "set_aside": [asdict(entry) for entry in block.set_aside],
    }
    with whole_file(parts.told(block.number)) as path:
        path.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
    return BlockReport(block.number, block.counts, block.set_aside)


def read_report(parts: Parts, number: int) -> BlockReport | None:
    """Read what is told of a block.

    RETURNS (BlockReport or None): None if the block is not finished.
    """
    try:
        told = json.loads(parts.told(number).read_text(encoding="utf-8"))
        if parts.content(number).stat().st_size != told["bytes"]:
            return None
    except FileNotFoundError:
        return None
    counts: dict[str, Any] = {
        name: Counter(found) if isinstance(found, dict) else found
        for name, found in told["counts"].items()
    }
    set_aside = tuple(SetAside(**entry) for entry in told["set_aside"])
    return BlockReport(number, Counts(**counts), set_aside)


def read_reports(parts: Parts) -> Iterator[BlockReport]:
    """Read what is told of the blocks that are finished, in their order."""
    names = [path.stem for path in parts.folder.glob("*.json")]
    for number in sorted(int(name) for name in names if name.isdecimal()):
        report = read_report(parts, number)
        if report is not None:
            yield report


def read_recipe(parts: Parts) -> Recipe | None:
    """Read what a run was begun with; None if no run is here."""
    try:
        recipe: Recipe = json.loads((parts.folder / RECIPE).read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    return recipe


@contextmanager
def open_parts(parts: Parts, recipe: Recipe, *, anew: bool) -> Iterator[None]:
    """Make the folder, or go on with what is in it, and hold it against others.

    parts (Parts): What a run left that had no recipe yet, or was done, is removed.
    recipe (dict): What the run is begun with.
    anew (bool): Remove the blocks of an earlier run.
    RAISES (SourceError): If another process holds the folder, or it has something
        else in it.
    """
    make_folder(parts.folder)
    with (parts.folder / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SourceError(Errors.B512.format(parts=parts.folder)) from error
        if anew or read_recipe(parts) is None:
            _clear(parts)
        with whole_file(parts.folder / RECIPE) as path:
            path.write_text(json.dumps(recipe, ensure_ascii=False), encoding="utf-8")
        yield


def remove_parts(parts: Parts) -> None:
    """Remove the folder of a run that is done."""
    _clear(parts)
    shutil.rmtree(parts.folder)


def _clear(parts: Parts) -> None:
    for path in parts.folder.iterdir():
        if not OURS.fullmatch(path.name):
            message = Errors.B517.format(parts=parts.folder, found=path.name)
            raise SourceError(message)
    # Without it, what a killed process leaves of the folder is no run.
    (parts.folder / RECIPE).unlink(missing_ok=True)
    for path in parts.folder.iterdir():
        if path.name != LOCK:
            path.unlink()
