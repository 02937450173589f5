"""Score the tags of each token."""

from collections.abc import Callable

from spacy.tokens import Doc
from thinc.api import Dropout, Linear, Model
from thinc.types import Floats2d

from .resizing import resize_output

TaggingT = Model[list[Doc], list[Floats2d]]


def build_tagging_model_v1(
    *, tok2vec: Model[list[Doc], list[Floats2d]], nO: int | None = None
) -> TaggingT:
    """Score the tags of each token by one linear layer over its vector.

    Between the two, vectors go through dropout at the rate of `[training] dropout`.

    tok2vec (Model[list[Doc], list[Floats2d]]): Per doc, one row per token.
    nO (int | None): Number of tags; None to set it from the labels.
    RETURNS (Model[list[Doc], list[Floats2d]]): Per doc, one row of scores (logits)
        per token, nO wide.
    SOURCE: Devlin et al. (2019), section 5.3, https://arxiv.org/abs/1810.04805
    """
    output_layer: Model[Floats2d, Floats2d] = Linear(nO=nO)
    return Model(
        "tagging",
        _forward,
        init=_init,
        layers=[tok2vec, Dropout(), output_layer],
        dims={"nO": nO},
        refs={"tok2vec": tok2vec, "output_layer": output_layer},
        attrs={"resize_output": resize_output},
    )


def _init(
    model: TaggingT,
    X: list[Doc] | None = None,
    Y: list[Floats2d] | None = None,
) -> None:
    tok2vec, _, output_layer = model.layers
    tok2vec.initialize(X=X)
    output_layer.set_dim("nO", model.get_dim("nO"), force=True)
    tokvecs = [] if X is None else tok2vec.predict(X)
    rows = next((rows for rows in tokvecs if len(rows)), None)
    output_layer.initialize(X=rows)


def _forward(
    model: TaggingT, docs: list[Doc], is_train: bool
) -> tuple[list[Floats2d], Callable[[list[Floats2d]], list[Doc]]]:
    tok2vec, dropout, output_layer = model.layers
    ops = model.ops
    nI = output_layer.get_dim("nI")
    tokvecs, backprop_tok2vec = tok2vec(docs, is_train)
    lengths = ops.asarray1i([len(rows) for rows in tokvecs])
    # flatten leaves the width open if there are no rows
    flat = ops.reshape2f(ops.flatten(tokvecs), int(lengths.sum()), nI)
    X, backprop_dropout = dropout(flat, is_train)
    Y, backprop_output = output_layer(X, is_train)

    def backprop(dY: list[Floats2d]) -> list[Doc]:
        d_flat = ops.reshape2f(ops.flatten(dY), *Y.shape)
        dX = backprop_dropout(backprop_output(d_flat))
        return backprop_tok2vec(ops.unflatten(dX, lengths))

    return ops.unflatten(Y, lengths), backprop
