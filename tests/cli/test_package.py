import json
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from spacy_biobert.cli.main import app
from spacy_biobert.cli.package import (
    package,
    read_meta,
    read_scores,
    read_titled_scores,
)

from ..joint import make_joint

META = {
    "lang": "en",
    "name": "biobert",
    "version": "0.3.0",
    "description": "For the test.",
    "license": "MIT",
    "requirements": ["spacy-biobert>=0.1.0,<0.2.0"],
    "sources": [
        {"name": "Corpus", "license": "CC0", "author": "us", "url": "https://x.org"}
    ],
}
SCORES = {"ents_p": 0.5, "ents_r": 0.5, "ents_f": 0.5, "ents_per_type": {}}


@pytest.mark.network
def test_package_makes_a_wheel_that_requires_us_and_carries_a_card(
    tiny_encoder: Path, tmp_path: Path
) -> None:
    make_joint(tiny_encoder).to_disk(tmp_path / "model")
    (tmp_path / "meta.json").write_text(json.dumps(META))
    (tmp_path / "scores.json").write_text(json.dumps(SCORES))

    result = CliRunner().invoke(
        app,
        [
            *("package", str(tmp_path / "model"), str(tmp_path / "dist")),
            *("--meta", str(tmp_path / "meta.json")),
            *("--scores", str(tmp_path / "scores.json")),
            *("--more-scores", f"A = B={tmp_path / 'scores.json'}"),
        ],
    )

    assert result.exit_code == 0, result.output
    wheel = zipfile.ZipFile(tmp_path / "dist" / "en_biobert-0.3.0-py3-none-any.whl")
    names = wheel.namelist()
    metadata = wheel.read("en_biobert-0.3.0.dist-info/METADATA").decode()
    card = wheel.read(
        next(name for name in names if name.endswith("README.md"))
    ).decode()
    assert "Requires-Dist: spacy-biobert<0.2.0,>=0.1.0" in metadata
    assert "| ner | `Chemical`, `Disease` |" in card
    assert "## A = B, in percent" in card
    assert "| Corpus | CC0 | us | https://x.org |" in card


def test_package_replaces_a_wheel_by_force_alone(
    tiny_encoder: Path, tmp_path: Path
) -> None:
    make_joint(tiny_encoder).to_disk(tmp_path / "model")
    wheel = tmp_path / "en_biobert-0.3.0-py3-none-any.whl"
    wheel.write_text("mine")

    with pytest.raises(ValueError, match=r"B236.*en_biobert-0\.3\.0"):
        package(tmp_path / "model", tmp_path, meta=META, scores=SCORES)

    assert wheel.read_text() == "mine"


@pytest.mark.parametrize("broken", ["{", "[]"])
def test_package_refuses_a_meta_that_is_no_object(broken: str, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "meta.json").write_text("{}")
    (tmp_path / "meta.json").write_text(broken)
    (tmp_path / "scores.json").write_text("{}")

    result = CliRunner().invoke(
        app,
        [
            *("package", str(tmp_path / "model"), str(tmp_path / "dist")),
            *("--meta", str(tmp_path / "meta.json")),
            *("--scores", str(tmp_path / "scores.json")),
        ],
    )

    assert result.exit_code == 1
    assert "[B002]" in result.output
    assert "meta.json" in "".join(result.output.split())
    assert not (tmp_path / "dist").exists()


def test_package_says_why_no_wheel_was_built(
    tiny_encoder: Path, tmp_path: Path
) -> None:
    make_joint(tiny_encoder).to_disk(tmp_path / "model")
    meta = META | {"requirements": ["no requirement at all"]}
    (tmp_path / "meta.json").write_text(json.dumps(meta))
    (tmp_path / "scores.json").write_text(json.dumps(SCORES))

    result = CliRunner().invoke(
        app,
        [
            *("package", str(tmp_path / "model"), str(tmp_path / "dist")),
            *("--meta", str(tmp_path / "meta.json")),
            *("--scores", str(tmp_path / "scores.json")),
        ],
    )

    assert result.exit_code == 1
    assert "[B007]" in result.output
    assert "model: the wheel could not be built" in " ".join(result.output.split())
    assert not list((tmp_path / "dist").iterdir())


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"name": "my mine!"}, "name"),
        ({"name": None}, "name"),
        ({"version": "new"}, "version"),
        ({"version": ""}, "version"),
    ],
)
def test_package_refuses_what_is_no_name_or_version(
    change: dict[str, str | None], key: str, tmp_path: Path
) -> None:
    (tmp_path / "meta.json").write_text(json.dumps(META | change))

    with pytest.raises(ValueError, match=rf"\[B009\] .*meta.json: expected '{key}'"):
        read_meta(tmp_path / "meta.json")


@pytest.mark.parametrize("version", ["1", "0.1.0", "2026.11.25", "1.0rc1", "1.0.dev3"])
def test_package_takes_usual_versions(version: str, tmp_path: Path) -> None:
    (tmp_path / "meta.json").write_text(json.dumps(META | {"version": version}))

    assert read_meta(tmp_path / "meta.json")["version"] == version


def test_package_refuses_scores_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "scores.json").write_text(json.dumps(META))

    with pytest.raises(ValueError, match=r"\[B010\] .*scores.json"):
        read_scores(tmp_path / "scores.json")


@pytest.mark.parametrize("found", ["scores.json", "=scores.json"])
def test_package_refuses_scores_without_a_title(found: str) -> None:
    with pytest.raises(ValueError, match="B024"):
        read_titled_scores(found)
