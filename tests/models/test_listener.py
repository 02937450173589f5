"""The encoder among other components: stock listeners, ours, frozen, replaced."""

import socket

import numpy
import pytest
import spacy
from numpy.testing import assert_allclose
from spacy.tokens import DocBin
from spacy.training import Example
from thinc.api import Adam, Model, fix_random_seed

from spacy_biobert.models.listener import with_cls

from ..pipelines import TAGGER, make_config, make_nlp

NLP = spacy.blank("en")
TEXT = "Aspirin causes headache in patients."
CATEGORIES = """factory = "textcat_multilabel"
[model]
@architectures = "spacy.TextCatReduce.v1"
exclusive_classes = false
use_reduce_first = true
use_reduce_last = false
use_reduce_max = false
use_reduce_mean = false
[model.tok2vec]
CLS_LISTENER"""


def make_examples(nlp):
    texts = [TEXT, "BRCA1 mutations", "", "the cancer of patients " * 30]
    return [
        Example.from_dict(
            doc := nlp.make_doc(text),
            {"tags": ["N", "V"] * (len(doc) // 2) + ["P"] * (len(doc) % 2),
             "cats": {"A": float("cancer" in text), "B": 1.0}},
        )
        for text in texts
    ]  # fmt: skip


def make_trained(tiny_encoder, **settings):
    nlp = make_nlp(tiny_encoder, tagger=TAGGER, categories=CATEGORIES)
    examples = make_examples(nlp)
    optimizer = nlp.initialize(lambda: examples)
    nlp.update(examples, sgd=optimizer)
    return nlp, examples, optimizer


def weights_of(nlp):
    network = nlp.get_pipe("transformer").model.transformer
    return {name: p.detach().clone().numpy() for name, p in network.named_parameters()}


def rows_of(doc):
    return doc._.trf_data.model_output.last_hidden_state[0]


def predictions(nlp):
    doc = nlp(TEXT)
    return [token.tag_ for token in doc], numpy.array(list(doc.cats.values()))


# --- [CLS] on top


def test_listener_gives_cls_and_tokens_of_the_shared_encoder(tiny_encoder):
    nlp, _, _ = make_trained(tiny_encoder)
    doc = nlp(TEXT)
    tok2vec = nlp.get_pipe("categories").model.get_ref("tok2vec")
    assert_allclose(tok2vec.predict([doc])[0], rows_of(doc), atol=0)


def test_docs_without_tokens_have_a_cls_of_zeros(tiny_encoder):
    nlp, _, _ = make_trained(tiny_encoder)
    tok2vec = nlp.get_pipe("categories").model.get_ref("tok2vec")
    docs = list(nlp.pipe(["", "Aspirin"]))
    assert [len(rows) for rows in tok2vec.predict(docs)] == [1, 2]
    assert_allclose(tok2vec.predict(docs)[0], numpy.zeros((1, 16)), atol=0)


def test_listener_gives_zeros_of_the_same_shape_before_the_encoder_has_run(
    tiny_encoder,
):
    nlp, _, _ = make_trained(tiny_encoder)
    tok2vec = nlp.get_pipe("categories").model.get_ref("tok2vec")
    rows = tok2vec.predict([NLP(TEXT), NLP("")])
    assert [r.shape for r in rows] == [(7, 16), (1, 16)]
    assert not rows[0].any()


def test_listener_refuses_rows_of_another_encoder(tiny_encoder):
    nlp, _, _ = make_trained(tiny_encoder)
    doc = nlp(TEXT)
    output = doc._.trf_data.model_output
    output["last_hidden_state"] = output["last_hidden_state"][:, :3]
    with pytest.raises(ValueError, match=r"B334.*expected 7 rows.*\(1, 3, 16\)"):
        nlp.get_pipe("categories").model.get_ref("tok2vec").predict([doc])


def test_listener_passes_the_gradient_of_cls_and_tokens_times_its_factor(tiny_encoder):
    nlp, _, _ = make_trained(tiny_encoder)
    doc, empty, seen = nlp(TEXT), nlp(""), []

    def forward(model, docs, is_train):
        return [doc._.trf_data for doc in docs], lambda d_datas: seen.extend(d_datas)

    source = Model("source", forward, dims={"nO": 16})
    Y, backprop = with_cls(source, grad_factor=0.5)([empty, doc], is_train=True)
    dY = [numpy.random.default_rng(0).normal(size=y.shape).astype("f") for y in Y]
    backprop(dY)
    assert len(seen) == 1
    assert_allclose(seen[0].tensors[0], 0.5 * dY[1][None])
    assert not numpy.shares_memory(seen[0].tensors[0], dY[1])


# --- training through the stock component


def test_every_listener_moves_the_encoder_by_its_own_gradient(tiny_encoder):
    """The encoder's gradient for two listeners is the sum of each one's alone."""
    grads = {}
    for factors in [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0)]:
        nlp, examples, _ = make_trained(tiny_encoder)
        model = nlp.get_pipe("transformer").model
        model.transformer.zero_grad()
        grads[factors] = listen(nlp, examples, factors)
    total = grads[1.0, 0.0] + grads[0.0, 1.0]
    assert abs(total).max() > 1e-3
    assert_allclose(grads[1.0, 1.0], total, rtol=1e-3, atol=1e-5)


def listen(nlp, examples, factors):
    """Send a fixed gradient through both components; return that of the encoder."""
    transformer = nlp.get_pipe("transformer")
    for module in transformer.model.transformer.modules():
        if hasattr(module, "p"):
            module.p = 0.0
        if hasattr(module, "dropout_prob"):
            module.dropout_prob = 0.0
    docs = [example.predicted for example in examples]
    transformer.update(examples, sgd=None)
    for name, factor in zip(["tagger", "categories"], factors, strict=True):
        tok2vec = nlp.get_pipe(name).model.get_ref("tok2vec")
        Y, backprop = tok2vec(docs, is_train=True)
        rng = numpy.random.default_rng(1)
        backprop([factor * rng.normal(size=y.shape).astype("f") for y in Y])
    weights = transformer.model.transformer.encoder.layer[0].output.dense.weight
    return weights.grad.clone().numpy()


def test_training_learns_tags_and_categories(tiny_encoder):
    fix_random_seed(0)
    nlp, examples, _ = make_trained(tiny_encoder)
    optimizer = Adam(0.003)
    for _ in range(120):
        nlp.update(examples, sgd=optimizer)
    docs = list(nlp.pipe(example.reference.text for example in examples))
    for doc, example in zip(docs, examples, strict=True):
        assert [token.tag_ for token in doc] == [t.tag_ for t in example.reference]
    assert [doc.cats["A"] > 0.5 for doc in docs if len(doc)] == [False, False, True]


def test_a_frozen_annotating_encoder_keeps_its_weights(tiny_encoder):
    nlp, examples, optimizer = make_trained(tiny_encoder)
    before = weights_of(nlp)
    losses = {}
    nlp.update(examples, sgd=optimizer, losses=losses, exclude=["transformer"], annotates=["transformer"])  # fmt: skip
    after = weights_of(nlp)
    for name in before:
        assert_allclose(after[name], before[name], atol=0)
    assert losses["tagger"] > 0


# --- saving


def test_saved_pipelines_load_and_predict_the_same_without_network_or_folder(
    tmp_path, monkeypatch, tiny_encoder
):
    encoder = tmp_path / "encoder"
    encoder.symlink_to(tiny_encoder)
    nlp, _, _ = make_trained(encoder)
    expected = predictions(nlp)
    nlp.to_disk(tmp_path / "pipeline")
    encoder.unlink()

    def refuse(*args, **kwargs):
        raise AssertionError("touched the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    loaded = spacy.load(tmp_path / "pipeline")
    tags, cats = predictions(loaded)
    assert tags == expected[0]
    assert_allclose(cats, expected[1], atol=1e-6)
    assert_allclose(rows_of(loaded(TEXT)), rows_of(nlp(TEXT)), atol=1e-6)


def test_the_vectors_of_a_doc_survive_a_doc_bin(tiny_encoder):
    nlp, _, _ = make_trained(tiny_encoder)
    doc = nlp(TEXT)
    stored = DocBin(docs=[doc], store_user_data=True).to_bytes()
    found = next(iter(DocBin().from_bytes(stored).get_docs(nlp.vocab)))
    assert_allclose(rows_of(found), rows_of(doc), atol=0)


# --- an encoder of a component's own


@pytest.mark.parametrize("name", ["tagger", "categories"])
def test_replaced_listeners_predict_the_same_and_load_again(
    tmp_path, tiny_encoder, name
):
    nlp, examples, optimizer = make_trained(tiny_encoder)
    expected = predictions(nlp)
    nlp.replace_listeners("transformer", name, ["model.tok2vec"])
    block = nlp.config["components"][name]["model"]["tok2vec"]
    assert block["@architectures"] == "spacy-biobert.BioBertTok2Vec.v1"

    nlp.to_disk(tmp_path / "pipeline")
    loaded = spacy.load(tmp_path / "pipeline")
    for found in (predictions(nlp), predictions(loaded)):
        assert found[0] == expected[0]
        assert_allclose(found[1], expected[1], atol=1e-6)


def test_replaced_listeners_train_their_own_encoder(tiny_encoder):
    nlp, examples, optimizer = make_trained(tiny_encoder)
    nlp.replace_listeners("transformer", "tagger", ["model.tok2vec"])
    model = nlp.get_pipe("tagger").model
    [own] = [node for node in model.walk() if node.name == "hf-pytorch"]
    before = own.shims[0]._model.encoder.layer[0].output.dense.weight.detach().clone()
    shared = weights_of(nlp)
    nlp.get_pipe("tagger").update(examples, sgd=optimizer)
    after = own.shims[0]._model.encoder.layer[0].output.dense.weight
    assert abs(after - before).max() > 1e-4
    for key, value in weights_of(nlp).items():
        assert_allclose(value, shared[key], atol=0)


@pytest.mark.parametrize("pooling", [None, {"@layers": "reduce_mean.v1"}])
def test_own_encoder_can_be_initialized_from_a_config(tiny_encoder, pooling):
    encoder = make_config(tiny_encoder)["components"]["transformer"]["model"]
    block = {
        "@architectures": "spacy-biobert.BioBertTok2Vec.v1",
        "encoder": encoder,
        "grad_factor": 1.0,
        "pooling": pooling,
    }
    model = spacy.registry.resolve({"model": block})["model"]
    model.initialize(X=[NLP(TEXT)])
    assert model.get_dim("nO") == 16
    docs = [NLP(TEXT)]
    Y, backprop = model(docs, is_train=True)
    assert Y[0].shape == (len(docs[0]) + (pooling is None), 16)
    assert backprop(Y) == docs
