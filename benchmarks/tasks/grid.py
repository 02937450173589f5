"""Choose the learning rate of an arm on dev, with one seed."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from spacy_biobert.atomic import whole_file

from .jobs import Outcome

# The seed that the points of the grid are tried with.
GRID_SEED = 0


def try_rates(
    rates: Sequence[float],
    train: Callable[[float], Outcome],
    kept: Path,
    settings: Mapping[str, Any],
) -> dict[float, Outcome]:
    """Train with each rate, unless that was done before in the same way.

    rates (Sequence[float]): The points.
    train (Callable[[float], Outcome]): One run.
    kept (Path): What the names of the files begin with that keep each outcome.
    settings (Mapping[str, Any]): What distinguishes the runs from others, as JSON has
        it. What was kept with other settings is replaced.
    RETURNS (dict[float, Outcome]): By the rate.
    """
    outcomes: dict[float, Outcome] = {}
    for rate in rates:
        path = _name_outcome(kept, rate)
        found = _read_outcome(path, settings)
        if found is None:
            found = train(rate)
            with whole_file(path) as unfinished:
                text = json.dumps({"settings": settings, "outcome": found}, indent=1)
                unfinished.write_text(text, encoding="utf-8")
        outcomes[rate] = found
    return outcomes


def forget_rates(rates: Sequence[float], kept: Path) -> None:
    """Remove what `try_rates` kept, once it is filed.

    rates (Sequence[float]): The points.
    kept (Path): What the names of the files begin with.
    """
    for rate in rates:
        _name_outcome(kept, rate).unlink()
    if not any(kept.parent.iterdir()):
        kept.parent.rmdir()


def _name_outcome(kept: Path, rate: float) -> Path:
    return kept.with_name(f"{kept.name}_rate{rate:g}.json")


def _read_outcome(path: Path, settings: Mapping[str, Any]) -> Outcome | None:
    if not path.is_file():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    if content.get("settings") != settings:
        return None
    outcome: Outcome = content["outcome"]
    return outcome


def choose_rate(dev: Mapping[float, float]) -> float:
    """Choose the rate with the best score on dev, of equal ones the lowest.

    dev (Mapping[float, float]): The scores by the rate.
    RETURNS (float): The rate.
    """
    return min(dev, key=lambda rate: (-dev[rate], rate))
