r"""Does pretraining pay? Entities from a pretrained encoder and from random weights.

Both arms have the same network, vocabulary, recipe and seeds, and train until the
development score has not improved for five evaluations (`patience` in
configs/ner.cfg). One result file per arm and seed; those that exist are kept, so
that an interrupted run goes on.

    python -m benchmarks.encoder_start pretrained=work/real/pretrain/model \
        random=work/real/random/model --train work/real/train/bc5cdr.spacy \
        --dev work/real/dev/bc5cdr.spacy --test work/real/test/bc5cdr.spacy
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import typer

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
    output = Path("training") / "benchmarks" / name
    command = [
        *("train", str(CONFIG), "--output", str(output)),
        *("--paths.encoder", str(encoder), "--system.seed", str(seed)),
        *("--paths.train", str(data["train"]), "--paths.dev", str(data["dev"])),
    ]
    start = time.perf_counter()
    run_spacy(command)
    minutes = (time.perf_counter() - start) / 60
    scores = output / "test.json"
    best = output / "model-best"
    run_spacy(["biobert", "evaluate", str(best), str(data["test"]), "-o", str(scores)])
    meta = json.loads((best / "meta.json").read_text())
    figures: dict[str, Any] = {
        "test": json.loads(scores.read_text()),
        "dev_ents_f": meta["performance"]["ents_f"],
        "minutes": round(minutes, 1),
    }
    settings = {"seed": seed, "encoder": str(encoder), "config": str(CONFIG)}
    shown = f"python -m spacy {' '.join(command)}"
    print(write_result(name, figures, command=shown, settings=settings))


def run_spacy(args: list[str]) -> None:
    """Run a spaCy command with this Python; stop if it fails."""
    subprocess.run([sys.executable, "-m", "spacy", *args], check=True)


if __name__ == "__main__":
    typer.run(main)
