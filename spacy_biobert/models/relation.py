"""Score the relations between pairs of entities.

Shapes: P = pairs of the batch, E = distinct spans in them, S = stretches of text
between the bounds of those spans, W = width of a token, V = width of a pooled span.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray
from spacy.tokens import Doc
from thinc.api import Dropout, Gelu, Linear, Model, Ops, chain
from thinc.types import Floats2d, Ints1d, Ragged

from ..errors import Errors
from .candidates import GetPairsT, PairsT, list_pairs
from .resizing import resize_output

# Tokens between two entities are counted as 0, 1, 2, 3, 4, 5-7, 8-15 and so on.
BUCKETS = (1, 2, 3, 4, 5, 8, 16, 32, 64)
# One column for each bucket, and one for arg1 standing in front of arg2.
N_FEATURES = len(BUCKETS) + 2
# Pairs to score at once in prediction; 4 MB for each 256 columns.
N_CHUNK = 4096


@dataclass(frozen=True, slots=True)
class PairRows:
    """What a model gives for a batch: one row per pair, doc after doc.

    pairs (list[PairsT]): Per doc, (start1, end1, start2, end2) in tokens.
    rows (Floats2d): One row per pair of all docs.
    """

    pairs: list[PairsT]
    rows: Floats2d


PairRowsT = Model[list[Doc], PairRows]


def build_entity_pair_vectors_v1(
    *,
    tok2vec: Model[list[Doc], list[Floats2d]],
    pooling: Model[Ragged, Floats2d],
    get_pairs: GetPairsT,
) -> PairRowsT:
    """Represent a pair by both entities, the text between them and their distance.

    Side by side: the pooled tokens of arg1, those of arg2, the mean of the tokens
    between them (zeros if there are none), the number of tokens between them (one
    column per bucket) and whether arg1 comes first.

    tok2vec (Model[list[Doc], list[Floats2d]]): Per doc, one row per token.
    pooling (Model[Ragged, Floats2d]): Turns the tokens of an entity into a row.
    get_pairs (Callable): Proposes the pairs of a doc, always in the same order.
    RETURNS (Model[list[Doc], PairRows]): One row per pair, 2 V + W + 11 wide. A
        batch without pairs gives zero rows. `backprop` takes the gradient of the
        rows.
    SOURCE: "Mention pooling" of Soares et al. (2019), section 3.2, with any
        pooling in place of the maximum, https://arxiv.org/abs/1906.03158; the
        buckets of Clark and Manning (2016), https://arxiv.org/abs/1606.01323
    """
    return Model(
        "entity_pair_vectors",
        _forward_vectors,
        init=_init_vectors,
        layers=[tok2vec, pooling],
        dims={"nO": None},
        refs={"tok2vec": tok2vec},
        attrs={"get_pairs": get_pairs},
    )


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
    stands dropout at the rate of `[training] dropout`. In prediction the pairs go
    through them in chunks, so that many entities need little memory.

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
    vectors, perceptron = model.layers
    if not is_train:
        return _predict(model, docs), _refuse_backprop
    X, backprop_vectors = vectors(docs, is_train)
    if not len(X.rows):
        nothing = model.ops.alloc2f(0, model.get_dim("nO"))
        # The encoder still has to hear of it: it may wait for the last listener.
        return PairRows(X.pairs, nothing), lambda dY: backprop_vectors(X.rows)
    Y, backprop_perceptron = perceptron(X.rows, is_train)

    def backprop(dY: Floats2d) -> list[Doc]:
        return backprop_vectors(backprop_perceptron(dY))

    return PairRows(X.pairs, Y), backprop


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
    index = _index_pairs(ops, pairs, [len(doc) for doc in docs])
    ents = pooling.predict(Ragged(tokens[index.tokens], index.lengths))
    first: Any
    _, first, *others = perceptron.layers
    V, W = ents.shape[1], tokens.shape[1]
    of_arg1, of_arg2, of_between, of_features = ops.xp.split(
        first.get_param("W"), [V, 2 * V, 2 * V + W], axis=1
    )
    ents1, ents2 = (ops.gemm(ents, of, trans2=True) for of in (of_arg1, of_arg2))
    sums = _sum_to_bounds(ops, tokens, index, of_between)
    for start in range(0, len(Y), N_CHUNK):
        chunk = slice(start, start + N_CHUNK)
        X = ops.gemm(index.features[chunk], of_features, trans2=True)
        X += ents1[index.args1[chunk]]
        X += ents2[index.args2[chunk]]
        X += _average_between(index, sums, chunk)
        X += first.get_param("b")
        if others:
            X = ops.gelu(X)
        for layer in others:
            X = layer.predict(X)
        Y[chunk] = X
    return PairRows(pairs, Y)


def _refuse_backprop(dY: Floats2d) -> list[Doc]:
    raise ValueError(Errors.B458)


def _init_vectors(
    model: PairRowsT, X: list[Doc] | None = None, Y: PairRows | None = None
) -> None:
    tok2vec, pooling = model.layers
    tok2vec.initialize(X=X)
    tokvecs = [] if X is None else tok2vec.predict(X)
    tokens = next((rows for rows in tokvecs if len(rows)), None)
    if tokens is None:
        pooling.initialize()
        return
    sample = Ragged(tokens[:1], model.ops.asarray1i([1]))
    pooling.initialize(X=sample)
    width = 2 * pooling.predict(sample).shape[1] + tokens.shape[1] + N_FEATURES
    model.set_dim("nO", width, force=True)


def _forward_vectors(
    model: PairRowsT, docs: list[Doc], is_train: bool
) -> tuple[PairRows, Callable[[Floats2d], list[Doc]]]:
    tok2vec, pooling = model.layers
    ops = model.ops
    tokvecs, backprop_tok2vec = tok2vec(docs, is_train)
    pairs = list_pairs(model.attrs["get_pairs"], docs)
    lengths = ops.asarray1i([len(rows) for rows in tokvecs])
    tokens = ops.flatten(tokvecs)
    if not any(map(len, pairs)):
        nothing = ops.alloc2f(0, model.maybe_get_dim("nO") or 0)

        def backprop_nothing(dY: Floats2d) -> list[Doc]:
            return backprop_tok2vec(ops.unflatten(ops.alloc2f(*tokens.shape), lengths))

        return PairRows(pairs, nothing), backprop_nothing
    index = _index_pairs(ops, pairs, [len(doc) for doc in docs])
    spans = Ragged(tokens[index.tokens], index.lengths)
    ents, backprop_pooling = pooling(spans, is_train)
    sums = _sum_to_bounds(ops, tokens, index)
    Y = _join(ops, index, ents, sums)

    def backprop(dY: Floats2d) -> list[Doc]:
        V = ents.shape[1]
        d_ents = ops.alloc2f(*ents.shape)
        # An entity in k pairs gets the sum of k gradients.
        for ids, d_rows in ((index.args1, dY[:, :V]), (index.args2, dY[:, V : 2 * V])):
            ops.scatter_add(d_ents, ids, ops.xp.ascontiguousarray(d_rows))
        d_between = dY[:, 2 * V : 2 * V + tokens.shape[1]]
        dX = _backprop_between(ops, d_between, index)
        d_spans = backprop_pooling(d_ents).dataXd
        ops.scatter_add(dX, index.tokens, d_spans)
        return backprop_tok2vec(ops.unflatten(dX, lengths))

    return PairRows(pairs, Y), backprop


@dataclass(frozen=True, slots=True)
class _Index:
    """Where the parts of the pairs' vectors come from, for a whole batch.

    tokens, lengths: The tokens of the E distinct spans, and how many each has.
    args1, args2: Per pair, which of the spans it joins.
    left, right: Per pair, the bounds around the text between the two; equal if
        there is none.
    stretches: Tokens of each of the S stretches between two neighbouring bounds.
    n_between: Per pair, the tokens between the two, as a column, at least 1.
    features: Per pair, the columns of the distance and the order.
    """

    tokens: Ints1d
    lengths: Ints1d
    args1: Ints1d
    args2: Ints1d
    left: Ints1d
    right: Ints1d
    stretches: Ints1d
    n_between: Floats2d
    features: Floats2d


def _index_pairs(ops: Ops, pairs: list[PairsT], n_tokens: list[int]) -> _Index:
    """Index the pairs of all docs in the rows of all tokens. There is at least one."""
    offsets = numpy.cumsum([0, *n_tokens])
    rows = numpy.concatenate(
        [doc_pairs + n for doc_pairs, n in zip(pairs, offsets[:-1], strict=True)]
    )
    # Spans as single numbers: much faster to sort than rows.
    n_bounds = offsets[-1] + 1
    codes = rows[:, (0, 2)] * n_bounds + rows[:, (1, 3)]
    spans, ids = numpy.unique(codes, return_inverse=True)
    ids = ids.reshape(codes.shape)
    starts, ends = spans // n_bounds, spans % n_bounds
    lengths = ends - starts
    firsts = starts - (numpy.cumsum(lengths) - lengths)
    tokens = numpy.arange(lengths.sum()) + numpy.repeat(firsts, lengths)

    bounds = numpy.unique(numpy.concatenate([[0, offsets[-1]], starts, ends]))
    is_first = rows[:, 0] <= rows[:, 2]
    start = numpy.where(is_first, rows[:, 1], rows[:, 3])
    end = numpy.where(is_first, rows[:, 2], rows[:, 0])
    # Overlapping spans have nothing between them.
    n_between = numpy.maximum(end - start, 0)
    features = numpy.zeros((len(rows), N_FEATURES), dtype="f")
    buckets = numpy.searchsorted(BUCKETS, n_between, side="right")
    features[numpy.arange(len(rows)), buckets] = 1.0
    features[:, -1] = is_first
    return _Index(
        tokens=_to_ints(ops, tokens),
        lengths=_to_ints(ops, lengths),
        args1=_to_ints(ops, ids[:, 0]),
        args2=_to_ints(ops, ids[:, 1]),
        left=_to_ints(ops, numpy.searchsorted(bounds, start)),
        right=_to_ints(ops, numpy.searchsorted(bounds, start + n_between)),
        stretches=_to_ints(ops, numpy.diff(bounds)),
        n_between=_to_floats(ops, numpy.maximum(n_between, 1)[:, None]),
        features=_to_floats(ops, features),
    )


def _to_ints(ops: Ops, values: NDArray[Any]) -> Ints1d:
    array: Any = numpy.ascontiguousarray(values)
    return ops.asarray1i(array)


def _to_floats(ops: Ops, values: Any) -> Floats2d:
    return ops.asarray2f(values)


def _sum_to_bounds(
    ops: Ops, tokens: Floats2d, index: _Index, weights: Floats2d | None = None
) -> Floats2d:
    """Sum the tokens in front of each bound, [S + 1, W], or what `weights` make of them.

    float64, because differences of long sums would lose digits.
    """
    stretches = ops.reduce_sum(tokens, index.stretches)
    if weights is not None:
        stretches = ops.gemm(stretches, weights, trans2=True)
    sums = ops.xp.zeros((len(stretches) + 1, stretches.shape[1]), dtype="float64")
    ops.xp.cumsum(stretches.astype("float64"), axis=0, out=sums[1:])
    return sums


def _average_between(index: _Index, sums: Floats2d, chunk: slice) -> Floats2d:
    """Give the mean of the tokens between, for some of the pairs."""
    between = sums[index.right[chunk]] - sums[index.left[chunk]]
    return (between / index.n_between[chunk]).astype("f")


def _join(ops: Ops, index: _Index, ents: Floats2d, sums: Floats2d) -> Floats2d:
    """Put the parts of the pairs side by side."""
    return ops.xp.concatenate(
        [
            ents[index.args1],
            ents[index.args2],
            _average_between(index, sums, slice(None)),
            index.features,
        ],
        axis=1,
    )


def _backprop_between(ops: Ops, d_between: Floats2d, index: _Index) -> Floats2d:
    """Give the tokens the gradients of the texts between that they stand in."""
    d_sums = ops.alloc2f(len(index.stretches) + 1, d_between.shape[1])
    d_rows = d_between / index.n_between
    ops.scatter_add(d_sums, index.right, d_rows)
    ops.scatter_add(d_sums, index.left, -d_rows)
    # A stretch is in the sum to every bound behind it.
    d_stretches = ops.xp.cumsum(d_sums[:0:-1].astype("float64"), axis=0)[::-1]
    d_stretches = ops.xp.ascontiguousarray(d_stretches, dtype="f")
    return ops.backprop_reduce_sum(d_stretches, index.stretches)
