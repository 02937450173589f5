"""Measure ways to do the same work in turn, in seconds of the processor."""

import time
from collections.abc import Callable
from statistics import mean
from typing import Any

from .interleaving import compare

Work = Callable[[], Any]


def measure_works(
    works: dict[str, Callable[[], Work]], *, n_units: int, repeats: int
) -> dict[str, Any]:
    """Do all in turn, each repeat beginning with another; one round is not counted.

    works (dict): By name, what prepares a work without being measured.
    n_units (int): How many words, or documents, a work goes through.
    repeats (int): Rounds that count.
    RETURNS (dict): "processor" and "clock": units a second by name and repeat.
    """
    names = list(works)
    speeds: dict[str, dict[str, list[float]]] = {
        "processor": {name: [] for name in names},
        "clock": {name: [] for name in names},
    }
    for repeat in range(-1, repeats):
        first = repeat % len(names)
        for name in names[first:] + names[:first]:
            work = works[name]()
            started = time.process_time(), time.perf_counter()
            work()
            spent = time.process_time(), time.perf_counter()
            if repeat >= 0:
                for clock, begin, end in zip(speeds, started, spent, strict=True):
                    speeds[clock][name].append(n_units / (end - begin))
        shown = {name: f"{mean(s or [0]):,.0f}" for name, s in speeds["clock"].items()}
        print(repeat, shown, flush=True)
    return speeds


def compare_with_stock(speeds: dict[str, list[float]]) -> dict[str, Any]:
    """Say how many times as fast each of ours was as each of the stock ones."""
    return {
        ours: {
            peer: compare(speeds[ours], speeds[peer])
            for peer in speeds
            if not peer.startswith("ours")
        }
        for ours in speeds
        if ours.startswith("ours")
    }
