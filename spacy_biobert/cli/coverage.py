"""What a vocabulary is made from, and what it is measured on: other documents."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Errors
from ..types import Document
from .plain import Printer
from .sources import read_documents

if TYPE_CHECKING:
    from ..pretraining.vocabulary import Coverage

SECONDS_BETWEEN_LINES = 5.0
# Documents on which pieces per word are counted.
SAMPLE = 500


@dataclass(frozen=True, slots=True)
class TrainingTexts:
    """The texts of a file of documents, read from it each time.

    Documents that are held back, as `tokenize` holds them out, are passed over.
    """

    path: Path
    limit: int
    held_out: float

    def __iter__(self) -> Iterator[str]:
        shown = time.monotonic()
        documents = islice(_read(self.path, self.held_out, False), self.limit or None)
        for number, document in enumerate(documents, start=1):
            if time.monotonic() - shown >= SECONDS_BETWEEN_LINES:
                shown = time.monotonic()
                Printer().text(f"{number:,} documents read")
            yield document.text


@dataclass(frozen=True, slots=True)
class Sample:
    """Texts to measure a vocabulary on."""

    texts: list[str]
    held_back: bool

    def __str__(self) -> str:
        what = "held back" if self.held_back else "that it was made from"
        return f"on {len(self.texts)} documents {what}"


def read_sample(texts: TrainingTexts) -> Sample:
    """Read documents that were held back; if there are none, some that were not.

    texts (TrainingTexts): What a vocabulary was made from.
    RETURNS (Sample): At most 500 texts.
    RAISES (SourceError): If the file cannot be read.
    """
    back = list(islice(_read(texts.path, texts.held_out, True), SAMPLE))
    if back:
        return Sample([document.text for document in back], held_back=True)
    return Sample(list(islice(texts, SAMPLE)), held_back=False)


def check_new(folder: Path, *, force: bool) -> None:
    """Refuse to replace a folder with something in it, unless that is wanted.

    folder (Path): Where a vocabulary is to be written.
    force (bool): Replace what is there.
    RAISES (OSError): If it is there and may not be replaced.
    """
    if not force and folder.is_dir() and any(folder.iterdir()):
        raise FileExistsError(Errors.B236.format(path=folder))


def describe(coverage: "Coverage") -> str:
    """Say how well a vocabulary fits."""
    return (
        f"{coverage.pieces_per_word:.2f} pieces a word, "
        f"{100 * coverage.unknown_share:.2f}% unknown"
    )


def _read(path: Path, held_out: float, held_back: bool) -> Iterator[Document]:
    from ..pretraining.cutting import is_held_out

    for document in read_documents(path):
        if is_held_out(document.id, held_out) == held_back:
            yield document
