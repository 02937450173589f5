"""Losses that skip what is not annotated.

Shapes: N = tokens or docs, K = classes. Each is a mean over what is annotated, so
that neither the size of a batch nor the annotated share of it moves the scale.
"""

from thinc.api import Ops
from thinc.types import Floats1d, Floats2d, Ints1d


def softmax_cross_entropy(
    ops: Ops,
    logits: Floats2d,
    classes: Ints1d,
    *,
    weights: Floats1d | None = None,
    total: float | None = None,
) -> tuple[float, Floats2d]:
    """Compare the scores of exclusive classes with the right class.

    ops (Ops): Where the arrays are.
    logits (Floats2d): Scores before the softmax, [N, K].
    classes (Ints1d): The right class, or a negative number where it is not known.
    weights (Floats1d | None): How much each row counts, [N]; None for 1.
    total (float | None): What the sum over the rows is divided by; None for the sum
        of the weights of the known ones.
    RETURNS (tuple[float, Floats2d]): The weighted mean over the known rows in nats,
        and its gradient with respect to `logits`, zero in the other rows. Without
        any known row the loss is 0.
    """
    d_logits = ops.alloc2f(*logits.shape)
    known = ops.xp.flatnonzero(classes >= 0)
    if not len(known):
        return 0.0, d_logits
    shares = ops.xp.ones(len(known), "f") if weights is None else weights[known]
    shares = shares / (float(shares.sum()) if total is None else total)
    X = logits[known]
    X = X - X.max(axis=1, keepdims=True)
    log_probs = X - ops.xp.log(ops.xp.exp(X).sum(axis=1, keepdims=True))
    rows, right = ops.xp.arange(len(known)), classes[known]
    dX = ops.xp.exp(log_probs)
    dX[rows, right] -= 1.0
    d_logits[known] = dX * shares[:, None]
    return float(-(log_probs[rows, right] * shares).sum()), d_logits


def sigmoid_cross_entropy(
    ops: Ops,
    logits: Floats2d,
    truths: Floats2d,
    known: Floats2d,
    *,
    total: float | None = None,
) -> tuple[float, Floats2d]:
    """Compare the scores of independent classes with which of them apply.

    ops (Ops): Where the arrays are.
    logits (Floats2d): Scores before the sigmoid, [N, K].
    truths (Floats2d): 1 where the class applies, else 0, [N, K].
    known (Floats2d): How much a cell counts, 0 where the truth is not known, [N, K].
    total (float | None): What the sum over the cells is divided by; None for the
        sum of `known`, or 1 if that is less.
    RETURNS (tuple[float, Floats2d]): The weighted mean over the known cells in nats,
        and its gradient with respect to `logits`, zero in the other cells. Without
        any known cell the loss is 0.
    """
    n_known = max(1.0, float(ops.xp.sum(known))) if total is None else total
    # log(1 + exp(x)) that does not overflow
    softplus = ops.xp.maximum(logits, 0) + ops.xp.log1p(ops.xp.exp(-abs(logits)))
    losses = (softplus - logits * truths) * known
    d_logits = (ops.sigmoid(logits) - truths) * known / n_known
    return float(ops.xp.sum(losses)) / n_known, d_logits
