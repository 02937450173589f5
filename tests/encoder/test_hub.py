import json
import shutil
from pathlib import Path

import pytest
import torch

from spacy_biobert.encoder.hub import (
    new_pretraining_model,
    open_config,
    open_encoder,
    open_pretraining_model,
    open_tokenizer,
    save_pretraining_model,
)


def edit_json(path: Path, **keys: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | keys))


@pytest.fixture
def folder(tiny_encoder, tmp_path):
    return Path(shutil.copytree(tiny_encoder, tmp_path / "encoder"))


@pytest.fixture
def old_folder(folder):
    """The layout of dmis-lab/biobert-base-cased-v1.1: no heads, no casing."""
    weights = open_pretraining_model(folder).model.state_dict()
    body = {key: value for key, value in weights.items() if key.startswith("bert.")}
    torch.save(body, folder / "pytorch_model.bin")
    for path in folder.iterdir():
        if path.name not in ("config.json", "vocab.txt", "pytorch_model.bin"):
            path.unlink()
    return folder


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("the network was asked")

    monkeypatch.setattr("socket.socket.connect", refuse)


def test_open_tokenizer_keeps_case_without_tokenizer_config(old_folder):
    tokenizer = open_tokenizer(old_folder)
    assert tokenizer.tokenize("Aspirin aspirin") == ["Aspirin", "aspirin"]
    assert tokenizer.model_max_length == 64


def test_open_tokenizer_lower_cases_an_uncased_vocabulary(tmp_path):
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "aspirin"]
    (tmp_path / "vocab.txt").write_text("\n".join(pieces) + "\n")
    assert open_tokenizer(tmp_path).tokenize("Aspirin") == ["aspirin"]


def test_open_tokenizer_keeps_case_of_a_lone_tokenizer_json(folder):
    for name in ("tokenizer_config.json", "vocab.txt"):
        (folder / name).unlink()
    assert open_tokenizer(folder).tokenize("Aspirin") == ["Aspirin"]


def test_open_tokenizer_refuses_lower_casing_with_a_cased_vocabulary(folder):
    edit_json(folder / "tokenizer_config.json", do_lower_case=True)
    with pytest.raises(ValueError, match=r"\[B305\].*cased \(it has the piece '##A'\)"):
        open_tokenizer(folder)


def test_open_tokenizer_refuses_more_pieces_than_embeddings(folder):
    n_pieces = open_config(folder).vocab_size
    edit_json(folder / "config.json", vocab_size=7)
    with pytest.raises(ValueError, match=rf"\[B307\].*{n_pieces} pieces.*for 7"):
        open_tokenizer(folder)


def test_open_tokenizer_says_that_there_is_none(folder):
    for name in ("tokenizer.json", "vocab.txt"):
        (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=r"\[B303\]"):
        open_tokenizer(folder)


def test_open_tokenizer_says_which_json_is_broken(folder):
    (folder / "tokenizer_config.json").write_text("{")
    with pytest.raises(ValueError, match=r"\[B309\].*tokenizer_config.json"):
        open_tokenizer(folder)


@pytest.mark.parametrize("name", ["no/such/folder", "./missing", Path("missing")])
def test_open_config_says_that_there_is_no_such_folder(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"\[B30[01]\]"):
        open_config(name)


def test_open_config_says_that_there_is_none(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"\[B302\]"):
        open_config(tmp_path)


def test_open_config_refuses_other_networks(folder):
    edit_json(folder / "config.json", model_type="roberta")
    with pytest.raises(ValueError, match=r"\[B306\].*'roberta'"):
        open_config(folder)


def test_open_encoder_says_that_weights_are_missing(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"\[B304\]"):
        open_encoder(folder)


@pytest.mark.parametrize("change", [{"num_hidden_layers": 3}, {"intermediate_size": 8}])
def test_open_pretraining_model_refuses_weights_that_do_not_fit(folder, change):
    edit_json(folder / "config.json", **change)
    with pytest.raises(ValueError, match=r"\[B308\]"):
        open_pretraining_model(folder)


def test_open_pretraining_model_reports_new_heads(old_folder):
    opened = open_pretraining_model(old_folder)
    assert "cls.seq_relationship.weight" in opened.new_weights
    assert all(name.startswith("cls.") for name in opened.new_weights)


def test_open_pretraining_model_reports_nothing_new_with_heads(folder):
    assert open_pretraining_model(folder).new_weights == ()


def test_open_encoder_has_the_same_weights_and_no_pooler(folder):
    encoder = open_encoder(folder)
    expected = open_pretraining_model(folder).model.bert
    assert encoder.pooler is None
    for name, weight in encoder.named_parameters():
        assert torch.equal(weight, expected.get_parameter(name)), name


def test_open_leaves_the_log_level_of_transformers(folder):
    from transformers.utils import logging

    before = logging.get_verbosity()
    open_pretraining_model(folder)
    assert logging.get_verbosity() == before


def test_save_round_trips_weights_and_tokenizer(old_folder, tmp_path):
    model = open_pretraining_model(old_folder).model
    tokenizer = open_tokenizer(old_folder)
    tokenizer.model_max_length = 10**30
    saved = tmp_path / "saved"
    save_pretraining_model(model, tokenizer, saved)

    opened = open_pretraining_model(saved)
    again = open_tokenizer(saved)
    assert opened.new_weights == ()
    for name, weight in model.state_dict().items():
        assert torch.equal(weight, opened.model.state_dict()[name]), name
    assert again.get_vocab() == tokenizer.get_vocab()
    assert again.tokenize("Aspirin") == ["Aspirin"]
    settings = json.loads((saved / "tokenizer_config.json").read_text())
    assert settings["do_lower_case"] is False
    assert settings["model_max_length"] == 64
    assert {path.name for path in saved.iterdir()} >= {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.txt",
    }


def test_save_refuses_a_tokenizer_that_is_too_large(folder, tmp_path):
    model = new_pretraining_model(
        7, n_layers=1, width=4, n_heads=1, feedforward_width=4, n_positions=8,
        dropout=0.0, seed=0,
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"\[B307\]"):
        save_pretraining_model(model, open_tokenizer(folder), tmp_path / "saved")
    assert not (tmp_path / "saved").exists()


def test_new_pretraining_model_is_a_function_of_the_seed():
    shape = {
        "n_layers": 1, "width": 4, "n_heads": 1, "feedforward_width": 4,
        "n_positions": 8, "dropout": 0.0,
    }  # fmt: skip
    first, second, other = (
        new_pretraining_model(9, seed=seed, **shape).state_dict() for seed in (1, 1, 2)
    )
    weight = "bert.embeddings.word_embeddings.weight"
    assert torch.equal(first[weight], second[weight])
    assert not torch.equal(first[weight], other[weight])
