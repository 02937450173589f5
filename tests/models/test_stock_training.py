"""A config of spacy-transformers trains to the same scores with our architecture."""

import json
import random
import shutil
from pathlib import Path
from statistics import mean, variance

import pytest
import spacy
import torch
from spacy.cli.init_config import init_config
from spacy.language import Language
from spacy.training import Corpus
from spacy.util import fix_random_seed, minibatch, registry
from transformers import BertConfig, BertModel
from typer.testing import CliRunner

from spacy_biobert.cli.main import app

from ..corpus.sample import SAMPLE

MINI = Path(__file__).parents[2] / "assets" / "biobert-mini"
N_EPOCHS = 8
SEEDS = (0, 1, 2)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BERT, with the vocabulary of biobert-mini."""
    folder = tmp_path_factory.mktemp("encoder")
    for name in ("vocab.txt", "tokenizer.json"):
        shutil.copy(MINI / name, folder)
    settings = json.loads((MINI / "tokenizer_config.json").read_text())
    settings["model_max_length"] = 512
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        BertModel(
            BertConfig(
                vocab_size=16_000,
                hidden_size=64,
                num_hidden_layers=2,
                num_attention_heads=4,
                intermediate_size=128,
                max_position_embeddings=512,
            )
        ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    for split in ("train", "dev", "test"):
        source = SAMPLE / "pubtator" / f"{split}.pubtator.txt"
        arguments = ["convert", str(source), str(folder / f"{split}.spacy")]
        done = CliRunner().invoke(app, [*arguments, "--format", "pubtator"])
        assert done.exit_code == 0, done.output
    return folder


def score(architecture: str, encoder: Path, corpus: Path, seed: int) -> float:
    """Train what `spacy init config --pipeline ner --gpu` gives; F1 in percent."""
    config = init_config(lang="en", pipeline=["ner"], gpu=True)
    config["nlp"]["tokenizer"] = {"@tokenizers": "spacy-biobert.Tokenizer.v1"}
    model = config["components"]["transformer"]["model"]
    model["name"] = str(encoder)
    model["@architectures"] = architecture
    fix_random_seed(seed)
    nlp = spacy.util.load_model_from_config(config, auto_fill=True)
    train = list(Corpus(corpus / "train.spacy")(nlp))
    nlp.initialize(lambda: train)
    learn(nlp, train, seed)
    held_out = [
        eg for name in ("dev", "test") for eg in Corpus(corpus / f"{name}.spacy")(nlp)
    ]
    return 100 * nlp.evaluate(held_out)["ents_f"]


def learn(nlp: Language, train: list, seed: int) -> None:
    settings = nlp.config["training"]["optimizer"] | {"learn_rate": 2e-3}
    optimizer = registry.resolve({"optimizer": settings})["optimizer"]
    order = random.Random(seed)
    for _ in range(N_EPOCHS):
        order.shuffle(train)
        for batch in minibatch(train, 4):
            nlp.update(batch, sgd=optimizer, drop=0.1)


@pytest.mark.filterwarnings("ignore:.*B321")
def test_scores_are_within_two_deviations_of_those_of_spacy_transformers(
    encoder: Path, corpus: Path
) -> None:
    theirs, ours = (
        [score(architecture, encoder, corpus, seed) for seed in SEEDS]
        for architecture in (
            "spacy-transformers.TransformerModel.v3",
            "spacy-biobert.BioBertModel.v1",
        )
    )

    deviation = mean([variance(theirs), variance(ours)]) ** 0.5
    assert min(theirs) > 50
    assert abs(mean(ours) - mean(theirs)) <= 2 * deviation, (theirs, ours)
