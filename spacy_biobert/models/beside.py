"""Vectors of words beside those of the encoder."""

from collections.abc import Callable
from typing import Any

from spacy.tokens import Doc
from thinc.api import Model, NumpyOps
from thinc.types import Floats2d

from .listener import Tok2VecT


def build_beside_tok2vec_v1(*, encoder: Tok2VecT, words: Tok2VecT) -> Tok2VecT:
    """Put the vectors of words beside those of the encoder, one row per token.

    A small encoder has read little, and knows a rare word by its pieces alone; what is
    learned here of its spelling, its shape and its neighbours helps it.

    encoder (Model[list[Doc], list[Floats2d]]): A listener; or an encoder of its own.
    words (Model[list[Doc], list[Floats2d]]): Such as `spacy.HashEmbedCNN.v2`.
    RETURNS (Model[list[Doc], list[Floats2d]]): Per doc, one row per token, the
        encoder's columns first.
    SOURCE: Chiu and Nichols (2016), section 2, https://doi.org/10.1162/tacl_a_00104;
        Miranda et al. (2022), https://arxiv.org/abs/2212.09255, for the words
    """
    multiply_with_numpy(words)
    return Model("beside", _forward, init=_init, layers=[encoder, words])


def multiply_with_numpy(model: Model[Any, Any]) -> None:
    """Let layers on a CPU multiply matrices with NumPy's library.

    On an AMD EPYC with AVX-512 it takes a third of the time that Thinc's own takes.

    model (Model): Its layers are changed, not what they give.
    """
    for layer in model.walk():
        # Neither a GPU's nor Apple's, which is derived from it and has a library.
        if type(layer.ops) is NumpyOps:
            layer.ops = NumpyOps(use_blis=False)


def _init(
    model: Tok2VecT, X: list[Doc] | None = None, Y: list[Floats2d] | None = None
) -> None:
    for layer in model.layers:
        layer.initialize(X=X)


def _forward(
    model: Tok2VecT, docs: list[Doc], is_train: bool
) -> tuple[list[Floats2d], Callable[[list[Floats2d]], list[Doc]]]:
    encoder, words = model.layers
    ops = model.ops
    pieces_rows, backprop_encoder = encoder(docs, is_train)
    word_rows, backprop_words = words(docs, is_train)
    n_of_words = words.get_dim("nO")

    def backprop(d_rows: list[Floats2d]) -> list[Doc]:
        backprop_words([ops.as_contig(d[:, d.shape[1] - n_of_words :]) for d in d_rows])
        to_encoder = [ops.as_contig(d[:, : d.shape[1] - n_of_words]) for d in d_rows]
        return backprop_encoder(to_encoder)

    rows = [ops.xp.hstack(pair) for pair in zip(pieces_rows, word_rows, strict=True)]
    return rows, backprop
