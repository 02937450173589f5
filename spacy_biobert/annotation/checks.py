"""Which documents can be annotated at all; the others are set aside with a reason."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b

from ..converters.revisions import PmidSet
from ..errors import Errors
from ..types import AnnotatedDocument

# A number as PMIDs and PMC ids have it, behind a prefix that many share.
NUMBERED = re.compile(r"(\D{0,8})([1-9]\d{0,8})")
# Prefixes that get a set of numbers each; a set takes 8 kB at least.
MOST_PREFIXES = 64


@dataclass(frozen=True, slots=True)
class Text:
    """A document to annotate, and the file it comes from."""

    source: str
    document: AnnotatedDocument


@dataclass(frozen=True, slots=True)
class SetAside:
    """A document that is not annotated, or the rest of a file, with the reason."""

    source: str
    document: str
    error: str


Item = Text | SetAside


class SeenIds:
    """The ids seen so far: a bit for most of PubMed's, 8 bytes and more for others."""

    def __init__(self) -> None:
        self._numbers: dict[str, PmidSet] = {}
        self._digests: set[bytes] = set()

    def add(self, name: str) -> bool:
        """Add an id.

        RETURNS (bool): Whether it is new.
        """
        found = NUMBERED.fullmatch(name)
        if found is not None and found[0].isascii():
            prefix, number = found[1], int(found[2])
            if prefix in self._numbers or len(self._numbers) < MOST_PREFIXES:
                numbers = self._numbers.setdefault(prefix, PmidSet())
                is_new = number not in numbers
                numbers.add(number)
                return is_new
        digest = blake2b(name.encode("utf-8"), digest_size=8).digest()
        is_new = digest not in self._digests
        self._digests.add(digest)
        return is_new


def checked(items: Iterable[Item], *, max_length: int) -> Iterator[Item]:
    """Set aside the documents that cannot be annotated.

    items (Iterable[Item]): Documents, and what was set aside before.
    max_length (int): Most characters of a text.
    YIELDS (Item): The same in the same order. Documents without text, with half
        characters, too long or with an id that was there before are set aside.
    """
    seen = SeenIds()
    for item in items:
        if isinstance(item, SetAside):
            yield item
            continue
        error = _wrong(item.document, max_length)
        if error is None and not seen.add(item.document.id):
            error = Errors.B506
        if error is None:
            yield item
        else:
            name = item.document.id.encode("utf-8", "replace").decode("utf-8")
            yield SetAside(item.source, name, error)


def _wrong(document: AnnotatedDocument, max_length: int) -> str | None:
    if not document.text.strip():
        return Errors.B516
    if len(document.text) > max_length:
        return Errors.B505.format(most=max_length, found=len(document.text))
    labels = (passage.label for passage in document.passages)
    try:
        for text in (document.id, document.text, *labels):
            text.encode("utf-8")
    except UnicodeEncodeError:
        return Errors.B507
    return None
