"""Score the relations between pairs of entities.

Shapes: P = pairs of the batch, W = width of a token, V = width of a pooled span.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy
from spacy.tokens import Doc
from thinc.api import Dropout, Gelu, Linear, Model, Ops, chain
from thinc.types import Floats2d, Ragged

from ..errors import Errors
from .candidates import GetPairsT, list_pairs
from .pair_vectors import (
    ALL,
    PairParts,
    PairRows,
    PairRowsT,
    PartGradients,
    average_between,
    build_entity_pair_vectors_v1,
    index_pairs,
    read_parts,
    sum_to_bounds,
)
from .resizing import resize_output

# Pairs to score at once in prediction; 4 MB for each 256 columns.
N_CHUNK = 4096
# Pairs to learn from at once. More than these go through the layers a second time when
# their gradient is known, under the same dropout, so that they need not be kept.
N_LEARN = 16384


def build_relation_model_v1(
    *,
    tok2vec: Model[list[Doc], list[Floats2d]],
    pooling: Model[Ragged, Floats2d],
    get_pairs: GetPairsT,
    nO: int | None = None,
    hidden_width: int = 256,
    depth: int = 1,
) -> PairRowsT:
    """Score each label of a pair of entities by a multi-layer perceptron.

    The layers read the vectors of `build_entity_pair_vectors_v1`. In front of each
    stands dropout at the rate of `[training] dropout`. Pairs go through them
    in chunks, so that many entities need little memory.

    tok2vec (Model[list[Doc], list[Floats2d]]): Per doc, one row per token.
    pooling (Model[Ragged, Floats2d]): Turns the tokens of an entity into a row.
    get_pairs (Callable): Proposes the pairs of a doc, always in the same order.
    nO (int | None): Number of labels; None to set it from the labels.
    hidden_width (int): Width of the hidden layers.
    depth (int): Number of hidden layers; 0 for a linear model.
    RETURNS (Model[list[Doc], PairRows]): One row of scores (logits) per pair, nO
        wide. `backprop` takes the gradient of the rows.
    """
    vectors = build_entity_pair_vectors_v1(
        tok2vec=tok2vec, pooling=pooling, get_pairs=get_pairs
    )
    output_layer: Model[Floats2d, Floats2d] = Linear(nO=nO)
    layers: list[Model[Floats2d, Floats2d]] = [Dropout()]
    for _ in range(depth):
        layers += [Gelu(nO=hidden_width), Dropout()]
    return Model(
        "relation",
        _forward,
        init=_init,
        layers=[vectors, chain(*layers, output_layer)],
        dims={"nO": nO},
        refs={"tok2vec": tok2vec, "output_layer": output_layer},
        attrs={"get_pairs": get_pairs, "resize_output": resize_output},
    )


def _init(
    model: PairRowsT, X: list[Doc] | None = None, Y: PairRows | None = None
) -> None:
    vectors, perceptron = model.layers
    vectors.initialize(X=X)
    model.get_ref("output_layer").set_dim("nO", model.get_dim("nO"), force=True)
    width = vectors.maybe_get_dim("nO")
    perceptron.initialize(X=None if width is None else model.ops.alloc2f(1, width))


def _forward(
    model: PairRowsT, docs: list[Doc], is_train: bool
) -> tuple[PairRows, Callable[[Floats2d], list[Doc]]]:
    if not is_train:
        return _predict(model, docs), _refuse_backprop
    vectors, perceptron = model.layers
    pairs, parts, backprop_parts = read_parts(vectors, docs, is_train)
    if parts is None:
        nothing = model.ops.alloc2f(0, model.get_dim("nO"))
        # The encoder still has to hear of it: it may wait for the last listener.
        return PairRows(pairs, nothing), lambda dY: backprop_parts(None)
    Y, backprop_rows = _learn(perceptron, parts, sum(map(len, pairs)))

    def backprop(dY: Floats2d) -> list[Doc]:
        return backprop_parts(backprop_rows(dY))

    return PairRows(pairs, Y), backprop


def _learn(
    perceptron: Model[Floats2d, Floats2d], parts: PairParts, n_pairs: int
) -> tuple[Floats2d, Callable[[Floats2d], PartGradients]]:
    """Score the pairs, in chunks if they are many.

    RETURNS (tuple): The scores; and what turns their gradient into that of the parts.
    """
    ops = perceptron.ops
    if n_pairs <= N_LEARN:
        Y, backprop_perceptron = perceptron(parts.join(ALL), True)
        return Y, lambda dY: _add(parts, [(ALL, backprop_perceptron(dY))])
    chunks = [
        (slice(i, i + N_LEARN), numpy.random.randint(2**31))
        for i in range(0, n_pairs, N_LEARN)
    ]

    def score(chunk: slice, seed: int) -> tuple[Floats2d, Callable[..., Floats2d]]:
        with _dropout_drawn_from(ops, seed):
            return perceptron(parts.join(chunk), True)

    def backprop(dY: Floats2d) -> PartGradients:
        again = ((chunk, score(chunk, seed)[1]) for chunk, seed in chunks)
        return _add(parts, ((chunk, back(dY[chunk])) for chunk, back in again))

    return ops.xp.concatenate([score(*chunk)[0] for chunk in chunks]), backprop


def _add(
    parts: PairParts, gradients: Iterable[tuple[slice, Floats2d]]
) -> PartGradients:
    """Add up what the vectors of some pairs, and of others, give their parts."""
    added = parts.no_gradients()
    for chunk, dX in gradients:
        added.add(chunk, dX)
    return added


@contextmanager
def _dropout_drawn_from(ops: Ops, seed: int) -> Iterator[None]:
    """Draw dropout from a seed, and afterwards as if nothing had been drawn."""
    random = ops.xp.random
    if ops.xp is numpy:
        before = random.get_state()
        random.seed(seed)
        yield
        random.set_state(before)
    else:
        before = random.get_random_state()
        random.set_random_state(random.RandomState(seed))
        yield
        random.set_random_state(before)


def _predict(model: PairRowsT, docs: list[Doc]) -> PairRows:
    """Score the pairs in chunks; only what they are made of is held for all.

    The first layer is a sum over the parts of a pair's vector, and parts are fewer than
    pairs: it is applied to each of them once, and the vectors are never made. (In
    training dropout hits each pair's vector in other places.)
    """
    (tok2vec, pooling), perceptron = model.layers[0].layers, model.layers[1]
    ops = model.ops
    pairs = list_pairs(model.attrs["get_pairs"], docs)
    Y = ops.alloc2f(sum(map(len, pairs)), model.get_dim("nO"))
    if not len(Y):
        return PairRows(pairs, Y)
    tokens = ops.flatten(tok2vec.predict(docs))
    index = index_pairs(ops, pairs, [len(doc) for doc in docs])
    ents = pooling.predict(Ragged(tokens[index.tokens], index.lengths))
    first: Any
    _, first, *others = perceptron.layers
    V, W = ents.shape[1], tokens.shape[1]
    of_arg1, of_arg2, of_between, of_features = ops.xp.split(
        first.get_param("W"), [V, 2 * V, 2 * V + W], axis=1
    )
    ents1, ents2 = (ops.gemm(ents, of, trans2=True) for of in (of_arg1, of_arg2))
    sums = sum_to_bounds(ops, tokens, index, of_between)
    for start in range(0, len(Y), N_CHUNK):
        chunk = slice(start, start + N_CHUNK)
        X = ops.gemm(index.features[chunk], of_features, trans2=True)
        X += ents1[index.args1[chunk]]
        X += ents2[index.args2[chunk]]
        X += average_between(index, sums, chunk)
        X += first.get_param("b")
        if others:
            X = ops.gelu(X)
        for layer in others:
            X = layer.predict(X)
        Y[chunk] = X
    return PairRows(pairs, Y)


def _refuse_backprop(dY: Floats2d) -> list[Doc]:
    raise ValueError(Errors.B458)
