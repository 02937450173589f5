"""What the relations of a document are, as items to compare.

A relation between mentions is its two spans, in characters. A relation between
concepts is its two concepts: however many mentions say it, it counts once.
"""

from functools import cache
from itertools import product

from spacy.tokens import Doc

from ..extensions import RelationRow, read_concept_relations, read_relations
from .metrics import Counts, Item, count_by_label, sum_by_label

BoundsT = tuple[int, int]


def count_relations(
    predicted: Doc, reference: Doc, *, directed: bool = True
) -> dict[str, Counts] | None:
    """Compare the relations of a document with its gold annotation.

    Counted from the gold side: a gold relation that is not predicted is missed, for
    whatever reason. Whether the labels of the entities are right does not matter.

    predicted (Doc): The document to judge.
    reference (Doc): The same text with gold annotation. Relations between mentions
        and relations between concepts are counted where it carries them.
    directed (bool): Whether (a, b) and (b, a) differ.
    RETURNS (dict[str, Counts] | None): The counts by label; None if the reference
        is not annotated with relations.
    RAISES (ValueError): If the stored relations are malformed.
    """
    parts = []
    if read_relations(reference) is not None:
        gold = get_mention_items(reference, directed=directed)
        found = get_mention_items(predicted, directed=directed)
        parts.append(count_by_label(gold, found))
    if read_concept_relations(reference) is not None:
        gold = get_gold_concept_items(reference, directed=directed)
        found = get_concept_items(predicted, reference, directed=directed)
        parts.append(count_by_label(gold, found))
    return sum_by_label(parts) if parts else None


def get_mention_items(doc: Doc, *, directed: bool) -> set[Item]:
    """Give the relations between mentions: both spans in characters, and the label."""
    return {
        _make_item(*_get_spans(doc, row), row.label, directed=directed)
        for row in read_relations(doc) or ()
    }


def get_gold_concept_items(reference: Doc, *, directed: bool) -> set[Item]:
    """Give the gold relations between concepts: both concepts, and the label."""
    return {
        _make_item(row.concept1, row.concept2, row.label, directed=directed)
        for row in read_concept_relations(reference) or ()
    }


def get_concept_items(predicted: Doc, reference: Doc, *, directed: bool) -> set[Item]:
    """Give the relations between concepts that those between mentions say.

    A mention stands for the concepts of the gold entity with the same bounds. If
    one of the two stands for none, the relation cannot be right; it counts once for
    each two texts, in lower case.

    predicted (Doc): The document to judge.
    reference (Doc): The same text with gold entities, their concepts in `kb_id_`.
    directed (bool): Whether (a, b) and (b, a) differ.
    RETURNS (set[Item]): The items, to compare with `get_gold_concept_items`.
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

    items = set()
    for row in read_relations(predicted) or ():
        concepts1, text1 = read_mention(row.start1, row.end1)
        concepts2, text2 = read_mention(row.start2, row.end2)
        # Texts in a tuple, so that none passes for a concept.
        unknown: list[tuple[object, object]] = [(("", text1), ("", text2))]
        for end1, end2 in list(product(concepts1, concepts2)) or unknown:
            items.add(_make_item(end1, end2, row.label, directed=directed))
    return items


def _get_bounds(doc: Doc, start: int, end: int) -> BoundsT:
    span = doc[start:end]
    return span.start_char, span.end_char


def _get_spans(doc: Doc, row: RelationRow) -> tuple[BoundsT, BoundsT]:
    return (
        _get_bounds(doc, row.start1, row.end1),
        _get_bounds(doc, row.start2, row.end2),
    )


def _make_item(end1: object, end2: object, label: str, *, directed: bool) -> Item:
    ends = (end1, end2) if directed else frozenset((end1, end2))
    return ends, label
