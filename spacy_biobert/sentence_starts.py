"""The sentences of a doc: those that its corpus states, and how any are marked."""

from collections.abc import Sequence
from typing import Any

import numpy
from spacy.tokens import Doc

LABEL = "sentence"


def find_stated_starts(doc: Doc) -> list[int]:
    """Give where the sentences of a doc begin if its corpus states them, as DDI does.

    doc (Doc): As `convert` makes it.
    RETURNS (list[int]): In characters, in order. Empty unless all its passages are
        sentences.
    """
    passages = doc.user_data.get("passages", ())
    if any(label != LABEL for _, _, label in passages):
        return []
    return sorted(start for start, _, _ in passages)


def mark_sentences(doc: Doc, starts: Sequence[int]) -> None:
    """Set the sentences of a doc.

    White space belongs to the sentence before it, a token to that which begins in it.

    doc (Doc): The doc, not empty; its sentences are set.
    starts (Sequence[int]): Where they begin, in characters, in order. The first
        begins with the doc, wherever it says.
    """
    bounds = doc.to_array("IDX").astype("int64")
    marks = numpy.full(len(doc), -1, dtype="int64")
    marks[0] = 1
    marks[numpy.searchsorted(bounds, starts[1:], side="right") - 1] = 1
    # spaCy wants them without a sign, and reads them with one.
    unsigned: Any = marks.astype("uint64")
    doc.from_array(["SENT_START"], unsigned)
