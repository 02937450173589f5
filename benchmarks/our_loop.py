"""Our pretraining loop, taken step by step so that it can be measured in turn with others.

The steps are those of `spacy_biobert/pretraining/train.py` itself, with its threads,
which make batches ahead.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch

from spacy_biobert.pretraining.checkpoint import RunFolder
from spacy_biobert.pretraining.config import PretrainConfig
from spacy_biobert.pretraining.feed import Feed, Place
from spacy_biobert.pretraining.losses import Sums
from spacy_biobert.pretraining.position import Position, Window
from spacy_biobert.pretraining.ranks import Ranks
from spacy_biobert.pretraining.run import Run, prepare_run
from spacy_biobert.pretraining.train import Turn, _take_turns, _turns

from .interleaving import Tally

# Between warmup and decay the rate is the highest.
HALFWAY = 0.5
# Seconds between two looks at whether the threads are done, and the processor time in
# them that counts as none.
LOOK, NEARLY_NOTHING = 0.01, 0.002


@dataclass(slots=True)
class OurLearner:
    """The loop as shipped, on one process.

    `planning` are the seconds that planning took per piece. A pass is planned in one
    go, long before most of it is read, so that its time is added by the piece. `loss`
    sums what the steps so far said of their batches.
    """

    name: str
    run: Run
    turns: Iterator[Turn]
    position: Position
    planning: float
    tally: Tally
    loss: Sums = field(default_factory=Sums)

    def step(self) -> None:
        """Take a step of the loop."""
        _take_turns(self.run, self.turns, self.position, minutes=0.0, progress=HALFWAY)
        window = self.position.window
        self.position.window = Window()
        self.loss.add(window.sums)
        self.tally.add(
            Tally(
                pieces=window.pieces,
                positions=window.positions,
                seconds=window.pieces * self.planning,
                waited=window.waited,
            )
        )

    def settle(self) -> None:
        """Wait until the device is done, and until the threads have made what they may.

        A block then begins and ends with the same number of batches made ahead, and
        nothing is made at the expense of the next learner.
        """
        if self.run.device.device.type == "cuda":
            torch.cuda.synchronize(self.run.device.device)
        before, now = float("-inf"), time.process_time()
        while now - before > NEARLY_NOTHING:
            time.sleep(LOOK)
            before, now = now, time.process_time()


def prepare(config: PretrainConfig, feed: Feed, folder: Path) -> Run:
    """Prepare a run as `spacy-biobert pretrain` does.

    config (PretrainConfig): Of the run.
    feed (Feed): Opened with the config.
    folder (Path): Nothing is written to it.
    """
    run, _ = prepare_run(
        config,
        RunFolder(folder),
        feed,
        Ranks(),
        config.machine.device,
        checkpoint=None,
        report=None,
    )
    return run


@contextmanager
def learning(
    name: str, run: Run, *, planning: float, start: Place
) -> Iterator[OurLearner]:
    """Start the threads of a run, and stop them in the end.

    name (str): What it is called in the table.
    run (Run): Its network learns in place.
    planning (float): Seconds of planning per piece.
    start (Place): Where in the store it begins.
    YIELDS (OurLearner): Ready to step.
    """
    run.model.train()
    with _turns(run, start) as turns:
        yield OurLearner(name, run, turns, Position(place=start), planning, Tally())
