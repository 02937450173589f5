import os
import pty
import resource
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from spacy.cli._util import app as spacy_app
from typer.testing import CliRunner

from spacy_biobert.cli.main import app
from spacy_biobert.cli.plain import Printer, write_plainly
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


def failing(terminal: bool, **environment: str) -> bytes:
    """What a command that fails writes, to a terminal or to a pipe."""
    ours, theirs = pty.openpty() if terminal else os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", OURS, "convert", "no such file", "a.spacy"],
        stdout=theirs,
        env={k: v for k, v in os.environ.items() if "COLOR" not in k} | environment,
    )
    process.wait()
    shown = os.read(ours, 10_000)
    os.close(ours)
    os.close(theirs)
    return shown


def test_a_message_is_wrapped_for_a_terminal_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "word " * 40 + "end"
    Printer().good(said)
    assert capsys.readouterr().out == f"\N{HEAVY CHECK MARK} {said}\n"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    Printer().good(said)
    assert len(capsys.readouterr().out.splitlines()) == 3


@pytest.mark.parametrize(
    ("terminal", "environment", "coloured"),
    [(True, {}, True), (True, {"NO_COLOR": "1"}, False), (False, {}, False)],
)
def test_colours_are_for_terminals_alone(
    terminal: bool, environment: dict[str, str], coloured: bool
) -> None:
    shown = failing(terminal, **environment)

    assert b"[B209]" in shown
    assert (b"\x1b[" in shown) is coloured


def test_lines_come_at_once_where_nobody_sits_at_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read, write = os.pipe()
    with os.fdopen(read, "rb"), os.fdopen(write, "w") as piped:
        monkeypatch.setattr(sys, "stdout", piped)
        monkeypatch.delenv("ANSI_COLORS_DISABLED", raising=False)
        assert not piped.line_buffering
        write_plainly()
        sys.stdout.write("12 documents\n")
        os.set_blocking(read, False)
        assert os.read(read, 100) == b"12 documents\n"


def test_version_is_shown() -> None:
    result = CliRunner().invoke(app, ["--version"])

    assert result.exit_code == 0
    assert result.output == f"spacy-biobert {version('spacy-biobert')}\n"
