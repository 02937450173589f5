"""`convert` as the tests call it, and what it wrote."""

import json
from pathlib import Path
from typing import Any

import spacy
import typer
from click.testing import Result
from spacy.tokens import Doc, DocBin
from typer.testing import CliRunner

from spacy_biobert.cli.convert import convert_cli

APP = typer.Typer()
APP.command()(convert_cli)
PUBTATOR = (
    "1|t|Aspirin trial.\n1|a|Ulcers rose.\n1\t0\t7\tAspirin\tDrug\tD1\n"
    "1\t15\t21\tUlcers\tDisease\tD2\n1\tCID\tD1\tD2\n\n2|t|Nothing.\n\n"
)


def convert(*arguments: object) -> Result:
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


def docs(path: Path) -> list[Doc]:
    return list(DocBin().from_disk(path).get_docs(spacy.blank("en").vocab))


def report(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found
