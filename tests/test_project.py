import re
from pathlib import Path

import pytest
from typer.testing import CliRunner
from weasel.cli.run import project_run
from weasel.util import load_project_config

from spacy_biobert.cli.main import app

ROOT = Path(__file__).parent.parent
PROJECT = load_project_config(ROOT)
COMMANDS = {command["name"]: command for command in PROJECT["commands"]}


@pytest.mark.parametrize("workflow", ["all", "release", "mini"])
def test_workflow_names_only_known_commands(workflow: str) -> None:
    assert set(PROJECT["workflows"][workflow]) <= set(COMMANDS)


@pytest.mark.parametrize("workflow", ["all", "release", "mini"])
def test_workflow_makes_each_dependency_before_it_is_needed(workflow: str) -> None:
    made: set[str] = set()
    for name in PROJECT["workflows"][workflow]:
        missing = {
            path
            for path in COMMANDS[name].get("deps", [])
            if path not in made and not (ROOT / path).exists()
        }
        assert not missing, f"{name} needs {missing}"
        made |= set(COMMANDS[name].get("outputs", []))


@pytest.mark.parametrize("command", ["tune", "evaluate"])
def test_examples_in_the_help_read_what_the_demo_makes(command: str) -> None:
    shown = CliRunner().invoke(app, [command, "--help"]).output
    example = re.search(rf"spacy-biobert {command} (\S+)\s+(\S+)", shown)
    made = {
        path for c in PROJECT["workflows"]["all"] for path in COMMANDS[c]["outputs"]
    }
    assert example is not None
    assert f"{example[1]}/meta.json" in made
    assert example[2] in made


def test_no_large_file_is_hashed_by_the_workflow() -> None:
    hashed = {
        Path(path).suffix
        for command in COMMANDS.values()
        for path in [*command.get("deps", []), *command.get("outputs", [])]
    }
    assert not hashed & {".gz", ".xz", ".arrow", ".safetensors", ".jsonl"}


def test_directories_of_the_public_corpora_are_variables(
    capfd: pytest.CaptureFixture[str],
) -> None:
    project_run(ROOT, "release-convert", overrides={"vars.data": "elsewhere"}, dry=True)

    assert "elsewhere/bc5cdr/CDR_TestSet.PubTator.txt*" in capfd.readouterr().out
