import resource
import subprocess
import sys

import pytest
from spacy.cli._util import app as spacy_app
from typer.testing import CliRunner

from spacy_biobert.cli.main import app

OURS = "from spacy_biobert.cli.main import main; main()"
COMMANDS = [
    "extract",
    "vocab",
    "extend",
    "tokenize",
    "pretrain",
    "convert",
    "export",
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
