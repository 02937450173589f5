"""Score each pair of entities by reading a text of its own through [CLS].

Shapes: P = pairs of the batch, W = width of the encoder.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Literal

import torch
from spacy.tokens import Doc
from thinc.api import Dropout, Linear, Model, chain
from thinc.types import Floats2d

from ..errors import Errors
from .candidates import GetPairsT, PairsT, list_pairs
from .pair_texts import iter_pair_docs
from .pair_vectors import PairRows, PairRowsT
from .resizing import resize_output

Tok2VecT = Model[list[Doc], list[Floats2d]]


def build_blinded_pair_model_v1(
    *,
    tok2vec: Model[list[Doc], list[Floats2d]],
    get_pairs: GetPairsT,
    nO: int | None = None,
    form: Literal["blinded", "marked"] = "blinded",
    context: int | None = 0,
    max_chunk_tokens: int = 2048,
) -> PairRowsT:
    """Score each label of a pair by reading its sentences through [CLS], as BioBERT does.

    Each pair is a text of its own, in which both entities are replaced or marked
    (see `iter_pair_docs`), and goes through the encoder alone; a linear layer with
    dropout in front reads [CLS]. That costs one pass of the encoder per pair. The
    memory is that of one chunk of texts: in training, each but a single one is
    encoded again when its gradient is known, under the same dropout.

    tok2vec (Model[list[Doc], list[Floats2d]]): Per text, [CLS] and then the tokens:
        `spacy-biobert.BioBertTok2Vec.v1` without pooling, an encoder of its own. The
        texts are not those of the shared encoder.
    get_pairs (Callable): Proposes the pairs of a doc, always in the same order.
    nO (int | None): Number of outputs; None to set it from the labels.
    form (Literal): "blinded" for `@CHEMICAL$` in place of an entity, with the number
        of the argument in it if the labels leave the order open; "marked" for signs
        around it.
    context (int | None): Sentences to read on both sides of those from the one
        entity to the other; None for the whole doc, which then needs no sentences.
    max_chunk_tokens (int): Most tokens to encode at once; a longer text goes alone.
    RETURNS (Model[list[Doc], PairRows]): One row of scores (logits) per pair, nO
        wide. `backprop` takes the gradient of the rows.
    RAISES (ValueError): If context is below 0 or max_chunk_tokens below 1.
    SOURCE: Lee et al. (2020), "BioBERT", section 3.3,
        https://doi.org/10.1093/bioinformatics/btz682
    """
    for key, least, found in (
        ("context", 0, context),
        ("max_chunk_tokens", 1, max_chunk_tokens),
    ):
        if found is not None and found < least:
            expected = f"at least {least}"
            raise ValueError(
                Errors.B466.format(key=key, expected=expected, found=found)
            )
    output_layer: Model[Floats2d, Floats2d] = Linear(nO=nO)
    dropout: Model[Floats2d, Floats2d] = Dropout()
    return Model(
        "blinded_pairs",
        _forward,
        init=_init,
        layers=[tok2vec, chain(dropout, output_layer)],
        dims={"nO": nO},
        refs={"tok2vec": tok2vec, "output_layer": output_layer},
        attrs={
            "get_pairs": get_pairs,
            "form": form,
            "context": context,
            "max_chunk_tokens": max_chunk_tokens,
            "resize_output": resize_output,
        },
    )


def _init(
    model: PairRowsT, X: list[Doc] | None = None, Y: PairRows | None = None
) -> None:
    tok2vec, head = model.layers
    tok2vec.initialize(X=X)
    model.get_ref("output_layer").set_dim("nO", model.get_dim("nO"), force=True)
    sample = next((doc for doc in X or () if len(doc)), None)
    head.initialize(X=None if sample is None else tok2vec.predict([sample])[0][:1])


def _forward(
    model: PairRowsT, docs: list[Doc], is_train: bool
) -> tuple[PairRows, Callable[[Floats2d], list[Doc]]]:
    tok2vec, head = model.layers
    pairs = list_pairs(model.attrs["get_pairs"], docs)
    if not any(map(len, pairs)):
        nothing = model.ops.alloc2f(0, model.get_dim("nO"))
        return PairRows(pairs, nothing), lambda dY: docs
    X, backprop_cls = _encode(
        tok2vec, partial(_iter_chunks, model, docs, pairs), is_train
    )
    Y, backprop_head = head(X, is_train)

    def backprop(dY: Floats2d) -> list[Doc]:
        backprop_cls(backprop_head(dY))
        return docs

    return PairRows(pairs, Y), backprop


def _iter_chunks(
    model: PairRowsT, docs: list[Doc], pairs: list[PairsT]
) -> Iterator[list[Doc]]:
    """Make the texts of the pairs, some at a time, because they are many."""
    most = model.attrs["max_chunk_tokens"]
    chunk: list[Doc] = []
    for text in _iter_texts(model, docs, pairs):
        if chunk and sum(map(len, chunk)) + len(text) > most:
            yield chunk
            chunk = []
        chunk.append(text)
    yield chunk


def _iter_texts(
    model: PairRowsT, docs: Iterable[Doc], pairs: Iterable[PairsT]
) -> Iterator[Doc]:
    for doc, of_doc in zip(docs, pairs, strict=True):
        yield from iter_pair_docs(
            doc,
            of_doc,
            form=model.attrs["form"],
            context=model.attrs["context"],
            get_pairs=model.attrs["get_pairs"],
        )


def _encode(
    tok2vec: Tok2VecT, make_chunks: Callable[[], Iterator[list[Doc]]], is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], None]]:
    """Give [CLS] of each text, [P, W], chunk by chunk."""
    rows: list[Floats2d] = []
    dice: list[Any] = []
    kept: Callable[[Floats2d], None] | None = None
    for chunk in make_chunks():
        # What the chunk before kept for its gradient goes, before this one is read.
        kept = None
        dice.append(_get_dice())
        X, kept = _encode_chunk(tok2vec, chunk, is_train)
        rows.append(X)
    backprop_only = kept if len(rows) == 1 else None

    def backprop(d_cls: Floats2d) -> None:
        if backprop_only is not None:
            backprop_only(d_cls)
            return
        now, first = _get_dice(), 0
        for chunk, state in zip(make_chunks(), dice, strict=True):
            _set_dice(state)
            X, backprop_chunk = _encode_chunk(tok2vec, chunk, True)
            backprop_chunk(d_cls[first : first + len(X)])
            first += len(X)
        _set_dice(now)

    return tok2vec.ops.xp.concatenate(rows), backprop


def _encode_chunk(
    tok2vec: Tok2VecT, texts: list[Doc], is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], None]]:
    vectors, backprop_vectors = tok2vec(texts, is_train)

    def backprop(d_cls: Floats2d) -> None:
        backprop_vectors(_spread(tok2vec, vectors, d_cls))

    return tok2vec.ops.xp.stack([vector[0] for vector in vectors]), backprop


def _spread(
    tok2vec: Tok2VecT, vectors: list[Floats2d], d_cls: Floats2d
) -> list[Floats2d]:
    """Give the gradient of all rows: that of [CLS], and zeros."""
    d_vectors = [tok2vec.ops.alloc2f(*vector.shape) for vector in vectors]
    for d_vector, d_row in zip(d_vectors, d_cls, strict=True):
        d_vector[0] = d_row
    return d_vectors


def _get_dice() -> Any:
    """Keep what dropout is drawn with, so that it can be drawn again."""
    on_gpu: bool = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    return torch.get_rng_state(), torch.cuda.get_rng_state_all() if on_gpu else None


def _set_dice(state: Any) -> None:
    on_cpu, on_gpu = state
    torch.set_rng_state(on_cpu)
    if on_gpu is not None:
        torch.cuda.set_rng_state_all(on_gpu)
