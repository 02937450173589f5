"""Compare the scores of pairs with what they should be."""

from typing import Any

import numpy
from numpy.typing import NDArray
from thinc.api import Ops
from thinc.types import Floats2d

from ..models.grouping import GroupPooling, pool_scores
from ..models.losses import sigmoid_cross_entropy, softmax_cross_entropy
from .targets import Targets, weigh


def compare(
    ops: Ops,
    rows: Floats2d,
    targets: Targets,
    *,
    weights: NDArray[numpy.float32],
    total: float,
    exclusive: bool,
    pooling: GroupPooling | None,
) -> tuple[float, Floats2d]:
    """Give the loss of the pairs' scores, pooled where the targets are.

    ops (Ops): Where the scores are.
    rows (Floats2d): Scores (logits), one row per pair of mentions.
    targets (Targets): What they should be.
    weights (NDArray): Per label, how often it counts where it applies, [L].
    total (float): What the sum over all that counts is divided by.
    exclusive (bool): Whether a unit has one label or none.
    pooling (Literal | None): How the scores of mentions become those of concepts.
    RETURNS (tuple[float, Floats2d]): The loss in nats, and its gradient, shaped as
        `rows`. If nothing counts, both are 0.
    """
    if not total:
        return 0.0, ops.alloc2f(*rows.shape)
    if targets.grouping is None or pooling is None:
        return _compare_units(ops, rows, targets, weights, total, exclusive)
    pooled, backprop = pool_scores(
        ops, rows, targets.grouping, pooling=pooling, exclusive=exclusive
    )
    loss, d_pooled = _compare_units(ops, pooled, targets, weights, total, exclusive)
    return loss, backprop(d_pooled)


def _compare_units(
    ops: Ops,
    logits: Floats2d,
    targets: Targets,
    weights: NDArray[numpy.float32],
    total: float,
    exclusive: bool,
) -> tuple[float, Floats2d]:
    counts: Any = weigh(targets, weights, exclusive=exclusive)
    truths: Any = targets.truths
    if not exclusive:
        return sigmoid_cross_entropy(
            ops, logits, ops.asarray2f(truths), ops.asarray2f(counts), total=total
        )
    # The first class is "none".
    classes: Any = numpy.where(truths.any(axis=1), 1 + truths.argmax(axis=1), 0)
    classes[targets.counts == 0] = -1
    return softmax_cross_entropy(
        ops,
        logits,
        ops.asarray1i(classes),
        weights=ops.asarray1f(counts),
        total=total,
    )
