"""Score the categories of each document."""

from collections.abc import Callable, Sequence

from spacy.tokens import Doc
from thinc.api import Dropout, Gelu, Linear, Model, chain
from thinc.types import Floats2d

from .resizing import resize_output
from .row_pooling import build_row_pooling


def build_textcat_model_v1(
    *,
    tok2vec: Model[list[Doc], list[Floats2d]],
    nO: int | None = None,
    hidden_width: int | None = None,
    pooling: Sequence[str] = ("cls", "mean"),
) -> Model[list[Doc], Floats2d]:
    """Score the categories of a doc from its [CLS] row and its pooled tokens.

    A pretrained [CLS] row says little about the topic before it is tuned; the mean
    of the tokens does. All are pooled, however many windows a doc takes; its [CLS]
    is the mean over them. In front of each linear layer stands dropout at the rate of
    `[training] dropout`.

    tok2vec (Model[list[Doc], list[Floats2d]]): Per doc, [CLS] and then one row per
        token.
    nO (int | None): Number of categories; None to set it from the labels.
    hidden_width (int | None): Width of a hidden layer, or None for no such layer.
    pooling (Sequence[str]): What the scores are read from, side by side: "cls",
        "mean", "max", "attention"; see `build_row_pooling`.
    RETURNS (Model[list[Doc], Floats2d]): One row of scores (logits) per doc, nO
        wide.
    RAISES (ValueError): If there is no pooling, one of another name, or one twice.
    """
    row_pooling = build_row_pooling(pooling)
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
        layers=[tok2vec, row_pooling, head],
        dims={"nO": nO},
        refs={"tok2vec": tok2vec, "output_layer": output_layer},
        attrs={"resize_output": resize_output},
    )


def _init(
    model: Model[list[Doc], Floats2d],
    X: list[Doc] | None = None,
    Y: Floats2d | None = None,
) -> None:
    tok2vec, row_pooling, head = model.layers
    tok2vec.initialize(X=X)
    model.get_ref("output_layer").set_dim("nO", model.get_dim("nO"), force=True)
    rows = [] if X is None else [rows for rows in tok2vec.predict(X) if len(rows)]
    row_pooling.initialize(X=rows)
    head.initialize(X=row_pooling.predict(rows) if rows else None)


def _forward(
    model: Model[list[Doc], Floats2d], docs: list[Doc], is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], list[Doc]]]:
    tok2vec, row_pooling, head = model.layers
    rows, backprop_tok2vec = tok2vec(docs, is_train)
    X, backprop_pooling = row_pooling(rows, is_train)
    Y, backprop_head = head(X, is_train)

    def backprop(dY: Floats2d) -> list[Doc]:
        return backprop_tok2vec(backprop_pooling(backprop_head(dY)))

    return Y, backprop
