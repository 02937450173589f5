"""Pretrain an encoder: the loop, readable from top to bottom."""

import hashlib
import math
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, cast

import torch

from ..encoder.flops import forward_flops
from ..encoder.hub import BertConfig
from ..encoder.optimizer import take_step
from ..encoder.precision import computing_in
from ..errors import Errors
from .ahead import Ahead
from .checkpoint import STABLE, RunFolder
from .config import read_config
from .feed import Place, PlannedBatch, make_own, open_feed
from .heldout import evaluate_held_out
from .interruption import noting_interruption
from .lock import alone_in
from .losses import Sums, pretraining_loss
from .manifest import describe_run
from .model import guess
from .position import Position, Window
from .ranks import Ranks, joined_ranks
from .run import AnyBatch, Figures, Report, Run, Tell, prepare_run
from .schedule import batches_at, rate_at
from .state import describe_state, list_changes, take_up

# A batch of the step: what it is, and itself if it is this process's to learn from.
Turn = tuple[PlannedBatch, AnyBatch | None]
# Documents that a message names.
SHOWN_DOCUMENTS = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    `figures` are those of the last evaluation, `rate` the share 0-1 of the highest
    learning rate that the last step had.
    """

    folder: RunFolder
    figures: Figures
    new_weights: tuple[str, ...]
    interrupted: bool
    rate: float


def pretrain(
    config_path: Path,
    output: Path,
    *,
    overrides: Mapping[str, Any] | None = None,
    force: bool = False,
    resume: bool = False,
    start: Path | None = None,
    report: Report | None = None,
    tell: Tell | None = None,
) -> Outcome:
    """Pretrain an encoder on the MLM and NSP losses.

    Under `torchrun`, every process calls it with the same arguments.

    config_path (Path): A pretraining config.
    output (Path): The run's folder: `model/` and `start/` (Hugging Face),
        `checkpoints/`, `log.jsonl`, `curve.png` and, once it has finished, `run.json`.
    overrides (Mapping[str, Any] | None): Values by dotted key.
    force (bool): Replace a run that is here.
    resume (bool): Go on with the run that is here, from its latest checkpoint. With
        `force` too: if one was broken off here, else begin anew.
    start (Path | None): Go on from this checkpoint of another run.
    report (Callable | None): Called with each record of the log.
    tell (Callable | None): Called with a sentence when something else is to be known:
        what takes long now, what is not as it was at the checkpoint.
    RETURNS (Outcome): The final figures, and whether somebody interrupted.
    RAISES (OSError): If a file is missing or cannot be written, if the run has
        finished already, is at work in another process, or there is none to go on with.
    RAISES (ValueError): If the config, the store, the tokenizer, the weights and
        the checkpoint do not fit together.
    RAISES (FloatingPointError): If the loss is not a number any more. The
        checkpoints are kept.
    """
    config = read_config(config_path, overrides or {})
    folder = RunFolder(output)
    with (
        joined_ranks(config.machine.device) as (ranks, device_name),
        alone_in(output, ranks),
    ):
        resume = resume and (folder.broken_off or not force)
        checkpoint = folder.find_start(force=force, resume=resume, start=start)
        feed = open_feed(config)
        tell = tell if ranks.first else None
        position = Position()
        if checkpoint is not None:
            state = checkpoint.state()
            position = take_up(state, config, feed, checkpoint=checkpoint.path)
            if tell is not None:
                for change in list_changes(state, config):
                    tell(change)
        run, new_weights = prepare_run(
            config,
            folder,
            feed,
            ranks,
            device_name,
            checkpoint=checkpoint,
            report=report,
            tell=tell,
        )
        ranks.wait()
        if ranks.first and resume:
            folder.forget_after(position.step)
        elif ranks.first:
            folder.clear()
        position.start_clock()
        with noting_interruption() as wanted, torch.random.fork_rng():
            interrupted = _learn(run, position, wanted)
        _end(run, position, config_path, interrupted=interrupted)
    rate = position.window.rate
    return Outcome(folder, position.evaluation, new_weights, interrupted, rate)


def _learn(run: Run, position: Position, wanted: threading.Event) -> bool:
    """Take steps until the first limit is reached; say whether somebody interrupted."""
    config = run.config
    if position.step == 0:
        _save_encoder(run, run.folder.start)
        _evaluate(run, position)
    run.model.train()
    with _turns(run, position.place) as turns:
        while True:
            interrupted, minutes = _agree(run.ranks, position, wanted)
            progress = position.progress(config.training.limits, minutes)
            if interrupted or progress >= 1.0 or _is_out_of_patience(run, position):
                return interrupted
            if _falls_from_here(run, position, progress):
                _save_checkpoint(run, position, name=STABLE)
            norm = _take_turns(run, turns, position, minutes=minutes, progress=progress)
            if position.step % config.evaluation.log_steps == 0:
                _log_training(run, position, norm)
            if position.step % config.evaluation.evaluate_steps == 0:
                _evaluate(run, position)
            if position.step % config.output.checkpoint_steps == 0:
                _save_checkpoint(run, position)


def _is_out_of_patience(run: Run, position: Position) -> bool:
    patience = run.config.training.patience
    return patience is not None and position.stale >= patience


def _agree(
    ranks: Ranks, position: Position, wanted: threading.Event
) -> tuple[bool, float]:
    """Let all processes stop together, and go by the clock of the first."""
    minutes = position.minutes if ranks.first else 0.0
    n_wanting, minutes = ranks.add_up_numbers([float(wanted.is_set()), minutes])
    return n_wanting > 0, minutes


def _falls_from_here(run: Run, position: Position, progress: float) -> bool:
    """Say whether the rate begins to fall: a longer run could go on from before."""
    training = run.config.training
    return (
        training.schedule == "warmup_stable_decay"
        and position.step > 0
        and progress >= 1.0 - training.decay
        and not run.folder.stable.path.is_dir()
    )


@contextmanager
def _turns(run: Run, start: Place) -> Iterator[Iterator[Turn]]:
    """Plan and make batches in threads, ahead of the steps that take them."""
    with closing(Ahead(run.feed.groups(start), n_items=1)) as groups:
        made = (
            (planned, None if batch is None else run.shaped(batch))
            for planned, batch in make_own(groups, run.ranks.owns)
        )
        with closing(Ahead(made, n_items=run.config.machine.batches_ahead)) as turns:
            yield turns


def _take_turns(
    run: Run,
    turns: Iterator[Turn],
    position: Position,
    *,
    minutes: float,
    progress: float,
) -> float:
    """Take one step, on as many batches as it is time for, and note it."""
    training, window = run.config.training, position.window
    started = time.monotonic()
    n_batches = batches_at(
        progress,
        first=training.batches_per_step_first,
        last=training.batches_per_step_last,
        growth=training.batches_growth,
    )
    step = list(islice(turns, n_batches))
    window.waited += time.monotonic() - started
    sums = _learn_from(run, [batch for _, batch in step], position.step)
    run.ranks.add_up_gradients(run.model.parameters())
    number = position.step
    _move(position, [planned for planned, _ in step])
    after = position.progress(training.limits, minutes)
    rate = rate_at(
        progress,
        after=after,
        schedule=training.schedule,
        warmup=training.warmup,
        decay=training.decay,
    )
    norm = take_step(run.optimizer, rate=rate, max_norm=training.max_norm)
    if not math.isfinite(norm):
        raise FloatingPointError(_not_a_number(run, number, step, sums, norm))
    window.sums.add(sums)
    window.seconds += time.monotonic() - started
    window.rate, window.progress = rate, after
    return norm


def _move(position: Position, planned: list[PlannedBatch]) -> None:
    """Note that a step has been taken on some batches."""
    window = position.window
    position.step += 1
    for batch in planned:
        position.pieces += batch.n_pieces
        window.pieces += batch.n_pieces
        window.positions += batch.n_positions
        window.squares += batch.n_squares
        position.epochs, position.place = batch.epochs, batch.after


def _learn_from(run: Run, batches: list[AnyBatch | None], step: int) -> Sums:
    """Add up the gradients of a step; the loss is that of one large batch."""
    mine = [
        (number, batch.to(run.device.device))
        for number, batch in enumerate(batches)
        if batch is not None
    ]
    n_mlm, n_nsp = run.ranks.add_up_numbers(
        [
            sum(batch.n_hidden for _, batch in mine),
            sum(batch.n_pairs for _, batch in mine),
        ]
    )
    sums = Sums()
    for number, batch in mine:
        torch.manual_seed(_dropout_seed(run.config.training.seed, step, number))
        with computing_in(run.device.dtype, run.device.device):
            guesses = guess(
                run.model,
                batch,
                backend=run.backend,
                recompute=run.config.machine.recompute,
            )
        loss, batch_sums = pretraining_loss(
            guesses.mlm_MV,
            guesses.hidden_M,
            guesses.nsp_B2,
            batch.nsp_labels_B,
            n_mlm=int(n_mlm),
            n_nsp=int(n_nsp),
            nsp_weight=run.config.objective.nsp_weight,
        )
        loss.backward()  # type: ignore[no-untyped-call]
        sums.add(batch_sums)
    return sums


def _dropout_seed(seed: int, step: int, number: int) -> int:
    """Give each batch of each step its own dropout, whatever ran before."""
    name = f"{seed} {step} {number}".encode()
    return int.from_bytes(hashlib.sha256(name).digest()[:7], "big")


def _not_a_number(
    run: Run, number: int, step: list[Turn], sums: Sums, norm: float
) -> str:
    names = [name for planned, _ in step for name in planned.documents()]
    more = len(names) - SHOWN_DOCUMENTS
    return Errors.B147.format(
        step=number,
        loss=sum(v for k, v in sums.means().items() if k.endswith("_loss")),
        norm=norm,
        documents=", ".join(names[:SHOWN_DOCUMENTS])
        + (f" and {more} more" if more > 0 else ""),
        kept=run.folder.what_is_kept(),
    )


def _log_training(run: Run, position: Position, norm: float) -> None:
    window, progress = position.window, position.window.progress
    sums = run.ranks.add_up_sums(window.sums)
    n_flops = 3 * forward_flops(
        cast(BertConfig, run.model.config),
        n_pieces=window.pieces,
        n_squares=window.squares,
        n_hidden=sums.n_mlm,
    )
    run.record(
        {
            "kind": "train",
            **position.where(),
            **sums.means(),
            "learning_rate": run.config.training.learning_rate * window.rate,
            "gradient_norm": norm,
            "pieces_per_second": window.pieces / window.seconds,
            "fill": window.pieces / window.positions,
            "waited": window.waited / window.seconds,
            "memory": run.device.peak_memory(),
            "peak_share": n_flops / (window.seconds * run.device.peak * run.ranks.size),
            "progress": progress,
            "minutes_left": position.minutes * (1 - progress) / max(progress, 1e-9),
        }
    )
    position.window = Window(rate=window.rate, progress=progress)


def _evaluate(run: Run, position: Position) -> None:
    """Measure on the held-out documents, and note whether it is the best yet."""
    if position.evaluation.get("step") == position.step:
        return
    mine = run.held_out[run.ranks.rank :: run.ranks.size]
    sums = evaluate_held_out(run.model, mine, run.device.dtype, backend=run.backend)
    sums = run.ranks.add_up_sums(sums)
    figures = sums.means()
    if "mlm_loss" in figures:
        figures["perplexity"] = math.exp(min(700.0, figures["mlm_loss"]))
        nsp = run.config.objective.nsp_weight * figures.get("nsp_loss", 0.0)
        position.note_evaluation(figures["mlm_loss"] + nsp)
    position.evaluation = {"kind": "held_out", **position.where(), **figures}
    run.record(position.evaluation)
    if run.ranks.first:
        run.folder.draw_curve()


def _save_checkpoint(run: Run, position: Position, name: str | None = None) -> None:
    if not run.ranks.first:
        return
    output = run.config.output
    run.folder.save_checkpoint(
        describe_state(run.config, run.feed, position),
        run.model,
        run.feed.tokenizer,
        run.optimizer,
        name=name,
    )
    run.folder.prune(keep_last=output.keep_last, keep_every=output.keep_every)


def _save_encoder(run: Run, path: Path) -> None:
    if run.ranks.first:
        run.folder.save(
            run.model,
            run.feed.tokenizer,
            path=path,
            weights=run.config.output.weights,
        )


def _end(run: Run, position: Position, config_path: Path, *, interrupted: bool) -> None:
    """Save what there is; evaluate and close the run if it went to its end."""
    saved = [checkpoint.step for checkpoint in run.folder.find_checkpoints()]
    if position.step not in saved:
        _save_checkpoint(run, position)
    if not interrupted:
        _evaluate(run, position)
    _save_encoder(run, run.folder.model)
    if run.ranks.first and not interrupted:
        held_out = {
            key: value
            for key, value in position.evaluation.items()
            if key not in {"kind", *position.where()}
        }
        run.folder.finish(
            describe_run(
                run.config,
                run.feed,
                position,
                config_name=config_path.name,
                held_out=held_out,
                device=run.device,
                ranks=run.ranks,
            )
        )
    run.ranks.wait()
