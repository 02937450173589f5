r"""How fast pretraining is: our loop and the usual one, our inputs and plain Python's.

All learn in one process, in turn, from the same start weights and documents, with as
many positions in a batch. The usual loop is Hugging Face's `BertForPreTraining` with
labels, in float32 and under autocast in bfloat16, on instances that were made before;
ours makes its inputs while it learns.

    python -m benchmarks.pretraining --store work/mini/store \
        --tokenizer work/mini/tokenizer
"""

import copy
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
import typer

from spacy_biobert.encoder.precision import (
    fast_in_bfloat16,
    resolve_device,
    resolve_precision,
)
from spacy_biobert.pretraining.feed import open_feed
from spacy_biobert.pretraining.run import Run

from .interleaving import Learner, Tally, compare, measure_in_turn
from .our_loop import learning, prepare
from .preparation import FIRST_DOCUMENTS, Prepared, measure_preparation
from .record import write_result
from .speed_setting import Setting, describe
from .stock_loop import StockLearner

CONFIG = Path("configs/pretrain_mini.cfg")
NAMES = {torch.float32: "float32", torch.bfloat16: "bfloat16"}


def main(
    store: Path = typer.Option(..., help="Token store"),
    tokenizer: Path = typer.Option(..., help="The tokenizer it was made with"),
    config: Path = typer.Option(CONFIG, help="Shape, objective, optimiser, batches"),
    lengths: list[int] = typer.Option([128, 512], help="Pieces of an input at most"),
    repeats: int = typer.Option(3),
    seconds: float = typer.Option(6.0, help="Length of a block"),
) -> None:
    """Measure and file the speeds."""
    setting = Setting(config, store, tokenizer, lengths, repeats, seconds, {})
    figures, settings = measure(setting)
    command = f"python -m benchmarks.pretraining {' '.join(sys.argv[1:])}"
    print(
        write_result("pretraining_speed", figures, command=command, settings=settings)
    )


def measure(setting: Setting) -> tuple[dict[str, Any], dict[str, Any]]:
    """Measure preparation and learning for each length.

    RETURNS (tuple[dict, dict]): The figures, and the settings behind them.
    """
    learned: dict[str, Any] = {}
    made: dict[str, Any] = {}
    for length in setting.lengths:
        prepared = measure_preparation(
            open_feed(setting.read(length)), repeats=setting.repeats
        )
        made[str(length)] = prepared.figures
        learned[str(length)] = measure_learning(setting, length, prepared)
    device = setting.read(setting.lengths[0]).machine.device
    figures = {
        "fast_in_bfloat16": fast_in_bfloat16(resolve_device(device)),
        "learning": learned,
        "preparation": made,
    }
    return figures, describe(setting)


def measure_learning(
    setting: Setting, length: int, prepared: Prepared
) -> dict[str, Any]:
    """Let all loops learn in turn.

    setting (Setting): What is measured.
    length (int): Pieces of an input at most.
    prepared (Prepared): The batches of the usual loop, and what planning costs ours.
    RETURNS (dict): "speeds" by loop and repeat, "faster" by ours and peer.
    """
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        learners = make_learners(setting, length, prepared, Path(folder), stack)
        measured = measure_in_turn(
            learners, repeats=setting.repeats, seconds=setting.seconds
        )
    names = [learner.name for learner in learners]
    return {
        "batch_pieces": setting.read(length).training.batch_pieces,
        "speeds": {name: [r[name].figures() for r in measured] for name in names},
        "faster": {
            ours: {
                peer: compare(speeds(measured, ours), speeds(measured, peer))
                for peer in names
                if peer.startswith("stock")
            }
            for ours in names
            if ours.startswith("ours")
        },
    }


def speeds(measured: list[dict[str, Tally]], name: str) -> list[float]:
    """Give the speed of a learner in each repeat."""
    return [tallies[name].speed for tallies in measured]


def make_learners(
    setting: Setting, length: int, prepared: Prepared, folder: Path, stack: ExitStack
) -> list[Learner]:
    """Make our loop in the precision of the machine and float32, and the usual ones.

    stack (ExitStack): Stops the threads of ours.
    RETURNS (list[Learner]): All begin with the same weights.
    """
    config = setting.read(length)
    device = resolve_device(config.machine.device)
    auto = resolve_precision(config.machine.precision, device)
    learners: list[Learner] = []
    runs: list[Run] = []
    for dtype in dict.fromkeys((auto, torch.float32)):
        precision = "bf16" if dtype == torch.bfloat16 else "fp32"
        machine = config.machine.model_copy(update={"precision": precision})
        chosen = config.model_copy(update={"machine": machine})
        run = prepare(chosen, open_feed(chosen), folder)
        runs.append(run)
        learner = learning(
            f"ours, {NAMES[dtype]}",
            run,
            planning=prepared.planning,
            start=FIRST_DOCUMENTS,
        )
        learners.append(stack.enter_context(learner))
    learners += [
        StockLearner.made(
            f"stock, {NAMES[dtype]}",
            copy.deepcopy(runs[0].model),
            prepared.batches,
            config.training,
            dtype=dtype,
        )
        for dtype in (torch.float32, torch.bfloat16)
    ]
    return learners


if __name__ == "__main__":
    typer.run(main)
