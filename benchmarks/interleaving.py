"""Measure several learners in turn, in short blocks, so that all see the same machine."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from statistics import mean, stdev
from typing import Any, Protocol

Clock = Callable[[], float]
# Seconds of the block that is not counted.
WARM_UP = 1.0


@dataclass(slots=True)
class Tally:
    """What a learner did: real pieces, positions with padding, and seconds."""

    pieces: int = 0
    positions: int = 0
    seconds: float = 0.0
    waited: float = 0.0

    def add(self, other: "Tally") -> None:
        """Add another tally to this one, in place."""
        for field in fields(self):
            total = getattr(self, field.name) + getattr(other, field.name)
            setattr(self, field.name, total)

    @property
    def speed(self) -> float:
        """Real pieces a second."""
        return self.pieces / self.seconds

    def figures(self) -> dict[str, float]:
        """Give what is filed: speed, fill 0-1, share 0-1 of the time spent waiting."""
        return {
            "pieces": self.pieces,
            "seconds": round(self.seconds, 3),
            "pieces_per_second": round(self.speed, 1),
            "fill": round(self.pieces / self.positions, 4),
            "waited": round(self.waited / self.seconds, 4),
        }


class Learner(Protocol):
    """Something that learns in steps and counts in its tally what it learned from."""

    name: str
    tally: Tally

    def step(self) -> None:
        """Take one step."""

    def settle(self) -> None:
        """Wait until nothing of it is under way any more, in a thread or on a device."""


def measure_in_turn(
    learners: Sequence[Learner],
    *,
    repeats: int,
    seconds: float,
    clock: Clock = time.perf_counter,
) -> list[dict[str, Tally]]:
    """Let learners learn in blocks, one after the other, and count.

    In a repeat there are as many rounds as learners, and each round begins with
    another one, so that each learner has each place once. One whose steps are so long
    that it has had its time before sits the rest of the repeat out. Before the first
    repeat each has a short block that is not counted.

    learners (Sequence[Learner]): At least one.
    repeats (int): How often all is measured.
    seconds (float): Length of a block; the step that is under way is finished.
    clock (Callable): Gives the time in seconds.
    RETURNS (list[dict[str, Tally]]): Per repeat, by the name of the learner.
    """
    for learner in learners:
        _measure_block(learner, min(seconds, WARM_UP), clock)
    measured = []
    for _ in range(repeats):
        totals = {learner.name: Tally() for learner in learners}
        for first in range(len(learners)):
            for learner in (*learners[first:], *learners[:first]):
                total = totals[learner.name]
                if total.seconds < seconds * len(learners):
                    total.add(_measure_block(learner, seconds, clock))
        measured.append(totals)
    return measured


def _measure_block(learner: Learner, seconds: float, clock: Clock) -> Tally:
    learner.tally = Tally()
    started = clock()
    while clock() - started < seconds:
        learner.step()
    learner.settle()
    learner.tally.seconds += clock() - started
    return learner.tally


def compare(ours: Sequence[float], peer: Sequence[float]) -> dict[str, Any]:
    """Compare speeds repeat by repeat.

    ours, peer (Sequence[float]): A speed per repeat.
    RETURNS (dict): How many times faster ours was: "ratios" per repeat, their "mean",
        "deviation" (None for one repeat), "least" and "most".
    """
    ratios = [mine / other for mine, other in zip(ours, peer, strict=True)]
    return {
        "ratios": [round(ratio, 3) for ratio in ratios],
        "mean": mean(ratios),
        "deviation": stdev(ratios) if len(ratios) > 1 else None,
        "least": min(ratios),
        "most": max(ratios),
    }
