"""Tell right entities from wrong ones."""

from collections.abc import Collection
from typing import NamedTuple

from spacy.training import Example

# The first token, the one after the last, and the label.
Entity = tuple[int, int, str]


class Judged(NamedTuple):
    """A predicted entity: where it is, its confidence if it has one, and the verdict.

    `entity` is on the tokens of the gold document, widened to whole ones.
    """

    entity: Entity
    confidence: float | None
    is_right: bool

    @property
    def label(self) -> str:
        """Its label."""
        return self.entity[2]


def judge_entities(
    eg: Example, annotated: Collection[str] | None
) -> tuple[list[Judged], list[Entity]]:
    """Compare the entities of an example with its gold ones: exact bounds and label.

    What the gold annotation says nothing about is neither right nor wrong: entities of
    labels that are not annotated, and those over tokens with a missing annotation.

    eg (Example): Its predicted doc has entities, the tokens may differ.
    annotated (Collection[str] | None): The labels that are annotated; None for all.
    RETURNS (tuple[list[Judged], list[Entity]]): The predicted entities, and the gold
        ones that none of them is. Both are in the order of the text, and empty without
        gold annotation.
    """
    if not eg.reference.has_annotation("ENT_IOB"):
        return [], []
    gold = {(ent.start, ent.end, ent.label_) for ent in eg.reference.ents}
    is_known = eg.reference.to_array("ENT_IOB") != 0
    confidences = eg.predicted.user_data.get("entity_confidences", {})
    aligned = eg.alignment.x2y
    judged = []
    for ent in eg.predicted.ents:
        if annotated is not None and ent.label_ not in annotated:
            continue
        tokens = aligned[ent.start : ent.end]
        if not len(tokens) or not is_known[tokens[0] : tokens[-1] + 1].all():
            continue
        key = (int(tokens[0]), int(tokens[-1]) + 1, ent.label_)
        confidence = confidences.get(f"{ent.start}:{ent.end}:{ent.label_}")
        judged.append(Judged(key, confidence, key in gold))
        gold.discard(key)
    return judged, sorted(gold)
