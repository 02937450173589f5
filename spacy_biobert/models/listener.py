"""From what the encoder gives per document to what a component reads."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from ..errors import Errors

# Data per document: spacy_transformers' TransformerData, with our rows in it.
DataT = Model[list[Doc], list[Any]]
Tok2VecT = Model[list[Doc], list[Floats2d]]


def by_doc(encoder: Model[list[Doc], Any]) -> DataT:
    """Give what a listener gives, from an encoder of the component's own.

    encoder (Model): `spacy-biobert.BioBertModel.v1`.
    RETURNS (Model[list[Doc], list[TransformerData]]): The data of each document.
    """
    return Model(
        "encoder_by_doc",
        _forward_by_doc,
        init=_init_width,
        layers=[encoder],
        dims={"nO": encoder.maybe_get_dim("nO")},
    )


def with_cls(source: DataT, *, grad_factor: float) -> Tok2VecT:
    """Turn the data of each document into an array, [CLS] on top of the tokens.

    source (Model[list[Doc], list[TransformerData]]): A listener, or `by_doc`.
    grad_factor (float): Multiplies the gradient before it goes to the source.
    RETURNS (Model[list[Doc], list[Floats2d]]): 1 + n_tokens rows per document.
        [CLS] of a document without tokens is a row of zeros.
    """
    return Model(
        "cls_and_tokens",
        _forward_with_cls,
        init=_init_width,
        layers=[source],
        attrs={"grad_factor": grad_factor},
        dims={"nO": source.maybe_get_dim("nO")},
    )


def _init_width(
    model: Model[Any, Any], X: list[Doc] | None = None, Y: object = None
) -> None:
    layer = model.layers[0]
    layer.initialize(X=X)
    if layer.has_dim("nO"):
        model.set_dim("nO", layer.get_dim("nO"))


def _forward_by_doc(
    model: DataT, docs: list[Doc], is_train: bool
) -> tuple[list[Any], Callable[[list[Any]], list[Doc]]]:
    Y, backprop_encoder = model.layers[0](docs, is_train)

    def backprop(d_datas: list[Any]) -> list[Doc]:
        return backprop_encoder(Y.unsplit_by_doc([list(d.tensors) for d in d_datas]))

    return Y.doc_data, backprop


def _forward_with_cls(
    model: Tok2VecT, docs: list[Doc], is_train: bool
) -> tuple[list[Floats2d], Callable[[list[Floats2d]], list[Doc]]]:
    source = model.layers[0]
    datas, backprop_source = source(docs, is_train)
    width = source.get_dim("nO")
    Y = [
        _rows(model, data, n_tokens=len(doc), width=width)
        for data, doc in zip(datas, docs, strict=True)
    ]

    def backprop(dY: list[Floats2d]) -> list[Doc]:
        # No gradient for documents without tokens: the encoder gave them no rows.
        return backprop_source(
            [
                _gradient(model, data, d_rows)
                for data, d_rows in zip(datas, dY, strict=True)
                if "last_hidden_state" in data.model_output
            ]
        )

    return Y, backprop


def _rows(model: Tok2VecT, data: Any, *, n_tokens: int, width: int) -> Floats2d:
    rows = data.model_output.get("last_hidden_state")
    if rows is None:
        return model.ops.alloc2f(1, width)
    if rows.shape[:2] == (1, 1 + n_tokens):
        return rows[0]
    if rows.shape[:2] == (1, n_tokens):
        # What a listener gives before the encoder has run: zeros, without [CLS].
        return model.ops.alloc2f(1 + n_tokens, width)
    raise ValueError(Errors.B334.format(found=rows.shape, n_rows=1 + n_tokens))


def _gradient(model: Tok2VecT, data: Any, d_rows: Floats2d) -> Any:
    # A new array: the encoder adds the gradients of other listeners to it.
    d_array = (d_rows * model.attrs["grad_factor"])[None]
    output = type(data.model_output)(last_hidden_state=d_array)
    return replace(data, model_output=output)
