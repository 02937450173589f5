r"""What three tasks cost in one pipeline, and in three that have an encoder each.

The three are cut from the trained pipeline, so that all find the same with the same
weights: one finds entities, one relations between them, one topics. A text goes through
each in turn, on one thread.

    python -m benchmarks.joint_cost training/release/tuned --documents work/release/dev/bc5cdr.spacy
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import spacy
import torch
import typer
from spacy.language import Language
from spacy.tokens import Doc, DocBin

from .interleaving import compare
from .record import write_result
from .turns import measure_works

HEADS = ("ner", "relation", "textcat")
SHARED = ("transformer", "release")
JOINT, APART = "one pipeline", "three pipelines"


def main(
    pipeline: Path = typer.Argument(..., help="Trained pipeline with all three tasks"),
    documents: Path = typer.Option(..., help="Texts, as a .spacy file"),
    n_documents: int = typer.Option(200, "--n", help="How many, from the first on"),
    repeats: int = typer.Option(5),
) -> None:
    """Measure and file what each costs."""
    torch.set_num_threads(1)
    docs = DocBin().from_disk(documents).get_docs(spacy.blank("en").vocab)
    texts = [doc.text for doc, _ in zip(docs, range(n_documents), strict=False)]
    joint, apart = spacy.load(pipeline), load_apart(pipeline)
    n_words = sum(len(joint.make_doc(text)) for text in texts)
    speeds = measure_works(
        {
            JOINT: lambda: lambda: drain(joint.pipe(texts)),
            APART: lambda: lambda: drain(pipe_apart(apart, texts)),
        },
        n_units=n_words,
        repeats=repeats,
    )
    figures = {"words_per_second": speeds, "share": share_of_time(speeds["processor"])}
    settings = {
        "documents": documents.name,
        "n": len(texts),
        "words": n_words,
        "repeats": repeats,
        "threads": torch.get_num_threads(),
    }
    command = f"python -m benchmarks.joint_cost {' '.join(sys.argv[1:])}"
    print(write_result("joint_cost", figures, command=command, settings=settings))


def load_apart(pipeline: Path) -> list[Language]:
    """Load a pipeline once for each task, with an encoder and a vocabulary of its own.

    pipeline (Path): Has HEADS and SHARED.
    RETURNS (list[Language]): In the order of HEADS.
    """
    return [spacy.load(pipeline, enable=[head, *SHARED]) for head in HEADS]


def pipe_apart(apart: Iterable[Language], texts: Iterable[str]) -> Iterator[Doc]:
    """Let texts go through one pipeline after the other.

    apart (Iterable[Language]): The first reads texts, the others its documents.
    texts (Iterable[str]): The texts.
    RETURNS (Iterator[Doc]): With all that was found.
    """
    docs: Iterable[str | Doc] = texts
    for nlp in apart:
        docs = nlp.pipe(docs)
    return (doc for doc in docs if isinstance(doc, Doc))


def share_of_time(speeds: dict[str, list[float]]) -> dict[str, Any]:
    """Say what part of the time of three one takes, repeat by repeat.

    speeds (dict): Words a second of JOINT and APART.
    RETURNS (dict): As of `compare`.
    """
    return compare(speeds[APART], speeds[JOINT])


def drain(docs: Iterable[Doc]) -> None:
    """Go through documents."""
    for _ in docs:
        pass


if __name__ == "__main__":
    typer.run(main)
