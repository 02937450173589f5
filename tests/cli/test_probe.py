import json
import multiprocessing
import os
import signal
import subprocess
import tempfile

import pytest
import spacy
from spacy.tokens import DocBin, Span
from typer.testing import CliRunner

from spacy_biobert.cli.main import app
from spacy_biobert.pretraining.train import pretrain

from ..pretraining.runs import CONFIG, make_store, overrides


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_encoder):
    folder = tmp_path_factory.mktemp("probe")
    store = make_store(folder / "store", tiny_encoder)
    values = overrides(store, tiny_encoder, training__max_steps=2)
    return pretrain(CONFIG, folder / "run", overrides=values).folder


@pytest.fixture
def corpus(tmp_path):
    nlp = spacy.blank("en")
    docs = []
    for drug in ("Aspirin", "Paracetamol", "aspirin"):
        doc = nlp(f"{drug} causes headache in patients.")
        doc.ents = [Span(doc, 0, 1, "CHEMICAL")]
        docs.append(doc)
    path = tmp_path / "corpus.spacy"
    DocBin(docs=docs).to_disk(path)
    return path


SHORT = [
    *("--training.max_steps", 2, "--training.eval_frequency", 1),
    *("--training.optimizer.learn_rate.warmup_steps", 1),
]


def probe(run, corpus, output, *more):
    arguments = ["probe", run, corpus, corpus, corpus, "-o", output, *more, *SHORT]
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_probe_scores_both_encoders_and_goes_on_where_it_was(
    run, corpus, tmp_path, monkeypatch, capfd
):
    # Where there is no configs/ner.cfg.
    monkeypatch.chdir(tmp_path)
    output = tmp_path / "probe.json"
    result = probe(run.path, corpus, output, "--seeds", "1")
    assert result.exit_code == 0, result.output
    told = result.output + "".join(capfd.readouterr())
    assert "Training pipeline" in told
    assert "\x1b" not in told
    assert "output directory" not in told
    assert f"{tempfile.gettempdir()}/tmp" not in told
    found = json.loads(output.read_text())
    assert list(found) == ["pretrained seed 0", "start seed 0"]
    for scores in found.values():
        assert 0 <= scores["test"] <= 1
        assert scores["scores"]["ents_f"] == scores["test"]
    assert str(run.start) in found["start seed 0"]["command"]
    assert "model.window 64" in found["start seed 0"]["command"]
    again = probe(run.path, corpus, output, "--seeds", "1")
    assert again.exit_code == 0
    assert "Fine-tune" not in again.output
    assert json.loads(output.read_text()) == found


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_probe_that_is_ended_leaves_nothing_and_no_process(
    run, corpus, tmp_path, monkeypatch
):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    process = multiprocessing.get_context("fork").Process(
        target=probe, args=(run.path, corpus, tmp_path / "probe.json")
    )
    process.start()
    while process.is_alive() and not running(str(folder)):
        process.join(0.02)
    os.kill(process.pid, signal.SIGTERM)
    process.join()
    assert list(folder.iterdir()) == []
    assert not running(str(folder))


def running(word):
    """The processes that have a word in their command line."""
    command = ["ps", "-e", "-o", "pid=,args=", "-ww"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [line for line in lines.splitlines() if word in line]


@pytest.mark.parametrize(
    ("lacking", "code"),
    [("run", "[B164]"), ("--config", "[B163]"), ("corpus", "[B431]")],
)
def test_probe_names_what_is_not_there(run, corpus, tmp_path, lacking, code):
    nowhere = tmp_path / "nowhere"
    result = probe(
        nowhere if lacking == "run" else run.path,
        nowhere if lacking == "corpus" else corpus,
        tmp_path / "probe.json",
        *(("--config", nowhere) if lacking == "--config" else ()),
    )
    assert result.exit_code == 1
    assert f"{code} {nowhere}: expected" in result.output
    assert ("spacy-biobert pretrain" in result.output) == (lacking == "run")
    assert "Usage" not in result.output


def test_probe_names_what_a_folder_lacks(corpus, tmp_path):
    result = probe(tmp_path, corpus, tmp_path / "probe.json")
    assert result.exit_code == 1
    assert "[B160]" in result.output
    assert not (tmp_path / "probe.json").exists()
