import numpy
import pytest
from numpy.testing import assert_allclose
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_biobert.models.resizing import resize_output
from spacy_biobert.models.tagging import build_tagging_model_v1

from .layers import check_gradients, fixed_tok2vec

VOCAB = Vocab()


def make_docs(*lengths):
    return [Doc(VOCAB, words=["word"] * length) for length in lengths]


def make_tokvecs(*lengths, width=3):
    rng = numpy.random.default_rng(0)
    return [rng.normal(size=(length, width)).astype("f") for length in lengths]


def make_model(tokvecs, seen=None, *, nO=4, docs=None):
    seen = [] if seen is None else seen
    model = build_tagging_model_v1(tok2vec=fixed_tok2vec(tokvecs, seen), nO=nO)
    model.initialize(X=docs or make_docs(*map(len, tokvecs)))
    return model


def test_tagging_gradient_matches_finite_differences():
    docs, tokvecs, seen = make_docs(2, 0, 3), make_tokvecs(2, 0, 3), []
    model = make_model(tokvecs, seen)
    dY = make_tokvecs(2, 0, 3, width=4)

    def weigh(Y):
        return sum((y * dy).sum() for y, dy in zip(Y, dY, strict=True))

    check_gradients(model, docs, tokvecs, seen, dY=dY, weigh=weigh)


def test_tagging_gives_one_row_per_token():
    model = make_model(make_tokvecs(2, 0, 3))
    Y = model.predict(make_docs(2, 0, 3))
    assert [y.shape for y in Y] == [(2, 4), (0, 4), (3, 4)]


@pytest.mark.parametrize("lengths", [[], [0], [0, 0]])
@pytest.mark.parametrize("width", [0, 3])
def test_tagging_takes_a_batch_without_tokens(lengths, width):
    # stock listeners leave the width of an empty doc open: 0
    tokvecs, seen = make_tokvecs(2), []
    model = make_model(tokvecs, seen)
    tokvecs[:] = make_tokvecs(*lengths, width=width)
    Y, backprop = model.begin_update(make_docs(*lengths))
    backprop(Y)
    assert [y.shape for y in Y] == [(0, 4)] * len(lengths)
    assert [d_rows.shape for d_rows in seen] == [(0, 3)] * len(lengths)


def test_tagging_reads_the_width_from_the_first_doc_with_tokens():
    tokvecs = [numpy.zeros((0, 0), "f"), *make_tokvecs(2)]
    assert make_model(tokvecs).get_ref("output_layer").get_dim("nI") == 3


def test_tagging_drops_out_only_in_training():
    model = make_model([numpy.ones((50, 3), "f")])
    model.layers[1].attrs["dropout_rate"] = 0.5
    docs = make_docs(50)
    assert numpy.ptp(model.predict(docs)[0], axis=0).max() == 0
    assert numpy.ptp(model.begin_update(docs)[0][0], axis=0).max() > 0


def test_tagging_round_trips_to_bytes():
    tokvecs, docs = make_tokvecs(2, 1), make_docs(2, 1)
    model = make_model(tokvecs)
    other = build_tagging_model_v1(tok2vec=fixed_tok2vec(tokvecs, []))
    other.from_bytes(model.to_bytes())
    for a, b in zip(model.predict(docs), other.predict(docs), strict=True):
        assert_allclose(a, b)


def test_resizing_keeps_the_learned_rows():
    tokvecs, docs = make_tokvecs(2), make_docs(2)
    model = make_model(tokvecs)
    before = model.predict(docs)[0]
    resize_output(model, 6)
    after = model.predict(docs)[0]
    assert_allclose(after[:, :4], before)
    assert_allclose(after[:, 4:], 0.0)
    assert model.get_dim("nO") == 6
    assert model.get_ref("output_layer") is model.layers[2]
