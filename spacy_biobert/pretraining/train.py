"""Pretrain an encoder: the loop, readable from top to bottom."""

import hashlib
import math
import platform
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from ..about import __version__
from ..encoder.forward import set_dropout
from ..encoder.hub import BertForPreTraining
from ..encoder.precision import computing_in, resolve_device, resolve_precision
from ..errors import Errors
from .checkpoint import RunFolder
from .config import PretrainConfig, read_config
from .curve import draw_curve
from .feed import Feed, HiddenBatch, open_feed
from .heldout import evaluate_held_out
from .interruption import noting_interruption
from .losses import Sums, pretraining_loss
from .model import guess
from .optimizer import make_optimizer, take_step
from .schedule import Limits, batches_at, progress_of, rate_at
from .start import start_weights

Figures = dict[str, float | str]
Report = Callable[[Figures], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended."""

    folder: RunFolder
    figures: Figures
    new_weights: tuple[str, ...]
    interrupted: bool


@dataclass(frozen=True, slots=True)
class _Run:
    """What stays the same while the encoder learns."""

    config: PretrainConfig
    folder: RunFolder
    feed: Feed
    held_out: list[HiddenBatch]
    model: BertForPreTraining
    optimizer: torch.optim.Optimizer
    dtype: torch.dtype
    report: Report


@dataclass(slots=True)
class _Position:
    """How far the run is; with the seed, all that decides what comes next."""

    step: int = 0
    pieces: int = 0
    epochs: float = 0.0
    started: float = field(default_factory=time.monotonic)

    @property
    def minutes(self) -> float:
        return (time.monotonic() - self.started) / 60

    def progress(self, limits: Limits) -> float:
        return progress_of(
            limits,
            steps=self.step,
            pieces=self.pieces,
            epochs=self.epochs,
            minutes=self.minutes,
        )


@dataclass(slots=True)
class _Window:
    """What happened since the last record of the log."""

    sums: Sums = field(default_factory=Sums)
    pieces: int = 0
    positions: int = 0
    seconds: float = 0.0


def pretrain(
    config_path: Path,
    output: Path,
    *,
    overrides: Mapping[str, Any] | None = None,
    force: bool = False,
    report: Report | None = None,
) -> Outcome:
    """Pretrain an encoder on the MLM and NSP losses.

    config_path (Path): A pretraining config.
    output (Path): The run's folder: `model/` (Hugging Face), `log.jsonl`,
        `curve.png` and, once it has finished, `run.json`.
    overrides (Mapping[str, Any] | None): Values by dotted key.
    force (bool): Replace a run that has finished.
    report (Callable | None): Called with each record of the log.
    RETURNS (Outcome): The final figures, and whether somebody interrupted.
    RAISES (OSError): If a file is missing, or the run has finished already.
    RAISES (ValueError): If the config, the store, the tokenizer and the
        weights do not fit together.
    RAISES (FloatingPointError): If the loss is not a number any more. The
        encoder of the last evaluation is kept.
    """
    config = read_config(config_path, overrides or {})
    folder = RunFolder(output)
    folder.check(force=force)
    device = resolve_device(config.machine.device)
    feed = open_feed(config)
    model, new_weights = start_weights(config, feed)
    model.to(device)  # type: ignore[arg-type]
    set_dropout(
        model,
        vectors=config.training.dropout,
        attention=config.training.attention_dropout,
    )
    folder.clear()
    run = _Run(
        config=config,
        folder=folder,
        feed=feed,
        held_out=feed.held_out_batches(),
        model=model,
        optimizer=_make_optimizer(config, model),
        dtype=resolve_precision(config.machine.precision, device),
        report=report or (lambda figures: None),
    )
    with noting_interruption() as interrupted, torch.random.fork_rng():
        position = _learn(run, interrupted)
    figures = _evaluate_and_save(run, position)
    if not interrupted.is_set():
        folder.finish(_manifest(run, position, figures, config_path))
    return Outcome(
        folder=folder,
        figures=figures,
        new_weights=new_weights,
        interrupted=interrupted.is_set(),
    )


def _learn(run: _Run, interrupted: threading.Event) -> _Position:
    """Take steps until the first limit is reached, or somebody interrupts."""
    training, evaluation = run.config.training, run.config.evaluation
    batches = run.feed.stream()
    position, window = _Position(), _Window()
    run.model.train()
    while (progress := position.progress(training.limits)) < 1.0:
        if position.step % evaluation.evaluate_steps == 0:
            _evaluate_and_save(run, position)
        n_batches = batches_at(
            progress,
            first=training.batches_per_step_first,
            last=training.batches_per_step_last,
            growth=training.batches_growth,
        )
        rate = rate_at(
            progress,
            schedule=training.schedule,
            warmup=training.warmup,
            decay=training.decay,
        )
        started = time.monotonic()
        norm = _learn_from(run, islice(batches, n_batches), rate, position, window)
        window.seconds += time.monotonic() - started
        if position.step % evaluation.log_steps == 0:
            _log_training(run, position, window, norm=norm, rate=rate)
            window = _Window()
        if interrupted.is_set():
            break
    return position


def _learn_from(
    run: _Run,
    batches: Iterator[HiddenBatch],
    rate: float,
    position: _Position,
    window: _Window,
) -> float:
    """Take one step on some batches; the loss is that of one large batch."""
    step_batches = [batch.to(run.model.device) for batch in batches]
    n_mlm = sum(batch.n_hidden for batch in step_batches)
    n_nsp = sum(batch.n_pairs for batch in step_batches)
    sums = Sums()
    for number, batch in enumerate(step_batches):
        torch.manual_seed(
            _dropout_seed(run.config.training.seed, position.step, number)
        )
        with computing_in(run.dtype, run.model.device):
            guesses = guess(run.model, batch)
        loss, batch_sums = pretraining_loss(
            guesses.mlm_MV,
            guesses.hidden_M,
            guesses.nsp_B2,
            batch.nsp_labels_B,
            n_mlm=n_mlm,
            n_nsp=n_nsp,
            nsp_weight=run.config.objective.nsp_weight,
        )
        loss.backward()  # type: ignore[no-untyped-call]
        sums.add(batch_sums)
    norm = take_step(run.optimizer, rate=rate, max_norm=run.config.training.max_norm)
    total = sums.mlm_loss + sums.nsp_loss
    if not (math.isfinite(norm) and math.isfinite(total)):
        raise FloatingPointError(_not_a_number(run, position, total, norm))
    position.step += 1
    position.epochs = step_batches[-1].epochs
    for batch in step_batches:
        position.pieces += batch.n_pieces
        window.pieces += batch.n_pieces
        window.positions += batch.ids_BT.numel()
    window.sums.add(sums)
    return norm


def _dropout_seed(seed: int, step: int, number: int) -> int:
    """Give each batch of each step its own dropout, whatever ran before."""
    name = f"{seed} {step} {number}".encode()
    return int.from_bytes(hashlib.sha256(name).digest()[:7], "big")


def _not_a_number(run: _Run, position: _Position, loss: float, norm: float) -> str:
    kept = "nothing was saved yet"
    if run.folder.model.is_dir():
        kept = f"{run.folder.model} keeps the encoder of the last evaluation"
    return Errors.B147.format(step=position.step, loss=loss, norm=norm, kept=kept)


def _log_training(
    run: _Run, position: _Position, window: _Window, *, norm: float, rate: float
) -> None:
    progress = position.progress(run.config.training.limits)
    record: Figures = {
        "kind": "train",
        **_where(position),
        **window.sums.means(),
        "learning_rate": run.config.training.learning_rate * rate,
        "gradient_norm": norm,
        "pieces_per_second": window.pieces / window.seconds,
        "fill": window.pieces / window.positions,
        "progress": progress,
        "minutes_left": position.minutes * (1 - progress) / max(progress, 1e-9),
    }
    run.folder.record(record)
    run.report(record)


def _evaluate_and_save(run: _Run, position: _Position) -> Figures:
    """Measure on the held-out documents, and keep the encoder so far."""
    figures = evaluate_held_out(run.model, run.held_out, run.dtype)
    run.folder.save(run.model, run.feed.tokenizer)
    record: Figures = {"kind": "held_out", **_where(position), **figures}
    run.folder.record(record)
    draw_curve(run.folder.records(), run.folder.curve)
    run.report(record)
    return record


def _where(position: _Position) -> Figures:
    return {
        "step": position.step,
        "pieces": position.pieces,
        "epochs": position.epochs,
        "minutes": position.minutes,
    }


def _make_optimizer(
    config: PretrainConfig, model: BertForPreTraining
) -> torch.optim.Optimizer:
    training = config.training
    return make_optimizer(
        model,
        learning_rate=training.learning_rate,
        weight_decay=training.weight_decay,
        beta1=training.beta1,
        beta2=training.beta2,
        epsilon=training.epsilon,
    )


def _manifest(
    run: _Run, position: _Position, figures: Figures, config_path: Path
) -> dict[str, Any]:
    recipe = run.config.model_dump_json(exclude={"machine"})
    held_out = {
        key: value for key, value in figures.items() if key not in _where(position)
    }
    held_out.pop("kind")
    return {
        "config": config_path.name,
        "recipe": run.config.model_dump(mode="json"),
        "recipe_sha256": hashlib.sha256(recipe.encode()).hexdigest(),
        "store_sha256": run.feed.store.sha256,
        "seed": run.config.training.seed,
        **_where(position),
        "held_out": held_out,
        "machine": {
            "device": str(run.model.device),
            "precision": str(run.dtype).removeprefix("torch."),
            "processor": platform.machine(),
            "threads": torch.get_num_threads(),
        },
        "versions": {
            "spacy-biobert": __version__,
            "torch": torch.__version__,
            "transformers": version("transformers"),
            "python": platform.python_version(),
        },
    }
