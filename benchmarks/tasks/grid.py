"""Choose the learning rate of an arm on dev, with one seed."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from spacy_biobert.atomic import whole_file

from .jobs import Outcome

# The seed that the points of the grid are tried with.
GRID_SEED = 0


def try_rates(
    rates: Sequence[float], train: Callable[[float], Outcome], kept: Path
) -> dict[float, Outcome]:
    """Train with each rate, unless that was done before.

    rates (Sequence[float]): The points.
    train (Callable[[float], Outcome]): One run.
    kept (Path): What the names of the files begin with that keep each outcome.
    RETURNS (dict[float, Outcome]): By the rate.
    """
    outcomes: dict[float, Outcome] = {}
    for rate in rates:
        path = kept.with_name(f"{kept.name}_rate{rate:g}.json")
        if path.is_file():
            outcomes[rate] = json.loads(path.read_text(encoding="utf-8"))
            continue
        outcomes[rate] = train(rate)
        with whole_file(path) as unfinished:
            text = json.dumps(outcomes[rate], indent=1)
            unfinished.write_text(text, encoding="utf-8")
    return outcomes


def choose_rate(dev: Mapping[float, float]) -> float:
    """Choose the rate with the best score on dev, of equal ones the lowest.

    dev (Mapping[float, float]): The scores by the rate.
    RETURNS (float): The rate.
    """
    return min(dev, key=lambda rate: (-dev[rate], rate))
