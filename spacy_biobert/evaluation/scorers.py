"""The scorers that configs name."""

from collections.abc import Callable, Iterable
from typing import Any

from spacy.training import Example

from .entities import score_entities
from .metrics import label_scores, macro_f1, sum_all, sum_by_label
from .relations import count_relations

ScorerT = Callable[..., dict[str, Any]]


def make_entity_scorer_v1() -> ScorerT:
    """Make the scorer of entities and their confidences.

    RETURNS (Callable): See `score_entities`.
    """
    return score_entities


def make_relation_scorer_v1() -> ScorerT:
    """Make the scorer of relations.

    RETURNS (Callable): See `score_relations`.
    """
    return score_relations


def score_relations(
    examples: Iterable[Example], *, directed: bool = True, **kwargs: Any
) -> dict[str, Any]:
    """Score relations by precision, recall and F1, each 0 to 1.

    Documents whose gold annotation carries no relations are left out. See
    `count_relations` for what is right.

    examples (Iterable[Example]): The examples.
    directed (bool): Whether (a, b) and (b, a) differ.
    RETURNS (dict[str, Any]): `rel_micro_p`, `rel_micro_r`, `rel_micro_f` over all
        relations; `rel_macro_f`, the mean F1 of the labels that are gold or
        predicted; `rel_per_type`, see `label_scores`. All are None if no document is
        annotated.
    RAISES (ValueError): If the stored relations are malformed.
    """
    parts = [
        count_relations(eg.predicted, eg.reference, directed=directed)
        for eg in examples
    ]
    annotated = [part for part in parts if part is not None]
    by_label = sum_by_label(annotated)
    micro = sum_all(by_label)
    scores = {
        "rel_micro_p": micro.precision,
        "rel_micro_r": micro.recall,
        "rel_micro_f": micro.f1,
        "rel_macro_f": macro_f1(by_label),
        "rel_per_type": label_scores(by_label),
    }
    return scores if annotated else dict.fromkeys(scores)
