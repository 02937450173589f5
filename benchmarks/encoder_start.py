r"""Does pretraining pay? Entities from a pretrained encoder and from random weights.

Both arms have the same network, vocabulary, recipe and seeds, and train until the
development score has not improved for five evaluations (`patience` in
configs/ner.cfg). One result file per arm and seed; those that exist are kept, so
that an interrupted run goes on.

    python -m benchmarks.encoder_start pretrained=work/real/pretrain/model \
        random=work/real/random/model --train work/real/train/bc5cdr.spacy \
        --dev work/real/dev/bc5cdr.spacy --test work/real/test/bc5cdr.spacy
"""

import time
from pathlib import Path
from typing import Any

import typer

from spacy_biobert.cli.probe import fine_tune

from .record import read_result, write_result

CONFIG = Path("configs/ner.cfg")


def main(
    arms: list[str] = typer.Argument(..., help="Encoders to compare, NAME=FOLDER"),
    train: Path = typer.Option(...),
    dev: Path = typer.Option(...),
    test: Path = typer.Option(...),
    seeds: int = typer.Option(3),
) -> None:
    """Fine-tune and score each encoder, seed by seed."""
    for seed in range(seeds):
        for arm in arms:
            arm_name, _, encoder = arm.partition("=")
            name = f"ner_bc5cdr_{arm_name}_seed{seed}"
            if read_result(name) is None:
                data = {"train": train, "dev": dev, "test": test}
                run_arm(name, Path(encoder), seed, data)


def run_arm(name: str, encoder: Path, seed: int, data: dict[str, Path]) -> None:
    """Train one pipeline, score it on the test split, file the result.

    name (str): Name of the result.
    encoder (Path): Hugging Face folder.
    seed (int): spaCy's seed.
    data (dict): The `train`, `dev` and `test` documents.
    """
    start = time.perf_counter()
    found = fine_tune(CONFIG, encoder, data, seed=seed)
    figures: dict[str, Any] = {
        "test": found["scores"],
        "dev_ents_f": found["dev"],
        "minutes": round((time.perf_counter() - start) / 60, 1),
    }
    settings = {"seed": seed, "encoder": str(encoder), "config": str(CONFIG)}
    print(write_result(name, figures, command=found["command"], settings=settings))


if __name__ == "__main__":
    typer.run(main)
