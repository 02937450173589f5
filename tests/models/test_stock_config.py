"""A config of spacy-transformers works after a change of one line, the architecture."""

import copy

import pytest
import spacy
from spacy.cli.debug_config import debug_config
from spacy.cli.init_config import fill_config, init_config
from spacy.tokens import Span
from spacy.training import Example

from spacy_biobert.models import stock_arguments
from spacy_biobert.models.encoder import build_biobert_model_v1

TEXTS = ["Aspirin causes headache in patients.", "The \n liver of a patient", "", " "]


@pytest.fixture
def config_path(tmp_path, tiny_encoder):
    """What `spacy init config -p ner --gpu` writes, with a local encoder and our line."""
    config = init_config(lang="en", pipeline=["ner"], gpu=True)
    model = config["components"]["transformer"]["model"]
    assert model["@architectures"] == "spacy-transformers.TransformerModel.v3"
    assert model["get_spans"]["window"] == 128
    model["name"] = str(tiny_encoder)
    model["@architectures"] = "spacy-biobert.BioBertModel.v1"
    path = tmp_path / "config.cfg"
    config.to_disk(path)
    return path


@pytest.fixture(autouse=True)
def _warn_anew():
    stock_arguments._warn_once.cache_clear()


@pytest.mark.filterwarnings("ignore:.*B321")
def test_a_stock_config_is_filled_checked_trained_and_loaded(config_path, tmp_path):
    filled = tmp_path / "filled.cfg"
    fill_config(filled, config_path, silent=True)
    overrides = {"paths.train": "train.spacy", "paths.dev": "dev.spacy"}
    debug_config(filled, overrides=overrides)
    config = spacy.util.load_config(filled)
    model = config["components"]["transformer"]["model"]
    assert model["pooling"] == "mean"
    assert model["window"] is None
    assert model["tokenizer_config"] == {"use_fast": True}

    nlp = spacy.util.load_model_from_config(config)
    reference = nlp.make_doc(TEXTS[0])
    reference.ents = [Span(reference, 0, 1, label="Chemical")]
    examples = [Example(nlp.make_doc(TEXTS[0]), reference)]
    optimizer = nlp.initialize(lambda: examples)
    weights = nlp.get_pipe("transformer").model.transformer.state_dict()
    before = copy.deepcopy(weights)
    for _ in range(2):  # the first step of the warmup has a rate of 0
        nlp.update(examples, sgd=optimizer)
        optimizer.step_schedules()
    key = "encoder.layer.0.output.dense.weight"
    assert not (before[key] == weights[key]).all()

    nlp.to_disk(tmp_path / "nlp")
    loaded = spacy.load(tmp_path / "nlp")
    for doc, other in zip(nlp.pipe(TEXTS), loaded.pipe(TEXTS), strict=True):
        assert doc.to_json() == other.to_json()
        if len(doc):
            mine, others = (d._.trf_data.tensors[0] for d in (doc, other))
            assert mine.shape == (1, 1 + len(doc), 16)
            assert abs(mine - others).max() < 1e-5


def test_a_stock_config_warns_once_of_what_has_no_meaning(config_path):
    config = spacy.util.load_config(config_path)
    with pytest.warns(UserWarning, match=r"\[B321\].*get_spans"):
        spacy.util.load_model_from_config(config, auto_fill=True)
    spacy.util.load_model_from_config(config, auto_fill=True)  # a warning would raise


@pytest.mark.parametrize(
    ("argument", "value", "warning"),
    [
        ("tokenizer_config", {"use_fast": False}, r"B322.*\(use_fast\)"),
        ("tokenizer_config", {"do_lower_case": True}, r"B322.*\(do_lower_case\)"),
        ("transformer_config", {"output_attentions": True}, "B323.*output_attentions"),
        ("grad_scaler_config", {"init_scale": 32768}, "B324"),
    ],
)
def test_arguments_without_a_meaning_warn(argument, value, warning):
    with pytest.warns(UserWarning, match=warning):
        build_biobert_model_v1(name="x", **{argument: value})
    build_biobert_model_v1(name="x", **{argument: value})  # a warning would raise


def test_dropout_of_transformer_config_replaces_that_of_the_encoder(tiny_encoder):
    model = build_biobert_model_v1(
        name=str(tiny_encoder),
        transformer_config={"hidden_dropout_prob": 0.25, "return_dict": True},
    )
    model.initialize()
    assert model.transformer.embeddings.dropout.p == 0.25
    attention = model.transformer.encoder.layer[1].attention
    assert (attention.output.dropout.p, attention.self.dropout.p) == (0.25, 0.1)
    assert model.transformer.config.hidden_dropout_prob == 0.25


@pytest.mark.parametrize(
    ("precision", "mixed", "expected"),
    [
        ("fp32", False, "fp32"),
        ("fp32", True, "auto"),
        ("bf16", True, "bf16"),
        ("auto", False, "auto"),
    ],
)
def test_mixed_precision_is_automatic_precision(precision, mixed, expected):
    model = build_biobert_model_v1(name="x", precision=precision, mixed_precision=mixed)
    assert model.attrs["settings"].precision == expected


def test_window_and_stride_follow_the_positions_of_the_encoder(tiny_encoder):
    settings = build_biobert_model_v1(name="x").attrs["settings"]
    assert settings.cut_for(512) == (512, 384)
    assert settings.cut_for(128) == (128, 96)
    own = build_biobert_model_v1(name="x", window=64).attrs["settings"]
    assert own.cut_for(512) == (64, 48)
