"""Count the right relations of a document, between mentions and between concepts."""

from spacy.tokens import Doc

from ..relation_items import get_annotated_items
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
    parts = [
        count_by_label(gold, found)
        for gold, found in get_annotated_items(predicted, reference, directed=directed)
    ]
    return sum_by_label(parts) if parts else None
