import numpy
import pytest
from numpy.testing import assert_allclose
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_biobert.models.resizing import resize_output
from spacy_biobert.models.textcat import build_textcat_model_v1

from .layers import check_gradients, fixed_tok2vec

VOCAB = Vocab()
KINDS = {
    "cls": {"pooling": ["cls"]},
    "default": {},
    "max_cls": {"pooling": ["max", "cls"]},
    "cls_attention": {"pooling": ["cls", "attention"]},
    "all": {"pooling": ["attention", "max", "cls", "mean"]},
    "hidden": {"pooling": ["cls", "max"], "hidden_width": 5},
}


def make_docs(*lengths):
    return [Doc(VOCAB, words=["word"] * length) for length in lengths]


def make_rows(*lengths, width=3):
    rng = numpy.random.default_rng(0)
    return [rng.normal(size=(1 + n, width)).astype("f") for n in lengths]


def make_model(rows, seen=None, *, nO=2, **kwargs):
    tok2vec = fixed_tok2vec(rows, [] if seen is None else seen)
    model = build_textcat_model_v1(tok2vec=tok2vec, nO=nO, **kwargs)
    model.initialize(X=make_docs(*(len(X) - 1 for X in rows)))
    return model


def set_query(model):
    """Let the attention look at something, instead of everything alike."""
    for node in model.walk():
        if "query" in node.param_names:
            node.set_param("query", numpy.array([1.0, -2.0, 0.5], "f"))


@pytest.mark.parametrize("kind", KINDS)
def test_textcat_gradient_matches_finite_differences(kind):
    docs, rows, seen = make_docs(2, 0, 3), make_rows(2, 0, 3), []
    if kind == "cls":
        rows = [X[:1] for X in rows]
    model = make_model(rows, seen, **KINDS[kind])
    set_query(model)
    dY = numpy.random.default_rng(1).normal(size=(3, 2)).astype("f")
    check_gradients(
        model,
        docs,
        rows,
        seen,
        dY=dY,
        weigh=lambda Y: (Y * dY).sum(),
        step=3e-3,
        atol=3e-3,
    )


def test_textcat_takes_docs_without_tokens_or_without_rows():
    rows, seen = make_rows(2), []
    model = make_model(rows, seen)
    rows[:] = [*make_rows(0), numpy.zeros((0, 0), "f"), *make_rows(1)]
    Y, backprop = model.begin_update(make_docs(0, 0, 1))
    backprop(Y)
    assert Y.shape == (3, 2)
    assert [d_rows.shape for d_rows in seen] == [(1, 3), (0, 3), (2, 3)]


def test_textcat_takes_an_empty_batch():
    rows, seen = make_rows(2), []
    model = make_model(rows, seen)
    rows.clear()
    Y, backprop = model.begin_update([])
    backprop(Y)
    assert Y.shape == (0, 2)
    assert seen == []


@pytest.mark.parametrize("kind", KINDS)
def test_textcat_round_trips_to_bytes(kind):
    rows, docs = make_rows(2, 1), make_docs(2, 1)
    model = make_model(rows, **KINDS[kind])
    set_query(model)
    other = build_textcat_model_v1(tok2vec=fixed_tok2vec(rows, []), **KINDS[kind])
    other.from_bytes(model.to_bytes())
    assert_allclose(model.predict(docs), other.predict(docs))


@pytest.mark.parametrize("kind", KINDS)
def test_textcat_resizing_keeps_the_learned_rows(kind):
    rows, docs = make_rows(2, 1), make_docs(2, 1)
    model = make_model(rows, **KINDS[kind])
    before = model.predict(docs)
    resize_output(model, 3)
    after = model.predict(docs)
    assert_allclose(after[:, :2], before)
    assert_allclose(after[:, 2:], 0.0)
