import resource
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from spacy.cli._util import app as spacy_app
from typer.testing import CliRunner

from spacy_biobert.cli.main import app
from spacy_biobert.converters.formats import format_names

OURS = "from spacy_biobert.cli.main import main; main()"
COMMANDS = [
    "extract",
    "vocab",
    "extend",
    "tokenize",
    "pretrain",
    "probe",
    "convert",
    "export",
    "init-config",
    "annotate",
    "evaluate",
    "package",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_a_command_needs_with_an_example(command: str) -> None:
    output = CliRunner().invoke(app, [command, "--help"]).output

    assert f"spacy-biobert {command}" in " ".join(output.split())


def test_help_of_convert_and_the_data_page_name_every_format() -> None:
    shown = CliRunner().invoke(app, ["convert", "--help"]).output
    page = (Path(__file__).parents[2] / "docs" / "data.md").read_text("utf-8")
    for name in format_names():
        assert name in shown
        assert f"`{name}`" in page


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_in_spacy_s_own_command_line_too(command: str) -> None:
    output = CliRunner().invoke(spacy_app, ["biobert", "--help"]).output

    assert command in output


def processor_seconds(*command: str) -> float:
    """The least that a command takes in three runs."""
    taken = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(
            after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        )
    return min(taken)


def test_help_is_no_slower_than_half_as_much_again_as_spacy_s() -> None:
    ours = processor_seconds(sys.executable, "-c", OURS, "--help")

    assert ours < 1.5 * processor_seconds(sys.executable, "-m", "spacy", "--help")


def test_version_is_shown() -> None:
    result = CliRunner().invoke(app, ["--version"])

    assert result.exit_code == 0
    assert result.output == f"spacy-biobert {version('spacy-biobert')}\n"
