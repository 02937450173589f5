"""Sentences, and the pairs of mentions in them, for the formats of single sentences."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ..sentences import split_sentences
from ..types import AnnotatedDocument


@dataclass(frozen=True, slots=True)
class Pair:
    """Two mentions of a sentence, by index; the label is None if they have no relation.

    start and end are the bounds of the sentence.
    """

    start: int
    end: int
    arg1: int
    arg2: int
    label: str | None


def find_sentences(document: AnnotatedDocument) -> list[tuple[int, int]]:
    """Give the sentences: the document's own, if all its passages are, else split ones.

    Where a mention goes on from one to the next, they are one.

    RETURNS (list[tuple[int, int]]): Start and end of each, in order.
    """
    spans = [(p.start, p.end) for p in document.passages]
    if not spans or any(p.label != "sentence" for p in document.passages):
        spans = split_sentences(document.text)
    mentions = sorted((m.start, m.end) for m in document.mentions or ())
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and any(a < merged[-1][1] and start < b for a, b in mentions):
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def sentence_of(spans: list[tuple[int, int]], start: int, end: int) -> int | None:
    """Give the number of the sentence that a stretch is in."""
    for number, (first, last) in enumerate(spans):
        if first <= start and end <= last:
            return number
    return None


def find_pairs(document: AnnotatedDocument, lost: Counter[str]) -> Iterator[Pair]:
    """Give the pairs of mentions in one sentence, related and not, in their order.

    lost (Counter[str]): Counts relations across sentences, and mentions in no pair.
    YIELDS (Pair): A pair with two relations twice.
    """
    mentions = document.mentions or ()
    spans = find_sentences(document)
    home = [sentence_of(spans, m.start, m.end) for m in mentions]
    related = document.mention_relations or ()
    lost["relations across sentences"] += sum(
        home[r.arg1] != home[r.arg2] or home[r.arg1] is None for r in related
    )
    paired: set[int] = set()
    for number, (start, end) in enumerate(spans):
        inside = [i for i, where in enumerate(home) if where == number]
        for i, j in ((i, j) for i in inside for j in inside if i < j):
            first, second = mentions[i], mentions[j]
            if first.start < second.end and second.start < first.end:
                continue
            paired |= {i, j}
            found = [r for r in related if {r.arg1, r.arg2} == {i, j}]
            for r in found:
                yield Pair(start, end, r.arg1, r.arg2, r.label)
            if not found:
                yield Pair(start, end, i, j, None)
    lost["mentions in no pair"] += len(mentions) - len(paired)
