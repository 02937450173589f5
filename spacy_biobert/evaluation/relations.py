"""Count the right relations of a document, between mentions and between concepts."""

from spacy.tokens import Doc

from ..extensions import read_concept_relations, read_relations
from ..relation_items import (
    get_concept_items,
    get_gold_concept_items,
    get_mention_items,
)
from .metrics import Counts, count_by_label, sum_by_label


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
