"""What the relations of a document are, as items to compare.

A relation between mentions is its two spans, in characters. A relation between
concepts is its two concepts: however many mentions say it, it counts once.
"""

from collections.abc import Hashable, Iterator
from functools import cache
from itertools import product
from typing import Protocol

from spacy.tokens import Doc

from .extensions import RelationRow, read_concept_relations, read_relations

# The two ends (a tuple, or a frozenset where their order does not matter), the label.
ItemT = tuple[Hashable, str]


class FindEndsT(Protocol):
    """Gives what a pair of mentions (bounds in tokens) relates, as ends of items."""

    def __call__(self, start1: int, end1: int, start2: int, end2: int) -> set[Hashable]:
        """Find the ends."""


def get_mention_items(doc: Doc, *, directed: bool) -> dict[ItemT, float]:
    """Give the relations between mentions: both spans in characters, and the label.

    doc (Doc): The document.
    directed (bool): Whether (a, b) and (b, a) differ.
    RETURNS (dict[ItemT, float]): The items, each with its highest score.
    """
    return _collect(doc, make_mention_finder(doc, directed=directed))


def get_gold_concept_items(reference: Doc, *, directed: bool) -> set[ItemT]:
    """Give the gold relations between concepts: both concepts, and the label."""
    return {
        (_join(row.concept1, row.concept2, directed=directed), row.label)
        for row in read_concept_relations(reference) or ()
    }


def get_concept_items(
    predicted: Doc, reference: Doc, *, directed: bool
) -> dict[ItemT, float]:
    """Give the relations between concepts that those between mentions say.

    predicted (Doc): The document to judge.
    reference (Doc): The same text with gold entities, their concepts in `kb_id_`.
    directed (bool): Whether (a, b) and (b, a) differ.
    RETURNS (dict[ItemT, float]): The items, to compare with
        `get_gold_concept_items`, each with the highest score of the relations that
        say it; see `make_concept_finder`.
    """
    finder = make_concept_finder(predicted, reference, directed=directed)
    return _collect(predicted, finder)


def get_annotated_items(
    predicted: Doc, reference: Doc, *, directed: bool
) -> Iterator[tuple[set[ItemT], dict[ItemT, float]]]:
    """Give what is to be compared of a document, as far as it is annotated.

    predicted (Doc): The document to judge.
    reference (Doc): The same text with gold annotation.
    directed (bool): Whether (a, b) and (b, a) differ.
    YIELDS (tuple[set[ItemT], dict[ItemT, float]]): Gold items, and predicted ones
        with their scores: those between mentions, then those between concepts, where
        the reference carries them.
    RAISES (ValueError): If the stored relations are malformed.
    """
    if read_relations(reference) is not None:
        gold = set(get_mention_items(reference, directed=directed))
        yield gold, get_mention_items(predicted, directed=directed)
    if read_concept_relations(reference) is not None:
        gold = get_gold_concept_items(reference, directed=directed)
        yield gold, get_concept_items(predicted, reference, directed=directed)


def make_mention_finder(doc: Doc, *, directed: bool) -> FindEndsT:
    """Make a function that gives a pair's two spans in characters.

    doc (Doc): The document that the pairs are of.
    directed (bool): Whether (a, b) and (b, a) differ.
    RETURNS (Callable): Takes the bounds of a pair in tokens.
    """

    def find(start1: int, end1: int, start2: int, end2: int) -> set[Hashable]:
        arg1, arg2 = _get_bounds(doc, start1, end1), _get_bounds(doc, start2, end2)
        return {_join(arg1, arg2, directed=directed)}

    return find


def make_concept_finder(predicted: Doc, reference: Doc, *, directed: bool) -> FindEndsT:
    """Make a function that gives the concepts that a pair relates, each with each.

    A mention stands for the concepts of the gold entity with the same bounds. If
    one of the two stands for none, the relation cannot be right; it counts once for
    each two texts, in lower case.

    predicted (Doc): The document that the pairs are of.
    reference (Doc): The same text with gold entities, their concepts in `kb_id_`.
    directed (bool): Whether (a, b) and (b, a) differ.
    RETURNS (Callable): Takes the bounds of a pair in tokens.
    """
    concepts = {
        (ent.start_char, ent.end_char): ent.kb_id_.split("|")
        for ent in reference.ents
        if ent.kb_id_
    }
    # `doc.text` is put together anew each time, and pairs are many.
    text = predicted.text

    @cache
    def read_mention(start: int, end: int) -> tuple[list[str], str]:
        first, last = _get_bounds(predicted, start, end)
        return concepts.get((first, last), []), text[first:last].lower()

    def find(start1: int, end1: int, start2: int, end2: int) -> set[Hashable]:
        concepts1, text1 = read_mention(start1, end1)
        concepts2, text2 = read_mention(start2, end2)
        # Texts in a tuple, so that none passes for a concept.
        unknown: list[tuple[object, object]] = [(("", text1), ("", text2))]
        both = list(product(concepts1, concepts2)) or unknown
        return {_join(arg1, arg2, directed=directed) for arg1, arg2 in both}

    return find


def _collect(doc: Doc, find_ends: FindEndsT) -> dict[ItemT, float]:
    scores: dict[ItemT, float] = {}
    for row in read_relations(doc) or ():
        for ends in find_ends(*_get_pair(row)):
            item = ends, row.label
            scores[item] = max(row.score, scores.get(item, row.score))
    return scores


def _get_pair(row: RelationRow) -> tuple[int, int, int, int]:
    return row.start1, row.end1, row.start2, row.end2


def _get_bounds(doc: Doc, start: int, end: int) -> tuple[int, int]:
    span = doc[start:end]
    return span.start_char, span.end_char


def _join(arg1: object, arg2: object, *, directed: bool) -> Hashable:
    return (arg1, arg2) if directed else frozenset((arg1, arg2))
