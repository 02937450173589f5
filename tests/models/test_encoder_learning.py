"""Gradients, dropout and number formats of the encoder; copies of it."""

import copy

import numpy
import pytest
import torch
from numpy.testing import assert_allclose
from spacy.tokens import Doc
from thinc.api import Adam

from spacy_biobert.encoder.precision import fast_in_bfloat16

from .encoding import NLP, TEXTS, make_model, rows_of


def gradients(model):
    return {name: p.grad for name, p in model.transformer.named_parameters()}


def without_dropout(model):
    for module in model.transformer.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if hasattr(module, "dropout_prob"):
            module.dropout_prob = 0.0
    return model


def test_gradient_equals_torch_autograd_on_the_plain_network(tiny_encoder):
    """ "Parkinson" is two pieces, each other word one; no window is cut."""
    model = without_dropout(make_model(tiny_encoder))
    docs = [NLP("Parkinson in patients"), NLP(""), NLP("the cancer")]
    Y, backprop = model(docs, is_train=True)
    rng = numpy.random.default_rng(0)
    dY = [rng.normal(size=(1, n, 16)).astype("f") for n in (4, 3)]
    backprop(Y.unsplit_by_doc([[d] for d in dY]))

    network = copy.deepcopy(model.transformer)
    network.zero_grad()
    pool = torch.tensor(
        [[1, 0, 0, 0, 0], [0, 0.5, 0.5, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1]]
    )
    total = torch.zeros(())
    for doc, d, P in zip([docs[0], docs[2]], dY, [pool, torch.eye(3)], strict=True):
        ids = torch.tensor([model.tokenizer(doc.text)["input_ids"]])
        hidden = network(ids).last_hidden_state[0, :-1]
        total = total + (P @ hidden * torch.from_numpy(d[0])).sum()
    total.backward()
    for name, parameter in network.named_parameters():
        assert_allclose(gradients(model)[name], parameter.grad, atol=1e-4)


def test_gradient_matches_finite_differences_over_several_windows(tiny_encoder):
    model = without_dropout(make_model(tiny_encoder, window=16, stride=9))
    docs = [NLP("Parkinson disease and hepatitis of patients with renal failure " * 4)]
    Y, backprop = model(docs, is_train=True)
    rng = numpy.random.default_rng(0)
    dY = rng.normal(size=Y.doc_data[0].model_output.last_hidden_state.shape).astype("f")
    backprop(Y.unsplit_by_doc([[dY]]))

    weights = model.transformer.encoder.layer[1].output.dense.weight
    for i in [(0, 0), (3, 17), (15, 31)]:
        sums = []
        for step in (+0.01, -0.01):
            with torch.no_grad():
                weights[i] += step
            sums.append((rows_of(model, docs)[0].astype("d") * dY[0]).sum())
            with torch.no_grad():
                weights[i] -= step
        assert weights.grad[i] == pytest.approx(
            (sums[0] - sums[1]) / 0.02, rel=0.02, abs=0.02
        )


def test_tokens_without_pieces_pass_their_gradient_on(tiny_encoder):
    model = without_dropout(make_model(tiny_encoder))
    doc = Doc(NLP.vocab, words=["a", "\n"])
    found = []
    for row in (1, 2):
        Y, backprop = model([doc], is_train=True)
        dY = numpy.zeros((1, 3, 16), dtype="f")
        dY[0, row] = numpy.arange(16)
        backprop(Y.unsplit_by_doc([[dY]]))
        weights = model.transformer.embeddings.word_embeddings.weight
        found.append(weights.grad.clone())
        model.transformer.zero_grad()
    assert found[0].any()
    assert_allclose(found[0], found[1], atol=1e-5)


def test_dropout_is_on_in_training_only(tiny_encoder):
    encoder = make_model(tiny_encoder)
    docs = [NLP(TEXTS[0])]
    trained = [encoder(docs, is_train=True)[0].doc_data[0].tensors[0] for _ in range(2)]
    predicted = [rows_of(encoder, docs)[0] for _ in range(2)]
    assert not numpy.allclose(trained[0], trained[1])
    assert_allclose(predicted[0], predicted[1], atol=0)


def test_bf16_is_near_fp32_in_rows_and_gradients_and_gives_float32(tiny_encoder):
    if not fast_in_bfloat16(torch.device("cpu")):
        pytest.skip("this CPU has no bfloat16")
    docs = [NLP(text) for text in TEXTS]
    rows, grads = {}, {}
    for precision in ("fp32", "bf16"):
        model = without_dropout(make_model(tiny_encoder, precision=precision))
        Y, backprop = model(docs, is_train=True)
        rows[precision] = numpy.vstack([d.tensors[0][0] for d in Y.doc_data])
        backprop(
            Y.unsplit_by_doc([[numpy.ones_like(d.tensors[0])] for d in Y.doc_data])
        )
        grads[precision] = gradients(model)["embeddings.word_embeddings.weight"]
    assert rows["bf16"].dtype == numpy.float32
    assert grads["bf16"].dtype == torch.float32
    assert not numpy.allclose(rows["bf16"], rows["fp32"], atol=1e-5)
    assert_allclose(rows["bf16"], rows["fp32"], atol=0.1)
    near = torch.cosine_similarity(
        grads["bf16"].flatten(), grads["fp32"].flatten(), dim=0
    )
    assert near > 0.99


def test_copies_train_apart(tiny_encoder):
    model = make_model(tiny_encoder)
    copied = model.copy()
    assert copied.layers[0].shims[0].id != model.layers[0].shims[0].id
    docs = [NLP(TEXTS[0])]
    before = rows_of(model, docs)[0].copy()
    Y, backprop = copied(docs, is_train=True)
    backprop(Y.unsplit_by_doc([[numpy.ones_like(d.tensors[0])] for d in Y.doc_data]))
    copied.finish_update(Adam(0.1))
    assert_allclose(rows_of(model, docs)[0], before, atol=0)
    assert not numpy.allclose(rows_of(copied, docs)[0], before, atol=1e-2)
    copied.initialize(X=docs)  # keeps its weights
    assert not numpy.allclose(rows_of(copied, docs)[0], before, atol=1e-2)
