import tracemalloc
from functools import partial

import numpy
import pytest
from numpy.testing import assert_allclose
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab
from thinc.api import Model, reduce_max, reduce_mean, set_dropout_rate

from spacy_biobert.models import relation
from spacy_biobert.models.candidates import make_entity_pairs_v1
from spacy_biobert.models.pair_vectors import (
    N_FEATURES,
    build_entity_pair_vectors_v1,
)
from spacy_biobert.models.relation import build_relation_model_v1
from spacy_biobert.models.resizing import resize_output

from .layers import check_gradients, fixed_tok2vec

VOCAB = Vocab()
ALL_PAIRS = make_entity_pairs_v1()


def make_doc(n_tokens, *ents):
    doc = Doc(VOCAB, words=["word"] * n_tokens)
    doc.ents = [Span(doc, start, end, label="Gene") for start, end in ents]
    return doc


def make_docs():
    """Neighbours, distance, an entity in the middle, no pair, no token."""
    return [
        make_doc(7, (0, 2), (2, 3), (5, 7)),
        make_doc(3, (0, 1)),
        make_doc(0),
        make_doc(6, (1, 2), (4, 5)),
    ]


def make_tokvecs(docs, width=3):
    rng = numpy.random.default_rng(0)
    # as a listener does: no width without tokens
    shapes = [(len(doc), width) if len(doc) else (0, 0) for doc in docs]
    return [rng.normal(size=shape).astype("f") for shape in shapes]


def make_vectors(tokvecs, seen=None, *, pooling=None, get_pairs=ALL_PAIRS):
    return build_entity_pair_vectors_v1(
        tok2vec=fixed_tok2vec(tokvecs, [] if seen is None else seen),
        pooling=pooling or reduce_mean(),
        get_pairs=get_pairs,
    )


def make_model(docs, tokvecs, seen=None, *, nO=2, get_pairs=ALL_PAIRS, **kwargs):
    model = build_relation_model_v1(
        tok2vec=fixed_tok2vec(tokvecs, [] if seen is None else seen),
        pooling=reduce_mean(),
        get_pairs=get_pairs,
        nO=nO,
        **{"hidden_width": 5, **kwargs},
    )
    model.initialize(X=docs)
    return model


def pair_vector(rows, start1, end1, start2, end2):
    """The definition, pair by pair."""
    left, right = (end1, start2) if start1 <= start2 else (end2, start1)
    between = rows[left:right]
    n = len(between)
    buckets = [0] * 10
    buckets[[n >= edge for edge in (1, 2, 3, 4, 5, 8, 16, 32, 64)].count(True)] = 1
    return numpy.concatenate(
        [
            rows[start1:end1].mean(axis=0),
            rows[start2:end2].mean(axis=0),
            between.mean(axis=0) if n else numpy.zeros(rows.shape[1]),
            buckets,
            [start1 <= start2],
        ]
    )


def test_entity_pair_vectors_are_what_the_definition_says():
    docs = make_docs()
    tokvecs = make_tokvecs(docs)
    Y = make_vectors(tokvecs).predict(docs)
    expected = [
        pair_vector(rows, *pair)
        for doc, rows in zip(docs, tokvecs, strict=True)
        for pair in ALL_PAIRS(doc).tolist()
    ]
    assert [len(pairs) for pairs in Y.pairs] == [6, 0, 0, 2]
    assert_allclose(Y.rows, expected, atol=1e-6)
    assert Y.rows.shape == (8, 3 * 3 + 11)


@pytest.mark.parametrize("n_between", [0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 31, 63, 64, 200])
def test_entity_pair_vectors_bucket_the_distance(n_between):
    doc = make_doc(n_between + 2, (0, 1), (n_between + 1, n_between + 2))
    rows = make_tokvecs([doc])
    Y = make_vectors(rows).predict([doc])
    assert_allclose(
        Y.rows,
        [pair_vector(rows[0], *pair) for pair in ALL_PAIRS(doc).tolist()],
        atol=1e-6,
    )


@pytest.mark.parametrize("pooling", [reduce_mean, reduce_max])
def test_entity_pair_vectors_gradient_matches_finite_differences(pooling):
    docs, seen = make_docs(), []
    tokvecs = make_tokvecs(docs)
    model = make_vectors(tokvecs, seen, pooling=pooling())
    Y, backprop = model.begin_update(docs)
    dY = numpy.random.default_rng(1).normal(size=Y.rows.shape).astype("f")
    backprop(dY)
    for rows, d_rows in zip(tokvecs, seen, strict=True):
        assert len(d_rows) == len(rows)
        expected = numpy.zeros_like(rows)
        for i in numpy.ndindex(*rows.shape):
            for step in (+0.01, -0.01):
                rows[i] += step
                moved = model.predict(docs).rows
                expected[i] += (moved * dY).sum() / (2 * step)
                rows[i] -= step
        assert_allclose(d_rows.reshape(rows.shape), expected, atol=1e-3)


def test_entity_pair_vectors_take_overlapping_spans():
    doc = make_doc(6)
    tokvecs = make_tokvecs([doc])

    def get_pairs(doc):
        return numpy.array([[0, 4, 2, 3], [2, 3, 0, 4], [1, 5, 1, 2]], dtype="int32")

    Y = make_vectors(tokvecs, get_pairs=get_pairs).predict([doc])
    expected = [pair_vector(tokvecs[0], *pair) for pair in get_pairs(doc).tolist()]
    assert_allclose(Y.rows, expected, atol=1e-6)


def test_entity_pair_vectors_stay_exact_in_a_long_document():
    doc = make_doc(50_000, (49_990, 49_991), (49_993, 49_994))
    tokvecs = [numpy.full((50_000, 1), 1e3, "f")]
    tokvecs[0][49_991:49_993, 0] = (0.25, 0.5)
    Y = make_vectors(tokvecs).predict([doc])
    assert_allclose(Y.rows[:, 2], 0.375)


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_relation_gradient_matches_finite_differences(depth):
    docs, seen = [make_doc(5, (0, 2), (2, 3)), make_doc(4, (0, 1), (3, 4))], []
    tokvecs = make_tokvecs(docs)
    model = make_model(docs, tokvecs, seen, depth=depth)
    dY = numpy.random.default_rng(1).normal(size=(4, 2)).astype("f")
    check_gradients(
        model,
        docs,
        tokvecs,
        seen,
        dY=dY,
        weigh=lambda Y: (Y.rows * dY).sum(),
        step=3e-3,
        atol=5e-3,
    )


@pytest.mark.parametrize(
    "docs", [[], [make_doc(0)], [make_doc(3, (0, 1)), make_doc(2)]]
)
def test_relation_without_pairs_gives_the_encoder_zeros(docs):
    some, seen = make_docs(), []
    tokvecs = make_tokvecs(some)
    model = make_model(some, tokvecs, seen)
    tokvecs[:] = make_tokvecs(docs)
    assert model.predict(docs).rows.shape == (0, 2)
    Y, backprop = model.begin_update(docs)
    seen[:] = ["not called"]
    backprop(Y.rows)
    assert Y.rows.shape == (0, 2)
    assert [len(pairs) for pairs in Y.pairs] == [0] * len(docs)
    assert [d_rows.shape for d_rows in seen] == [rows.shape for rows in tokvecs]
    assert not any(d_rows.any() for d_rows in seen)


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_relation_scores_do_not_depend_on_chunks(monkeypatch, depth):
    docs = make_docs()
    tokvecs = make_tokvecs(docs)
    model = make_model(docs, tokvecs, depth=depth)
    rng = numpy.random.default_rng(2)
    for node in model.layers[1].layers:
        for name in node.param_names:
            node.set_param(
                name, rng.normal(size=node.get_param(name).shape).astype("f")
            )
    # In training the vectors of the pairs are made, and all go through at once.
    expected = model.begin_update(docs)[0].rows
    assert_allclose(model.predict(docs).rows, expected, atol=1e-5)
    monkeypatch.setattr(relation, "N_CHUNK", 3)
    assert_allclose(model.predict(docs).rows, expected, atol=1e-5)


def test_relation_predicts_many_pairs_in_chunks():
    doc = make_doc(800, *((i, i + 1) for i in range(0, 800, 2)))
    tokvecs, sizes = make_tokvecs([doc]), []
    model = make_model([doc], tokvecs)
    *others, output_layer = model.layers[1].layers

    def forward(layer, X, is_train):
        sizes.append(len(X))
        return output_layer(X, is_train)

    model.layers[1].layers[:] = [*others, Model("watched", forward)]
    assert model.predict([doc]).rows.shape == (400 * 399, 2)
    assert sum(sizes) == 400 * 399
    assert max(sizes) <= relation.N_CHUNK


@pytest.mark.parametrize("n_chunk", [1, 3, 7])
def test_relation_learns_the_same_in_chunks(monkeypatch, n_chunk):
    docs, seen = make_docs(), []
    model = make_model(docs, make_tokvecs(docs), seen, depth=2)
    dY = numpy.random.default_rng(1).normal(size=(8, 2)).astype("f")

    def learn():
        Y, backprop = model.begin_update(docs)
        backprop(dY)
        nodes = [node for node in model.walk() if node.param_names]
        found = [node.get_grad(name).copy() for node in nodes for name in ("W", "b")]
        for node in nodes:
            node.set_grad("W", numpy.zeros_like(node.get_param("W")))
            node.set_grad("b", numpy.zeros_like(node.get_param("b")))
        return [Y.rows, *seen, *found]

    expected = learn()
    monkeypatch.setattr(relation, "N_LEARN", n_chunk)
    for found, whole in zip(learn(), expected, strict=True):
        assert_allclose(found, whole, atol=1e-5)


def test_relation_draws_dropout_of_a_chunk_again_for_its_gradient(monkeypatch):
    """A linear layer's scores, without the bias, are its weights times their gradient."""
    monkeypatch.setattr(relation, "N_LEARN", 3)
    docs = make_docs()
    model = make_model(docs, make_tokvecs(docs), depth=0)
    output_layer = model.get_ref("output_layer")
    W = numpy.random.default_rng(2).normal(size=output_layer.get_param("W").shape)
    output_layer.set_param("W", W.astype("f"))
    set_dropout_rate(model, 0.5)
    dY = numpy.random.default_rng(1).normal(size=(8, 2)).astype("f")

    Y, backprop = model.begin_update(docs)
    drawn = numpy.random.get_state()[1].copy()
    backprop(dY)

    assert_allclose((output_layer.get_grad("W") * W).sum(), (Y.rows * dY).sum(), 1e-4)
    assert (numpy.random.get_state()[1] == drawn).all()


def test_relation_draws_other_dropout_for_each_chunk(monkeypatch):
    monkeypatch.setattr(relation, "N_LEARN", 3)
    docs, read = make_docs(), []
    ones = [numpy.ones_like(rows) for rows in make_tokvecs(docs)]
    model = make_model(docs, ones, depth=0)
    dropout, output_layer = model.layers[1].layers

    def forward(layer, X, is_train):
        read.append(X[:, :6] > 0)  # both entities
        return output_layer(X, is_train)

    model.layers[1].layers[:] = [dropout, Model("watched", forward)]
    set_dropout_rate(model, 0.5)
    model.begin_update(docs)
    assert [len(drawn) for drawn in read] == [3, 3, 2]
    assert not (read[0] == read[1]).all()


def test_relation_learns_many_pairs_in_bounded_memory():
    doc = make_doc(800, *((i, i + 1) for i in range(0, 800, 2)))
    width = 64
    model = make_model([doc], make_tokvecs([doc], width), hidden_width=64)
    dY = numpy.ones((400 * 399, 2), dtype="f")
    tracemalloc.start()
    backprop = model.begin_update([doc])[1]
    backprop(dY)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    vectors = len(dY) * (3 * width + N_FEATURES) * 4
    assert most < vectors


def test_relation_proposes_the_pairs_once_per_batch():
    docs, calls = make_docs(), []

    def get_pairs(doc):
        calls.append(doc)
        return ALL_PAIRS(doc)

    model = make_model(docs, make_tokvecs(docs), get_pairs=get_pairs)
    for run in (model.predict, partial(model, is_train=True)):
        calls.clear()
        run(docs)
        assert len(calls) == len(docs)


def test_relation_refuses_to_learn_from_a_prediction():
    docs = make_docs()
    Y, backprop = make_model(docs, make_tokvecs(docs))(docs, is_train=False)
    with pytest.raises(ValueError, match=r"^\[B458\]"):
        backprop(Y.rows)


def test_relation_round_trips_to_bytes():
    docs = make_docs()
    tokvecs = make_tokvecs(docs)
    model = make_model(docs, tokvecs)
    other = build_relation_model_v1(
        tok2vec=fixed_tok2vec(tokvecs, []),
        pooling=reduce_mean(),
        get_pairs=ALL_PAIRS,
        hidden_width=5,
    )
    other.from_bytes(model.to_bytes())
    assert_allclose(model.predict(docs).rows, other.predict(docs).rows)
    assert other.attrs["get_pairs"] is ALL_PAIRS


def test_relation_resizing_keeps_the_learned_rows():
    docs = make_docs()
    tokvecs = make_tokvecs(docs)
    model = make_model(docs, tokvecs)
    before = model.predict(docs).rows
    resize_output(model, 3)
    after = model.predict(docs).rows
    assert_allclose(after[:, :2], before)
    assert_allclose(after[:, 2:], 0.0)
