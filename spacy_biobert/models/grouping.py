"""Pool the scores of several rows into one, as those of mentions for their concepts.

Shapes: N = rows (pairs of mentions), E = entries, G = groups (pairs of concepts),
K = columns.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy
from numpy.typing import NDArray
from thinc.api import Ops
from thinc.types import Floats2d

GroupPooling = Literal["logsumexp", "max"]


@dataclass(frozen=True, slots=True)
class Grouping:
    """Which rows make up each group; a row may stand in several.

    rows (NDArray): The row of each entry, group after group, [E].
    lengths (NDArray): Entries of each group, at least 1, [G].
    """

    rows: NDArray[numpy.int64]
    lengths: NDArray[numpy.int64]

    @property
    def groups(self) -> NDArray[numpy.int64]:
        """The group of each entry, [E]."""
        return numpy.repeat(numpy.arange(len(self.lengths)), self.lengths)


def pool_scores(
    ops: Ops,
    X: Floats2d,
    grouping: Grouping,
    *,
    pooling: GroupPooling,
    exclusive: bool,
) -> tuple[Floats2d, Callable[[Floats2d], Floats2d]]:
    """Pool the scores (logits) of the rows of each group, column by column.

    ops (Ops): Where the arrays are.
    X (Floats2d): Scores of the rows, [N, K].
    grouping (Grouping): The rows of each group.
    pooling (Literal): "logsumexp", a smooth maximum that grows with each row that
        speaks for a label, or "max".
    exclusive (bool): Whether the first column is "none", against which the others
        are measured: what is pooled is by how much they exceed it, and the pooled
        "none" is 0. Else one mention that says nothing would outvote the others.
    RETURNS (tuple[Floats2d, Callable]): The pooled scores, [G, K], and a function
        from their gradient to that of X.
    SOURCE: the logarithm of the sum over the mentions of Jia et al. (2019),
        https://arxiv.org/abs/1904.02347
    """
    if not len(grouping.rows):
        return ops.alloc2f(0, X.shape[1]), lambda dY: ops.alloc2f(*X.shape)
    arrays: tuple[Any, ...] = (grouping.rows, grouping.groups, grouping.lengths)
    rows, groups, lengths = (ops.asarray1i(array) for array in arrays)
    entries = X[rows]
    if exclusive:
        entries = entries - entries[:, :1]
    highest, which = ops.reduce_max(ops.xp.ascontiguousarray(entries), lengths)
    if pooling == "max":
        Y = highest
    else:
        parts = ops.xp.exp(entries - highest[groups])
        sums = ops.reduce_sum(parts, lengths)
        Y = highest + ops.xp.log(sums)

    def backprop(dY: Floats2d) -> Floats2d:
        if pooling == "max":
            d_entries = ops.backprop_reduce_max(dY, which, lengths)
        else:
            d_entries = (dY / sums)[groups] * parts
        if exclusive:
            # "None" is a constant in its own column, and subtracted in the others.
            d_entries[:, 0] = -d_entries[:, 1:].sum(axis=1)
        dX: Floats2d = ops.xp.zeros(X.shape, dtype=X.dtype)
        ops.scatter_add(dX, rows, d_entries)
        return dX

    if exclusive:
        # Of any number of zeros, the logarithm of the sum would not be zero.
        Y[:, 0] = 0.0
    return Y, backprop
