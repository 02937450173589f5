"""Pool the rows of each document, [CLS] and its tokens, into one."""

from collections.abc import Callable, Sequence
from typing import Any

from thinc.api import Model, Ops
from thinc.types import Floats1d, Floats2d

from ..errors import Errors

PoolingT = Model[list[Floats2d], Floats2d]
# From the tokens of a doc, and the query, to one row; and back to both gradients.
BackpropT = Callable[[Floats1d], tuple[Any, Any]]
PoolT = Callable[[Ops, Floats2d, Any], tuple[Any, BackpropT]]


def build_row_pooling(pooling: Sequence[str]) -> PoolingT:
    """Pool the rows of each doc into one.

    "attention" is the sum of the tokens, each weighted by the softmax of its product
    with a learned query over the root of the width. The query begins as zeros, so
    that all weigh the same, as in the mean.

    pooling (Sequence[str]): What stands side by side, in this order: "cls", "mean",
        "max", "attention".
    RETURNS (Model[list[Floats2d], Floats2d]): Takes per doc [CLS] and then one row
        per token. What a doc does not have (its tokens, or any row) is zero.
    RAISES (ValueError): If there is no part, one of another name, or one twice.
    SOURCE: Yang et al. (2016), section 2.2, without its hidden layer,
        https://aclanthology.org/N16-1174
    """
    names = list(pooling)
    known = ["cls", *_POOLS]
    if not names or len(set(names)) != len(names) or set(names) - set(known):
        raise ValueError(Errors.B413.format(known=", ".join(known), found=names))
    return Model(
        "row_pooling",
        _forward,
        init=_init,
        dims={"nI": None},
        params={"query": None} if "attention" in names else {},
        attrs={"pooling": names},
    )


def _init(
    model: PoolingT, X: list[Floats2d] | None = None, Y: Floats2d | None = None
) -> None:
    if X:
        model.set_dim("nI", X[0].shape[1], force=True)
        if "query" in model.param_names:
            model.set_param("query", model.ops.alloc1f(model.get_dim("nI")))


def _forward(
    model: PoolingT, Xs: list[Floats2d], is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], list[Floats2d]]]:
    ops, names = model.ops, model.attrs["pooling"]
    width = model.maybe_get_dim("nI") or max((X.shape[1] for X in Xs), default=0)
    query = model.get_param("query") if "query" in model.param_names else None
    Y = ops.alloc3f(len(Xs), len(names), width)
    ways_back: dict[tuple[int, int], BackpropT] = {}
    for i, X in enumerate(Xs):
        for part, name in enumerate(names):
            if name == "cls" and len(X):
                Y[i, part] = X[0]
            elif name != "cls" and len(X) > 1:
                Y[i, part], ways_back[i, part] = _POOLS[name](ops, X[1:], query)

    def backprop(d_flat: Floats2d) -> list[Floats2d]:
        dY = ops.reshape3f(d_flat, len(Xs), len(names), width)
        dXs = [ops.alloc2f(len(X), width) for X in Xs]
        for i, dX in enumerate(dXs):
            if "cls" in names and len(dX):
                dX[0] = dY[i, names.index("cls")]
        for (i, part), way_back in ways_back.items():
            d_tokens, d_query = way_back(dY[i, part])
            dXs[i][1:] += d_tokens
            if d_query is not None:
                model.inc_grad("query", d_query)
        return dXs

    return ops.reshape2f(Y, len(Xs), len(names) * width), backprop


def _pool_mean(ops: Ops, X: Floats2d, query: None) -> tuple[Any, BackpropT]:
    return X.mean(axis=0), lambda dy: (dy / len(X), None)


def _pool_max(ops: Ops, X: Floats2d, query: None) -> tuple[Any, BackpropT]:
    best = (X.argmax(axis=0), ops.xp.arange(X.shape[1]))

    def backprop(dy: Floats1d) -> tuple[Any, None]:
        dX = ops.xp.zeros_like(X)
        dX[best] = dy
        return dX, None

    return X[best], backprop


def _pool_attention(ops: Ops, X: Floats2d, query: Floats1d) -> tuple[Any, BackpropT]:
    scale = X.shape[1] ** -0.5
    scores = scale * (X @ query)
    weights = ops.xp.exp(scores - scores.max())
    weights /= weights.sum()

    def backprop(dy: Floats1d) -> tuple[Any, Any]:
        d_weights = X @ dy
        d_scores = scale * weights * (d_weights - weights @ d_weights)
        return weights[:, None] * dy + d_scores[:, None] * query, d_scores @ X

    return weights @ X, backprop


_POOLS: dict[str, PoolT] = {
    "mean": _pool_mean,
    "max": _pool_max,
    "attention": _pool_attention,
}
