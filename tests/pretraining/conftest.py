from pathlib import Path

import pytest
from tokenizers import Tokenizer

from spacy_biobert.encoder.forward import set_dropout
from spacy_biobert.encoder.hub import BertForPreTraining, open_pretraining_model
from spacy_biobert.pretraining import shards
from spacy_biobert.pretraining.building import build_store
from spacy_biobert.pretraining.vocabulary import train_vocabulary

from .runs import make_store
from .stores import WORDS, make_corpus


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    """A token store of 40 short texts in the tiny encoder's pieces."""
    return make_store(tmp_path_factory.mktemp("store") / "store", tiny_encoder)


@pytest.fixture
def model(tiny_encoder: Path) -> BertForPreTraining:
    """The tiny encoder with both heads, learning without dropout."""
    model = open_pretraining_model(tiny_encoder).model
    set_dropout(model, vectors=0.0, attention=0.0)
    return model.train()


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return train_vocabulary([" ".join(WORDS) + ". [x]"] * 3, size=200, cased=True)


@pytest.fixture
def folder(
    tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A store of several shards, each of several record batches."""
    monkeypatch.setattr(shards, "BATCH_PIECES", 100)
    monkeypatch.setattr(shards, "SHARD_PIECES", 500)
    build_store(make_corpus(100), tokenizer, tmp_path / "store", held_out=0.1)
    return tmp_path / "store"
