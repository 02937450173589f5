"""spaCy's own commands do with our configs and pipelines what they do with others."""

from pathlib import Path

import pytest
import spacy
from spacy.cli._util import app
from spacy.util import load_config
from typer.testing import CliRunner

from ..joint import make_joint, write_docs
from ..test_configs import CONFIGS, PIPELINES


def run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("name", PIPELINES)
def test_fill_config_has_nothing_to_fill(name: str, tmp_path: Path) -> None:
    config = CONFIGS / f"{name}.cfg"
    run("init", "fill-config", config, tmp_path / "filled.cfg")

    before = load_config(config, interpolate=False)
    filled = load_config(tmp_path / "filled.cfg", interpolate=False)

    # spaCy adds paths of its own, which nothing here reads.
    del filled["paths"], before["paths"]
    assert dict(filled) == dict(before)


@pytest.mark.parametrize("name", PIPELINES)
def test_debug_config_finds_nothing(name: str, tmp_path: Path) -> None:
    docs = write_docs(spacy.blank("en"), tmp_path / "docs.spacy")
    paths = ["--paths.train", docs, "--paths.dev", docs]

    shown = run("debug", "config", CONFIGS / f"{name}.cfg", *paths)

    assert "Config is valid" in shown


def test_benchmark_speed_runs_a_pipeline(tiny_encoder: Path, tmp_path: Path) -> None:
    nlp = make_joint(tiny_encoder)
    nlp.to_disk(tmp_path / "model")
    docs = write_docs(nlp, tmp_path / "docs.spacy")

    shown = run("benchmark", "speed", tmp_path / "model", docs, "--batches", "30")

    assert "Mean:" in shown
    assert "words/s" in shown
