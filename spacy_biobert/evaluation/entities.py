"""Score entities and their confidences."""

from collections.abc import Iterable
from typing import Any

from spacy.training import Example

from ..extensions import read_annotated_labels
from ..models.judging import Entity, Judged, judge_entities
from .calibration import expected_calibration_error, make_bins
from .metrics import Counts, label_scores, sum_all, sum_by_label

KEYS = (
    "ents_p",
    "ents_r",
    "ents_f",
    "ents_per_type",
    "ents_ece",
    "ents_reliability",
)


def score_entities(examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
    """Score entities by precision, recall and F1, and their confidences, each 0 to 1.

    An entity is right with exact bounds and label. Documents without gold annotation
    are left out, and so are predicted entities of labels that a document is not
    annotated with.

    examples (Iterable[Example]): The examples.
    RETURNS (dict[str, Any]): `ents_p`, `ents_r`, `ents_f` over all entities;
        `ents_per_type`, see `label_scores`; `ents_ece`, the expected calibration error of the confidences, and `ents_reliability`, the bins behind
        it. Each is None if there is nothing to score.
    RAISES (ValueError): If a document's stated labels are malformed.
    """
    parts: list[dict[str, Counts]] = []
    confident: list[tuple[float, bool]] = []
    for eg in examples:
        judged, missed = judge_entities(eg, read_annotated_labels(eg.reference))
        parts.append(_count(judged, missed))
        confident += [
            (one.confidence, one.is_right)
            for one in judged
            if one.confidence is not None
        ]
    scores: dict[str, Any] = dict.fromkeys(KEYS)
    by_label = sum_by_label(parts)
    if by_label:
        micro = sum_all(by_label)
        scores["ents_p"], scores["ents_r"] = micro.precision, micro.recall
        scores["ents_f"] = micro.f1
        scores["ents_per_type"] = label_scores(by_label)
    if confident:
        bins = make_bins(*zip(*confident, strict=True))
        scores["ents_ece"] = expected_calibration_error(bins)
        scores["ents_reliability"] = bins
    return scores


def _count(judged: list[Judged], missed: list[Entity]) -> dict[str, Counts]:
    found = [
        {one.label: Counts(int(one.is_right), int(one.is_right), 1)} for one in judged
    ]
    return sum_by_label([*found, *({label: Counts(0, 1, 0)} for *_, label in missed)])
