import json
import shutil

import numpy
import pytest
import torch
from numpy.testing import assert_allclose
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab
from thinc.api import Model

from spacy_biobert.models.blinded import build_blinded_pair_model_v1
from spacy_biobert.models.candidates import make_entity_pairs_v1
from spacy_biobert.models.encoder import (
    build_biobert_model_v1,
    build_biobert_tok2vec_v1,
)

VOCAB = Vocab()


@pytest.fixture(scope="module")
def still_encoder(tiny_encoder, tmp_path_factory):
    """The tiny encoder without dropout, so that training computes what prediction does."""
    folder = tmp_path_factory.mktemp("still_encoder") / "encoder"
    shutil.copytree(tiny_encoder, folder)
    config = json.loads((folder / "config.json").read_text())
    config["hidden_dropout_prob"] = config["attention_probs_dropout_prob"] = 0.0
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def make_doc(text, *ents):
    doc = Doc(VOCAB, words=text.split())
    for token in doc:
        token.is_sent_start = token.i == 0 or doc[token.i - 1].text == "."
    doc.ents = [Span(doc, start, end, label) for start, end, label in ents]
    return doc


def make_docs():
    return [
        make_doc(
            "aspirin caused headache in patients . liver failure was by that drug .",
            (0, 1, "Chemical"),
            (2, 3, "Disease"),
            (6, 8, "Disease"),
        ),
        make_doc("the drug", (1, 2, "Chemical")),
        make_doc(""),
        make_doc("BRCA1 and BRCA2", (0, 1, "Gene"), (2, 3, "Gene")),
    ]


def make_model(encoder, **kwargs):
    tok2vec = build_biobert_tok2vec_v1(
        encoder=build_biobert_model_v1(name=str(encoder), window=64, stride=48),
        grad_factor=1.0,
    )
    model = build_blinded_pair_model_v1(
        tok2vec=tok2vec, get_pairs=make_entity_pairs_v1(), nO=2, **kwargs
    )
    model.initialize(X=make_docs())
    # Thinc's output layers begin with zeros, through which no gradient goes.
    W = model.get_ref("output_layer").get_param("W")
    W[:] = numpy.random.default_rng(0).normal(size=W.shape)
    return model


def get_network(model):
    return next(
        node.shims[0] for node in model.walk() if node.shims
    )._hfmodel.transformer


def test_blinded_pairs_read_nothing_but_labels_and_context(still_encoder):
    model = make_model(still_encoder)
    docs = make_docs()
    Y = model.predict(docs)
    assert [len(pairs) for pairs in Y.pairs] == [6, 0, 0, 2]
    assert Y.rows.shape == (8, 2)
    other = make_doc(
        "headache caused liver in patients . lymphoma failure was by that drug .",
        (0, 1, "Chemical"),
        (2, 3, "Disease"),
        (6, 8, "Disease"),
    )
    # Both names are hidden from the pair of the first sentence; its other words not.
    same, moved = model.predict([other]).rows, Y.rows[:6]
    assert_allclose(same[:1], moved[:1], atol=1e-5)
    assert abs(same[3] - moved[3]).max() > 1e-3


def test_blinded_scores_do_not_depend_on_chunks(still_encoder):
    expected = make_model(still_encoder).predict(make_docs()).rows
    for most in (1, 20):
        model = make_model(still_encoder, max_chunk_tokens=most)
        assert_allclose(model.predict(make_docs()).rows, expected, atol=1e-5)


@pytest.mark.parametrize("max_chunk_tokens", [1, 2048])
def test_blinded_gradient_reaches_the_encoder_and_matches_finite_differences(
    still_encoder, max_chunk_tokens
):
    model, docs = (
        make_model(still_encoder, max_chunk_tokens=max_chunk_tokens),
        make_docs(),
    )
    network = get_network(model)
    Y, backprop = model.begin_update(docs)
    dY = numpy.random.default_rng(1).normal(size=Y.rows.shape).astype("f")
    backprop(dY)
    for name in (
        "embeddings.LayerNorm.weight",
        "encoder.layer.0.attention.self.value.weight",
        "encoder.layer.1.output.dense.bias",
    ):
        parameter = network.get_parameter(name)
        found = parameter.grad.flatten()
        places = found.abs().topk(3).indices.tolist()
        values = parameter.detach().view(-1)
        for place in places:
            expected = 0.0
            for step in (+1e-2, -1e-2):
                values[place] += step
                expected += (model.predict(docs).rows * dY).sum() / (2 * step)
                values[place] -= step
            assert found[place].item() == pytest.approx(expected, rel=0.02, abs=1e-3)


def test_chunks_are_encoded_again_under_the_same_dropout(tiny_encoder):
    model, seen = make_model(tiny_encoder, max_chunk_tokens=14), []
    tok2vec = model.layers[0]

    def forward(layer, texts, is_train):
        vectors, backprop = tok2vec(texts, is_train)
        seen.append(numpy.stack([rows[0] for rows in vectors]))
        return vectors, backprop

    model.layers[0] = Model("watched", forward)
    docs = make_docs()
    Y, backprop = model.begin_update(docs)
    first = list(seen)
    assert len(first) > 2
    seen.clear()
    before = torch.get_rng_state()
    backprop(Y.rows)
    assert torch.equal(torch.get_rng_state(), before)
    for once, again in zip(first, seen, strict=True):
        assert_allclose(again, once, atol=1e-6)
    seen.clear()
    model.begin_update(docs)
    assert abs(seen[0] - first[0]).max() > 1e-3


def test_blinded_model_without_pairs_gives_no_rows(still_encoder):
    model = make_model(still_encoder)
    docs = make_docs()[1:3]
    Y, backprop = model.begin_update(docs)
    assert Y.rows.shape == model.predict(docs).rows.shape == (0, 2)
    assert backprop(Y.rows) == docs


@pytest.mark.parametrize(
    "kwargs", [{"context": -1}, {"max_chunk_tokens": 0}], ids=["context", "chunk"]
)
def test_blinded_model_refuses_settings_out_of_range(still_encoder, kwargs):
    with pytest.raises(ValueError, match=r"^\[B466\] BlindedPairModel"):
        make_model(still_encoder, **kwargs)
