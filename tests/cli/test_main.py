import pytest
from spacy.cli._util import app as spacy_app
from typer.testing import CliRunner

from spacy_biobert.cli.main import app

COMMANDS = [
    "extract",
    "vocab",
    "tokenize",
    "pretrain",
    "convert",
    "evaluate",
    "package",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_a_command_needs_with_an_example(command: str) -> None:
    output = CliRunner().invoke(app, [command, "--help"]).output

    assert f"spacy-biobert {command}" in " ".join(output.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_in_spacy_s_own_command_line_too(command: str) -> None:
    output = CliRunner().invoke(spacy_app, ["biobert", "--help"]).output

    assert command in output
