"""What an encoder reads with is never older than its weights."""

import numpy
import pytest
import spacy
import torch
from thinc.api import SGD, Adam, RAdam

from spacy_biobert.models.encoder import build_biobert_model_v1

NLP = spacy.blank("en")
TEXT = "Aspirin induced renal failure in patients with hepatitis"


def make_model(name):
    model = build_biobert_model_v1(name=str(name), window=64, stride=48)
    model.initialize(X=[NLP("hello")])
    return model


def read(model):
    return model.predict([NLP(TEXT)]).doc_data[0].tensors[0][0]


def stock(model):
    """The [CLS] vector of the plain forward with the weights as they are."""
    ids = torch.tensor([model.tokenizer(TEXT)["input_ids"]])
    with torch.no_grad():
        return model.transformer.eval()(ids).last_hidden_state[0, 0].numpy()


def assert_reads_as_stock(model):
    assert numpy.abs(read(model)[0] - stock(model)).max() < 1e-5


def learn(model, optimizer):
    Y, backprop = model.begin_update([NLP(TEXT)])
    n_rows, width = read(model).shape  # read between two halves of a step, too
    backprop(Y.unsplit_by_doc([[numpy.ones((1, n_rows, width), dtype="f")]]))
    model.finish_update(optimizer)


@pytest.fixture
def model(tiny_encoder):
    model = make_model(tiny_encoder)
    assert_reads_as_stock(model)
    return model


@pytest.mark.parametrize("optimizer", [Adam(0.01), RAdam(0.01), SGD(0.01)])
def test_each_step_is_read(model, optimizer):
    for _ in range(2):
        before = read(model)
        learn(model, optimizer)
        assert numpy.abs(read(model) - before).max() > 1e-3
        assert_reads_as_stock(model)


def test_averages_are_read_and_then_the_weights_again(model):
    optimizer = Adam(0.01, use_averages=True)
    learn(model, optimizer)  # the first average is the weight itself
    for _ in range(2):
        learn(model, optimizer)
        now = read(model)
        with model.use_params(optimizer.averages):
            assert_reads_as_stock(model)
            averaged = read(model)
        assert numpy.abs(averaged - now).max() > 1e-4
        assert numpy.array_equal(read(model), now)


def test_weights_that_are_loaded_or_set_are_read(model, tiny_encoder, tmp_path):
    other = make_model(tiny_encoder)
    learn(other, Adam(0.01))
    model.from_bytes(other.to_bytes())
    assert_reads_as_stock(model)
    other.write_folder(tmp_path / "encoder", weights="fp32")
    with torch.no_grad():
        model.transformer.encoder.layer[0].output.dense.weight.mul_(2)
    assert_reads_as_stock(model)
    model.read_folder(tmp_path / "encoder")
    assert_reads_as_stock(model)
    assert numpy.array_equal(read(model), read(other))
    copied = model.copy()
    assert numpy.array_equal(read(copied), read(model))
    learn(copied, Adam(0.01))
    assert_reads_as_stock(copied)
    assert_reads_as_stock(model)
