"""Topics of long documents, and topics of any name through all commands."""

import json
from pathlib import Path

import numpy
import pytest
import spacy
from spacy.training import Example
from typer.testing import CliRunner

from spacy_biobert.cli.main import app

from ..joint import TEXTCAT
from ..pipelines import make_config, make_nlp

ODD = ["review, or not", "COVID-19: treatment", "case report", "a=b #1"]
TEXTS = [
    "Aspirin helps .",
    "The liver of a patient .",
    "BRCA1 mutations .",
    "No drug .",
]


@pytest.mark.parametrize("pooling", ["cls", "mean", "max", "attention"])
def test_topics_are_read_from_all_windows_of_a_document(
    tiny_encoder: Path, pooling: str
) -> None:
    """Windows of 64 pieces with 16 of overlap: the last word is far from the first."""
    block = TEXTCAT.replace(
        "[model.tok2vec]", f'pooling = ["{pooling}"]\n[model.tok2vec]'
    )
    nlp = make_nlp(tiny_encoder, textcat=block)
    examples = [
        Example.from_dict(nlp.make_doc(text), {"cats": {"a": 1.0, "b": 0.0}})
        for text in TEXTS
    ]
    nlp.initialize(lambda: examples)
    output = nlp.get_pipe("textcat").model.get_ref("output_layer")
    output.set_param(
        "W",
        numpy.random.default_rng(0)
        .normal(size=output.get_param("W").shape)
        .astype("f"),
    )
    text = "the cancer of patients " * 60

    scores = [nlp(text + last).cats["a"] for last in ("aspirin", "liver", "liver")]

    assert abs(scores[0] - scores[1]) > 1e-6
    assert scores[1] == scores[2]


def run(*args: object) -> str:
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    assert result.exit_code == 0, result.output
    return result.output


def test_topics_of_any_name_go_through_all_commands(
    tiny_encoder: Path, tmp_path: Path
) -> None:
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps(ODD))
    source = tmp_path / "topics.jsonl"
    source.write_text(
        "".join(
            json.dumps({"id": str(i), "text": text, "labels": [ODD[i]]}) + "\n"
            for i, text in enumerate(TEXTS)
        )
    )
    gold = tmp_path / "gold.spacy"
    run("convert", source, gold, "--format", "categories", "--labels", labels)

    config = make_config(tiny_encoder, textcat=TEXTCAT)
    config["components"]["textcat"]["class_weights"] = [[ODD[1], 2.0]]
    nlp = spacy.util.load_model_from_config(config, auto_fill=True)
    read = spacy.registry.readers.get("spacy-biobert.Corpus.v1")(gold, gold_ents=False)
    nlp.initialize(lambda: read(nlp))
    optimizer = nlp.create_optimizer()
    optimizer.learn_rate = 0.01
    for _ in range(60):
        nlp.update(list(read(nlp)), sgd=optimizer)
    nlp.to_disk(tmp_path / "model")

    output = run("evaluate", tmp_path / "model", gold, "-o", tmp_path / "scores.json")
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert set(scores["cats_f_per_type"]) == set(ODD)
    assert scores["cats_micro_f"] == 1.0
    assert all(label in output for label in ODD)

    loaded = spacy.load(tmp_path / "model")
    docs = [loaded(text) for text in TEXTS]
    spacy.tokens.DocBin(docs=docs).to_disk(tmp_path / "found.spacy")
    for name in ("categories", "categories_tsv", "bioc_xml", "bioc_json"):
        written, again = tmp_path / name, tmp_path / f"{name}.spacy"
        run("export", tmp_path / "found.spacy", written, "--format", name)
        allowed = ["--labels", labels] if name.startswith("categories") else []
        run("convert", written, again, "--format", name, *allowed)
        found = list(spacy.tokens.DocBin().from_disk(again).get_docs(loaded.vocab))
        assert [
            [label for label, value in doc.cats.items() if value] for doc in found
        ] == [[label] for label in ODD]
