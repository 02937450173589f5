"""From the scores of pairs to the probabilities of their labels."""

from typing import Any

import numpy
from numpy.typing import NDArray
from spacy.tokens import Doc
from thinc.api import Ops
from thinc.types import Floats2d

from ..models.grouping import GroupPooling, pool_scores
from ..models.pair_vectors import PairRows
from .concept_pairs import group_by_concepts, join_groupings

FloatsT = NDArray[numpy.float32]


def find_chances(
    ops: Ops,
    docs: list[Doc],
    scores: PairRows,
    *,
    exclusive: bool,
    pooling: GroupPooling | None,
    directed: bool,
) -> list[FloatsT]:
    """Give the probability of each label of each pair.

    ops (Ops): Where the scores are.
    docs (list[Doc]): The docs, with their entities.
    scores (PairRows): Scores (logits) of their pairs.
    exclusive (bool): Whether a pair has one label or none.
    pooling (Literal | None): If set, a pair of mentions has the probability of the
        concepts that it relates, the highest if they are several.
    directed (bool): Whether (a, b) and (b, a) are two pairs.
    RETURNS (list[NDArray]): Per doc, one row per pair and one column per label; -1
        where the label cannot be, because another one is likelier.
    """
    n_pairs = [*map(len, scores.pairs)]
    if pooling is None:
        chances = _to_chances(ops, scores.rows, exclusive=exclusive)
    else:
        groupings = [
            group_by_concepts(doc, pairs, directed=directed).grouping
            for doc, pairs in zip(docs, scores.pairs, strict=True)
        ]
        grouping = join_groupings(groupings, n_pairs)
        pooled, _ = pool_scores(
            ops, scores.rows, grouping, pooling=pooling, exclusive=exclusive
        )
        of_groups = _to_chances(ops, pooled, exclusive=exclusive)
        chances = numpy.full((sum(n_pairs), of_groups.shape[1]), -1.0, "f")
        numpy.maximum.at(chances, grouping.rows, of_groups[grouping.groups])
    ends = numpy.cumsum(n_pairs)[:-1]
    return numpy.split(chances, ends) if n_pairs else []


def _to_chances(ops: Ops, logits: Floats2d, *, exclusive: bool) -> FloatsT:
    found: Any
    if not exclusive:
        found = ops.to_numpy(ops.sigmoid(logits))  # type: ignore[no-untyped-call]
        return found
    found = ops.to_numpy(ops.softmax(logits))[:, 1:]  # type: ignore[no-untyped-call]
    is_best = numpy.zeros(found.shape, dtype=bool)
    if found.size:
        is_best[numpy.arange(len(found)), found.argmax(axis=1)] = True
    return numpy.where(is_best, found, numpy.float32(-1.0))
