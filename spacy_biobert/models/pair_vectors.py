"""The vectors of pairs of entities: both entities, and what stands between them.

Shapes: P = pairs of the batch, E = distinct spans in them, S = stretches of text
between the bounds of those spans, W = width of a token, V = width of a pooled span.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray
from spacy.tokens import Doc
from thinc.api import Model, Ops
from thinc.types import Floats2d, Ints1d, Ragged

from .candidates import GetPairsT, PairsT, list_pairs

# Tokens between two entities are counted as 0, 1, 2, 3, 4, 5-7, 8-15 and so on.
BUCKETS = (1, 2, 3, 4, 5, 8, 16, 32, 64)
# One column for each bucket, and one for arg1 standing in front of arg2.
N_FEATURES = len(BUCKETS) + 2
ALL = slice(None)


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
        _forward,
        init=_init,
        layers=[tok2vec, pooling],
        dims={"nO": None},
        refs={"tok2vec": tok2vec},
        attrs={"get_pairs": get_pairs},
    )


def _init(
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


def _forward(
    model: PairRowsT, docs: list[Doc], is_train: bool
) -> tuple[PairRows, Callable[[Floats2d], list[Doc]]]:
    pairs, parts, backprop_parts = read_parts(model, docs, is_train)
    if parts is None:
        nothing = model.ops.alloc2f(0, model.maybe_get_dim("nO") or 0)
        return PairRows(pairs, nothing), lambda dY: backprop_parts(None)

    def backprop(dY: Floats2d) -> list[Doc]:
        gradients = parts.no_gradients()
        gradients.add(ALL, dY)
        return backprop_parts(gradients)

    return PairRows(pairs, parts.join(ALL)), backprop


@dataclass(frozen=True, slots=True)
class PairParts:
    """What the vectors of the pairs of a batch, at least one, are made of.

    tokens (Floats2d): The tokens of the batch, W wide.
    ents (Floats2d): The pooled spans, [E, V].
    sums (Floats2d): The tokens in front of each bound, summed, [S + 1, W].
    """

    ops: Ops
    index: "PairIndex"
    tokens: Floats2d
    ents: Floats2d
    sums: Floats2d

    def join(self, chunk: slice) -> Floats2d:
        """Put the parts of some pairs side by side.

        chunk (slice): The pairs.
        RETURNS (Floats2d): Their vectors.
        """
        index = self.index
        return self.ops.xp.concatenate(
            [
                self.ents[index.args1[chunk]],
                self.ents[index.args2[chunk]],
                average_between(index, self.sums, chunk),
                index.features[chunk],
            ],
            axis=1,
        )

    def no_gradients(self) -> "PartGradients":
        """Give the gradients of the parts before any of the pairs has added to them."""
        d_ents = self.ops.alloc2f(*self.ents.shape)
        d_sums = self.ops.alloc2f(len(self.index.stretches) + 1, self.tokens.shape[1])
        return PartGradients(self, d_ents, d_sums)


@dataclass(frozen=True, slots=True)
class PartGradients:
    """The gradients of the parts, from the pairs so far."""

    parts: PairParts
    d_ents: Floats2d
    d_sums: Floats2d

    def add(self, chunk: slice, dY: Floats2d) -> None:
        """Add what some pairs give: an entity in k pairs gets the sum of k gradients.

        chunk (slice): The pairs.
        dY (Floats2d): The gradients of their vectors.
        """
        ops, index = self.parts.ops, self.parts.index
        V, W = self.d_ents.shape[1], self.d_sums.shape[1]
        for args, d_rows in ((index.args1, dY[:, :V]), (index.args2, dY[:, V : 2 * V])):
            d_rows = ops.xp.ascontiguousarray(d_rows)
            ops.scatter_add(self.d_ents, args[chunk], d_rows)
        d_rows = dY[:, 2 * V : 2 * V + W] / index.n_between[chunk]
        ops.scatter_add(self.d_sums, index.right[chunk], d_rows)
        ops.scatter_add(self.d_sums, index.left[chunk], -d_rows)

    def of_tokens_between(self) -> Floats2d:
        """Give the tokens the gradients of the texts between that they stand in."""
        ops, stretches = self.parts.ops, self.parts.index.stretches
        # A stretch is in the sum to every bound behind it.
        d_stretches = ops.xp.cumsum(self.d_sums[:0:-1].astype("float64"), axis=0)[::-1]
        d_stretches = ops.xp.ascontiguousarray(d_stretches, dtype="f")
        return ops.backprop_reduce_sum(d_stretches, stretches)


def read_parts(
    model: PairRowsT, docs: list[Doc], is_train: bool
) -> tuple[list[PairsT], PairParts | None, Callable[[PartGradients | None], list[Doc]]]:
    """Read what the vectors of pairs are made of.

    model (Model): From `build_entity_pair_vectors_v1`.
    docs (list[Doc]): The docs, or `PairedDocs`.
    is_train (bool): Whether there will be gradients.
    RETURNS (tuple): The pairs of each doc; the parts, None without any pair; and what
        takes the gradients of the parts, None for zeros.
    """
    tok2vec, pooling = model.layers
    ops = model.ops
    tokvecs, backprop_tok2vec = tok2vec(docs, is_train)
    pairs = list_pairs(model.attrs["get_pairs"], docs)
    lengths = ops.asarray1i([len(rows) for rows in tokvecs])
    tokens = ops.flatten(tokvecs)
    if not any(map(len, pairs)):
        zeros = ops.alloc2f(*tokens.shape)
        return pairs, None, lambda _: backprop_tok2vec(ops.unflatten(zeros, lengths))
    index = index_pairs(ops, pairs, [len(doc) for doc in docs])
    spans = Ragged(tokens[index.tokens], index.lengths)
    ents, backprop_pooling = pooling(spans, is_train)
    parts = PairParts(ops, index, tokens, ents, sum_to_bounds(ops, tokens, index))

    def backprop(gradients: PartGradients | None) -> list[Doc]:
        gradients = gradients or parts.no_gradients()
        dX = gradients.of_tokens_between()
        d_spans = backprop_pooling(gradients.d_ents).dataXd
        ops.scatter_add(dX, index.tokens, d_spans)
        return backprop_tok2vec(ops.unflatten(dX, lengths))

    return pairs, parts, backprop


@dataclass(frozen=True, slots=True)
class PairIndex:
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


def index_pairs(ops: Ops, pairs: list[PairsT], n_tokens: list[int]) -> PairIndex:
    """Index the pairs of all docs in the rows of all tokens.

    ops (Ops): Where the arrays are to be.
    pairs (list[PairsT]): Per doc; at least one in all.
    n_tokens (list[int]): Per doc.
    RETURNS (PairIndex): The index.
    """
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
    return PairIndex(
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


def sum_to_bounds(
    ops: Ops, tokens: Floats2d, index: PairIndex, weights: Floats2d | None = None
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


def average_between(index: PairIndex, sums: Floats2d, chunk: slice) -> Floats2d:
    """Give the mean of the tokens between, for some of the pairs."""
    between = sums[index.right[chunk]] - sums[index.left[chunk]]
    return (between / index.n_between[chunk]).astype("f")
