"""How far a run is: with its recipe, all that decides what comes next."""

import time
from dataclasses import asdict, dataclass, field
from typing import Any

from .feed import Place
from .losses import Sums
from .schedule import Limits, progress_of


@dataclass(slots=True)
class Window:
    """What happened since the last record of the log; times in seconds.

    `squares` sums those of the sequences' lengths; of the last step, `rate` is its share
    of the highest learning rate and `progress` the share of the run done with it.
    """

    sums: Sums = field(default_factory=Sums)
    pieces: int = 0
    positions: int = 0
    squares: int = 0
    rate: float = 0.0
    progress: float = 0.0
    seconds: float = 0.0
    waited: float = 0.0


@dataclass(slots=True)
class Position:
    """How far a run is, and what it needs to go on from there.

    `minutes_before` were spent before this process began; `best` is the lowest loss of
    the evaluations so far, `stale` how many there were since, `evaluation` the record of
    the last one.
    """

    step: int = 0
    pieces: int = 0
    epochs: float = 0.0
    place: Place = Place()
    minutes_before: float = 0.0
    best: float | None = None
    stale: int = 0
    evaluation: dict[str, float | str] = field(default_factory=dict)
    window: Window = field(default_factory=Window)
    started: float = field(default_factory=time.monotonic)

    @property
    def minutes(self) -> float:
        """Time the run has taken, without the time it lay still."""
        return self.minutes_before + (time.monotonic() - self.started) / 60

    def start_clock(self) -> None:
        """Count the time from now on, and not what it took to prepare."""
        self.started = time.monotonic()

    def progress(self, limits: Limits, minutes: float) -> float:
        """Say how much of the run is done, 0-1.

        limits (Limits): Where it ends.
        minutes (float): Time it has taken.
        """
        return progress_of(
            limits,
            steps=self.step,
            pieces=self.pieces,
            epochs=self.epochs,
            minutes=minutes,
        )

    def note_evaluation(self, loss: float) -> None:
        """Note whether the loss on the held-out documents, in nats, is the best yet."""
        if self.best is None or loss < self.best:
            self.best, self.stale = loss, 0
        else:
            self.stale += 1

    def where(self) -> dict[str, float]:
        """Give what every record of the log begins with."""
        return {
            "step": self.step,
            "pieces": self.pieces,
            "epochs": self.epochs,
            "minutes": self.minutes,
        }

    def to_json(self) -> dict[str, Any]:
        """Give what `from_json` takes: numbers, in dicts and lists."""
        record = asdict(self)
        del record["started"]
        return record | {"place": list(self.place), "minutes_before": self.minutes}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> "Position":
        """Go on from a position that was saved; time runs from now on."""
        window = record["window"]
        return cls(
            **record
            | {
                "place": Place(*record["place"]),
                "window": Window(**window | {"sums": Sums(**window["sums"])}),
            }
        )
