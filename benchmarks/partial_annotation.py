r"""One model from corpora that annotate different labels.

The training documents are copied once for each label, and each copy keeps the entities
of its own label alone. One model is trained on the full annotation, one on the copies
with what each states to be annotated, and one on the copies as if all else in them were
outside of entities. One result file per arm and number of steps; those that exist are
kept, so that an interrupted run goes on. In as many steps all arms read as many words,
of which a copy annotates only its share.

    python -m benchmarks.partial_annotation assets/biobert-mini \
        --train work/release/train/bc5cdr.spacy --dev work/release/dev/bc5cdr.spacy \
        --test work/release/test/bc5cdr.spacy
"""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import spacy
import typer
from spacy.tokens import Doc, DocBin

from spacy_biobert.cli.probe import fine_tune
from spacy_biobert.readers import read_docs

from .record import read_result, write_result

CONFIG = Path("configs/ner.cfg")
ARMS = ("all", "stated", "outside")


def main(
    encoder: Path = typer.Argument(..., help="Hugging Face folder"),
    train: Path = typer.Option(...),
    dev: Path = typer.Option(...),
    test: Path = typer.Option(...),
    seed: int = typer.Option(0),
    steps: int = typer.Option(300),
    arms: list[str] = typer.Option(ARMS, "--arm"),
) -> None:
    """Train and score each arm."""
    docs = list(read_docs(train, spacy.blank("en").vocab))
    overrides = [
        *("--training.max_steps", str(steps), "--training.eval_frequency", str(steps)),
        *("--training.optimizer.learn_rate.warmup_steps", str(steps // 10)),
        # Only the end is looked at.
        *("--training.patience", "0"),
    ]
    for arm in arms:
        name = f"partial_annotation_{arm}_{steps}_seed{seed}"
        if read_result(name) is not None:
            continue
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as scratch:
            made = Path(scratch) / "train.spacy"
            DocBin(docs=make_arm(docs, arm), store_user_data=True).to_disk(made)
            data = {"train": made, "dev": dev, "test": test}
            found = fine_tune(CONFIG, encoder, data, seed=seed, overrides=overrides)
        figures = {
            "test": found["scores"],
            "dev_ents_f": found["dev"],
            "minutes": round((time.perf_counter() - start) / 60, 1),
        }
        settings = {"seed": seed, "arm": arm, "encoder": str(encoder), "steps": steps}
        command = (
            f"python -m benchmarks.partial_annotation {encoder} --train {train} "
            f"--dev {dev} --test {test} --seed {seed} --steps {steps}"
        )
        print(write_result(name, figures, command=command, settings=settings))


def make_arm(docs: Sequence[Doc], arm: str) -> list[Doc]:
    """Make the training documents of an arm.

    docs (Sequence[Doc]): Fully annotated. Not modified.
    arm (str): "all", "stated" or "outside".
    RETURNS (list[Doc]): The documents, or a copy of each for each label.
    """
    if arm == "all":
        return list(docs)
    labels = sorted({ent.label_ for doc in docs for ent in doc.ents})
    copies = []
    for label in labels:
        for doc in docs:
            copy = doc.copy()
            copy.set_ents(
                [ent for ent in copy.ents if ent.label_ == label], default="outside"
            )
            if arm == "stated":
                copy.user_data["annotated_labels"] = [label]
            copies.append(copy)
    return copies


if __name__ == "__main__":
    typer.run(main)
