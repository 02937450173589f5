"""A small pipeline that annotates quickly, and documents for it."""

import gzip
import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import typer
from click.testing import Result
from typer.testing import CliRunner

from spacy_biobert.cli.annotate import annotate_cli

from .joint import NER, RELATION, TEXTCAT, annotated_docs
from .pipelines import make_nlp

APP = typer.Typer()
APP.command()(annotate_cli)
WORDS = "Aspirin caused headache in patients with renal failure and liver drug".split()
BLOCK = 4
N_DOCUMENTS = 11


def make_annotator(encoder: Path, folder: Path) -> Path:
    """Save a pipeline with entities, relations of near ones and categories."""
    from spacy.training import Example

    near = RELATION.replace(
        'entity_pairs.v1"',
        'entity_pairs.v1"\nmax_distance = 3\ntypes = null\ndirected = true',
    )
    nlp = make_nlp(encoder, ner=NER, relation=near, textcat=TEXTCAT)
    nlp.initialize(
        lambda: [Example(nlp.make_doc(doc.text), doc) for doc in annotated_docs(nlp)]
    )
    nlp.to_disk(folder)
    return folder


def text(number: int) -> str:
    """A text of 5 to 15 words, another for each number."""
    n_words = 5 + number * 7 % 11
    return " ".join(WORDS[(number * 3 + i * i) % len(WORDS)] for i in range(n_words))


def write_documents(path: Path, numbers: Iterable[int]) -> Path:
    """Write documents as `extract` does."""
    lines = (
        json.dumps({"id": f"d{n}", "title": f"Title {n}.", "text": text(n)}) + "\n"
        for n in numbers
    )
    path.write_text("".join(lines), encoding="utf-8")
    return path


def annotate(*arguments: object) -> Result:
    """Run the command here."""
    return CliRunner().invoke(
        APP, [str(a) for a in (*arguments, "--block-size", BLOCK)]
    )


def annotate_and_signal(
    arguments: Iterable[object], number: int, when: float | Callable[[], bool]
) -> int:
    """Run the command in a process of its own, and send it a signal.

    number (int): The signal.
    when (float | Callable): Seconds until then, or what says when.
    RETURNS (int): The exit code; negative if the signal ended it.
    """
    process = multiprocessing.get_context("fork").Process(
        target=_run_alone, args=([str(argument) for argument in arguments],)
    )
    process.start()
    if callable(when):
        while process.is_alive() and not when():
            process.join(0.01)
    else:
        process.join(when)
    if process.is_alive():
        assert process.pid is not None
        os.kill(process.pid, number)
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def _run_alone(arguments: list[str]) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    result = CliRunner().invoke(APP, [*arguments, "--block-size", str(BLOCK)])
    os._exit(result.exit_code)


def records(path: Path) -> list[dict[str, Any]]:
    """Read the JSON lines of an output."""
    content = path.read_bytes()
    lines = gzip.decompress(content) if path.suffix == ".gz" else content
    return [json.loads(line) for line in lines.splitlines()]
