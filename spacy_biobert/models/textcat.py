"""Score the categories of each document."""

from collections.abc import Callable

from spacy.tokens import Doc
from thinc.api import Dropout, Gelu, Linear, Model, chain
from thinc.types import Floats2d

from .resizing import resize_output

PoolingT = Model[list[Floats2d], Floats2d]


def build_textcat_model_v1(
    *,
    tok2vec: Model[list[Doc], list[Floats2d]],
    nO: int | None = None,
    hidden_width: int | None = None,
    use_mean: bool = True,
    use_max: bool = False,
) -> Model[list[Doc], Floats2d]:
    """Score the categories of a doc from its [CLS] row and its pooled tokens.

    A pretrained [CLS] row says little about the topic before it is tuned; the mean
    of the tokens does. In front of each linear layer stands dropout at the rate of
    `[training] dropout`.

    tok2vec (Model[list[Doc], list[Floats2d]]): Per doc, [CLS] and then one row per
        token.
    nO (int | None): Number of categories; None to set it from the labels.
    hidden_width (int | None): Width of a hidden layer, or None for no such layer.
    use_mean (bool): Whether to put the mean of the tokens next to [CLS].
    use_max (bool): Whether to put the maximum of the tokens next to [CLS].
    RETURNS (Model[list[Doc], Floats2d]): One row of scores (logits) per doc, nO
        wide.
    """
    pooling = build_row_pooling(use_mean=use_mean, use_max=use_max)
    output_layer: Model[Floats2d, Floats2d] = Linear(nO=nO)
    dropout: Model[Floats2d, Floats2d] = Dropout()
    if hidden_width is None:
        head = chain(dropout, output_layer)
    else:
        head = chain(dropout, Gelu(nO=hidden_width), Dropout(), output_layer)
    return Model(
        "textcat",
        _forward,
        init=_init,
        layers=[tok2vec, pooling, head],
        dims={"nO": nO},
        refs={"tok2vec": tok2vec, "output_layer": output_layer},
        attrs={"resize_output": resize_output},
    )


def _init(
    model: Model[list[Doc], Floats2d],
    X: list[Doc] | None = None,
    Y: Floats2d | None = None,
) -> None:
    tok2vec, pooling, head = model.layers
    tok2vec.initialize(X=X)
    model.get_ref("output_layer").set_dim("nO", model.get_dim("nO"), force=True)
    rows = [] if X is None else [rows for rows in tok2vec.predict(X) if len(rows)]
    head.initialize(X=pooling.predict(rows) if rows else None)
    if rows:
        pooling.set_dim("nI", rows[0].shape[1], force=True)


def _forward(
    model: Model[list[Doc], Floats2d], docs: list[Doc], is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], list[Doc]]]:
    tok2vec, pooling, head = model.layers
    rows, backprop_tok2vec = tok2vec(docs, is_train)
    X, backprop_pooling = pooling(rows, is_train)
    Y, backprop_head = head(X, is_train)

    def backprop(dY: Floats2d) -> list[Doc]:
        return backprop_tok2vec(backprop_pooling(backprop_head(dY)))

    return Y, backprop


def build_row_pooling(*, use_mean: bool, use_max: bool) -> PoolingT:
    """Pool the rows of each doc into one.

    use_mean (bool): Whether to add the mean of the tokens.
    use_max (bool): Whether to add the maximum of the tokens.
    RETURNS (Model[list[Floats2d], Floats2d]): Takes per doc [CLS] and then one row
        per token. Gives [CLS], mean and maximum side by side. What a doc does not
        have (its tokens, or any row) is zero.
    """
    return Model(
        "row_pooling",
        _forward_pooling,
        dims={"nI": None},
        attrs={"use_mean": use_mean, "use_max": use_max},
    )


def _forward_pooling(
    model: PoolingT, Xs: list[Floats2d], is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], list[Floats2d]]]:
    ops = model.ops
    use_mean, use_max = model.attrs["use_mean"], model.attrs["use_max"]
    width = model.maybe_get_dim("nI") or max((X.shape[1] for X in Xs), default=0)
    n_parts = 1 + use_mean + use_max
    Y = ops.alloc3f(len(Xs), n_parts, width)
    for i, X in enumerate(Xs):
        if len(X):
            Y[i, 0] = X[0]
        if len(X) > 1 and use_mean:
            Y[i, 1] = X[1:].mean(axis=0)
        if len(X) > 1 and use_max:
            Y[i, n_parts - 1] = X[1:].max(axis=0)

    def backprop(d_flat: Floats2d) -> list[Floats2d]:
        dY = ops.reshape3f(d_flat, len(Xs), n_parts, width)
        dXs = []
        for X, dy in zip(Xs, dY, strict=True):
            dX = ops.alloc2f(len(X), width)
            if len(X):
                dX[0] = dy[0]
            if len(X) > 1 and use_mean:
                dX[1:] += dy[1] / (len(X) - 1)
            if len(X) > 1 and use_max:
                best = 1 + X[1:].argmax(axis=0)
                dX[best, ops.xp.arange(width)] += dy[n_parts - 1]
            dXs.append(dX)
        return dXs

    return ops.reshape2f(Y, len(Xs), n_parts * width), backprop
