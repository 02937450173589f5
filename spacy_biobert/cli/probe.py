"""`spacy-biobert probe`: what pretraining gave, measured by a task."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from statistics import mean, stdev
from types import FrameType
from typing import TYPE_CHECKING, Any

import typer

from ..atomic import whole_file
from ..errors import Errors
from .evaluate import evaluate, read_examples
from .plain import Printer

if TYPE_CHECKING:
    from ..pretraining.checkpoint import RunFolder

# The overlap of two windows, as a share of the encoder's positions.
OVERLAP = 0.25
MAX_WINDOW = 512


def probe_cli(
    ctx: typer.Context,
    run: Path = typer.Argument(..., help="Folder of a pretraining run"),
    train: Path = typer.Argument(..., help="Training documents, .spacy"),
    dev: Path = typer.Argument(..., help="Development documents"),
    test: Path = typer.Argument(..., help="Test documents"),
    output: Path = typer.Option(
        ..., "--output", "-o", help="JSON file; runs that are in it are not repeated"
    ),
    config: Path | None = typer.Option(
        None,
        "--config",
        help="Config of the fine-tuning; the project's ner.cfg if none",
    ),
    seeds: int = typer.Option(3, "--seeds", min=1, help="Runs of each encoder"),
    gpu_id: int = typer.Option(-1, "--gpu-id", "-g", help="GPU, -1 for the CPU"),
) -> None:
    """Fine-tune entities from a run's encoder, and from the weights it began with.

    Both get the same recipe and seeds, and train until the development score gets no
    better. Needs a run of `pretrain` and documents made by `convert`. Any key of the
    config can be set on the command line, as in `spacy train`. For example:

    spacy-biobert probe run train.spacy dev.spacy test.spacy -o probe.json
    """
    from ..pretraining.checkpoint import RunFolder

    printer = Printer()
    folder = RunFolder(run)
    arms = {"pretrained": folder.model, "start": folder.start}
    config = own_config("ner.cfg") if config is None else config
    data = {"train": train, "dev": dev, "test": test}
    try:
        _check_files(folder, config, data)
    except OSError as error:
        printer.fail(str(error), exits=1)
    results: dict[str, Any] = {}
    if output.is_file():
        results = json.loads(output.read_text(encoding="utf-8"))
    for seed in range(seeds):
        for arm, encoder in arms.items():
            name = f"{arm} seed {seed}"
            if name in results:
                continue
            printer.info(f"Fine-tune from {encoder}, seed {seed}")
            results[name] = fine_tune(
                config, encoder, data, seed=seed, gpu_id=gpu_id, overrides=ctx.args
            )
            with whole_file(output) as path:
                path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    rows = [
        (arm, *(_spread(results, arm, seeds, split) for split in ("dev", "test")))
        for arm in arms
    ]
    header = ("entities, strict F1", "dev", "test")
    printer.table(rows, header=header, divider=True, aligns=("l", "r", "r"))
    printer.good(f"Scores in {output}")


def own_config(name: str) -> Path:
    """Find a config that comes with the project, wherever the command runs.

    name (str): Of the file.
    RETURNS (Path): Relative to the current folder if it lies below.
    """
    path = Path(str(files("spacy_biobert").joinpath("configs", name))).resolve()
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _check_files(run: "RunFolder", config: Path, data: Mapping[str, Path]) -> None:
    """Say of what is missing what it is, before anything is trained."""
    if not run.path.is_dir():
        raise FileNotFoundError(Errors.B164.format(run=run.path))
    for path in (run.model, run.start):
        if not path.is_dir():
            raise FileNotFoundError(Errors.B160.format(run=run.path, path=path.name))
    if not config.is_file():
        raise FileNotFoundError(Errors.B163.format(path=config))
    for path in data.values():
        if not path.exists():
            raise FileNotFoundError(Errors.B431.format(path=path))


def fine_tune(
    config: Path,
    encoder: Path,
    data: dict[str, Path],
    *,
    seed: int,
    gpu_id: int = -1,
    overrides: Sequence[str] = (),
) -> dict[str, Any]:
    """Train a pipeline for entities on an encoder, and score it.

    config (Path): Such as configs/ner.cfg; its windows are fitted to the encoder.
    encoder (Path): Hugging Face folder.
    data (dict[str, Path]): The `train`, `dev` and `test` documents.
    seed (int): spaCy's seed.
    gpu_id (int): The GPU, -1 for the CPU.
    overrides (Sequence[str]): More options for `spacy train`.
    RETURNS (dict): "dev" and "test", strict F1 from 0 to 1, "scores", all scores on
        the test documents, and the "command".
    RAISES (CalledProcessError): If training fails; it has said why.
    """
    from ..encoder.hub import open_config

    window = min(MAX_WINDOW, open_config(encoder).max_position_embeddings)
    found = train_and_score(
        config,
        data,
        score="ents_f",
        gpu_id=gpu_id,
        overrides=[
            *("--system.seed", str(seed), "--paths.encoder", str(encoder)),
            *("--components.transformer.model.window", str(window)),
            "--components.transformer.model.stride",
            str(window - round(OVERLAP * window)),
            *overrides,
        ],
    )
    scores = found["scores"]["test"]
    return {
        "dev": found["dev"],
        "test": scores["ents_f"],
        "scores": scores,
        "command": found["command"],
    }


def train_and_score(
    config: Path,
    data: Mapping[str, Path],
    *,
    score: str,
    gold_entities: bool = False,
    gpu_id: int = -1,
    overrides: Sequence[str] = (),
) -> dict[str, Any]:
    """Train any pipeline, and score what was best on the development documents.

    config (Path): For `spacy train`, with the paths `train` and `dev`.
    data (Mapping[str, Path]): The `train` and `dev` documents, and those to score on.
    score (str): The key of the score that chooses the best.
    gold_entities (bool): Score relations between the gold entities.
    gpu_id (int): The GPU, -1 for the CPU.
    overrides (Sequence[str]): More options for `spacy train`.
    RETURNS (dict): "dev", the best score from 0 to 1, "scores", those of `evaluate` by
        the names in `data`, and the "command".
    RAISES (CalledProcessError): If training fails; it has said why.
    """
    with _ended_in_order(), tempfile.TemporaryDirectory() as name:
        command = [
            *("train", str(config), "--output", name, "--gpu-id", str(gpu_id)),
            *("--paths.train", str(data["train"]), "--paths.dev", str(data["dev"])),
            *overrides,
        ]
        _train(command)
        best = Path(name) / "model-best"
        scores = {}
        for split in data.keys() - {"train", "dev"}:
            nlp, examples = read_examples(
                str(best), data[split], gold_entities=gold_entities, gpu_id=gpu_id
            )
            scores[split], _ = evaluate(nlp, examples)
        meta = json.loads((best / "meta.json").read_text(encoding="utf-8"))
    return {
        "dev": meta["performance"][score],
        "scores": scores,
        "command": f"python -m spacy {' '.join(command)}",
    }


def _train(command: Sequence[str]) -> None:
    """Run `spacy train`, and pass on what it says but for the folder, which will go."""
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    if not sys.stdout.isatty():
        # wasabi's headings are bold otherwise.
        environment["WASABI_NO_PRETTY"] = "1"
    whole = [sys.executable, "-m", "spacy", *command]
    process: subprocess.Popen[str] | None = None
    try:
        with _ended_later():
            process = subprocess.Popen(
                whole, env=environment, stdout=subprocess.PIPE, text=True
            )
        for line in process.stdout or ():
            if command[3] not in line and "output directory" not in line:
                typer.echo(line, nl=False)
        returned = process.wait()
    finally:
        if process is not None:
            process.kill()
            process.communicate()
    if returned:
        raise subprocess.CalledProcessError(returned, whole)


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Let SIGTERM leave as an exception does: nothing stays, no process goes on."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _ended_later() -> Iterator[None]:
    """Let SIGTERM wait for the end of a block, so that nobody loses what it starts."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        for number in came[:1]:
            signal.raise_signal(number)


def _spread(results: dict[str, Any], arm: str, seeds: int, split: str) -> str:
    """Write the mean over the seeds and its deviation, in percent."""
    found = [100 * results[f"{arm} seed {seed}"][split] for seed in range(seeds)]
    if len(found) == 1:
        return f"{found[0]:.1f}"
    return f"{mean(found):.1f} ± {stdev(found):.1f}"
