"""How far a run is, and which share of the learning rate that calls for."""

import math
from dataclasses import dataclass
from typing import Literal

ScheduleName = Literal["linear", "cosine", "warmup_stable_decay"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a run ends: at the first of those that are given."""

    steps: int | None = None
    pieces: int | None = None
    epochs: int | None = None
    minutes: float | None = None


def progress_of(
    limits: Limits, *, steps: int, pieces: int, epochs: float, minutes: float
) -> float:
    """Say how much of the run is done.

    limits (Limits): Where it ends. A limit of 0 is reached from the start.
    steps (int): Updates so far.
    pieces (int): Real pieces so far.
    epochs (float): Passes over the store so far.
    minutes (float): Time so far.
    RETURNS (float): 0-1, by the limit that is nearest; 1 is the end.
    """
    pairs = (
        (limits.steps, steps),
        (limits.pieces, pieces),
        (limits.epochs, epochs),
        (limits.minutes, minutes),
    )
    shares = [
        done / limit if limit else 1.0 for limit, done in pairs if limit is not None
    ]
    return min(1.0, max(shares))


def rate_at(
    progress: float,
    *,
    after: float,
    schedule: ScheduleName,
    warmup: float,
    decay: float,
) -> float:
    """Say which share of the highest learning rate a step is to use.

    The warmup goes by where the step ends, all else by where it begins: so neither
    the first step nor the last has a rate of 0, which would move nothing. (The warmup
    of google-research/bert and of transformers goes by the beginning, and wastes the
    first.)

    progress (float): Share 0-1 of the run that is done before the step.
    after (float): Share 0-1 of the run that is done with it.
    schedule (str): After the warmup, "linear" and "cosine" fall to 0 until the
        end; "warmup_stable_decay" stays at 1, and falls in the last part by
        1 - sqrt.
    warmup (float): Share of the run in which the rate rises linearly.
    decay (float): Share of the run, at its end, in which the rate of
        "warmup_stable_decay" falls. The others ignore it.
    RETURNS (float): 0-1.
    SOURCE: Haegele et al. (2024), section 3, https://arxiv.org/abs/2405.18392
        for 1 - sqrt.
    """
    if progress < warmup:
        return min(1.0, after / warmup)
    past_warmup = (progress - warmup) / max(1e-12, 1.0 - warmup)
    if schedule == "linear":
        return max(0.0, 1.0 - past_warmup)
    if schedule == "cosine":
        return 0.5 * (1.0 + math.cos(math.pi * min(1.0, past_warmup)))
    past_stable = (progress - (1.0 - decay)) / max(1e-12, decay)
    return 1.0 - math.sqrt(min(1.0, max(0.0, past_stable)))


def batches_at(progress: float, *, first: int, last: int, growth: float) -> int:
    """Say how many batches make up the next step.

    Small steps first leave the plateau at the unigram loss sooner, larger
    steps later settle lower.

    progress (float): Share 0-1 of the run that is done.
    first (int): Batches per step at the start.
    last (int): Batches per step from `growth` on.
    growth (float): Share 0-1 of the run over which the number grows linearly.
    RETURNS (int): At least 1.
    """
    share = 1.0 if growth <= 0 else min(1.0, progress / growth)
    return max(1, round(first + (last - first) * share))
