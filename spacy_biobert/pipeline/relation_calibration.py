"""Make the score of a relation the share of such relations that are right.

Shapes: P = pairs, I = items, L = labels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy
from numpy.typing import NDArray

from ..models.calibration import Calibration, fit_calibration
from .relation_tuning import ScoredItems

# Of each label what `Calibration` takes; none for a label whose scores stay.
CalibrationsT = Mapping[str, Mapping[str, float]]


def calibrate(
    chances: NDArray[Any], calibrations: CalibrationsT, labels: Sequence[str]
) -> NDArray[numpy.float32]:
    """Change the model's own probabilities into calibrated ones.

    chances (NDArray): Of each label, negative where it cannot be, [P, L] or [I, L].
    calibrations (Mapping): By label.
    labels (Sequence[str]): The labels, [L].
    RETURNS (NDArray): The same shape; negative where `chances` is.
    """
    if not calibrations:
        return chances
    calibrated = numpy.array(chances, dtype=numpy.float32)
    for column, label in enumerate(labels):
        if label in calibrations:
            can_be = chances[:, column] >= 0
            calibrated[can_be, column] = Calibration(**calibrations[label]).apply(
                chances[can_be, column].astype("float64")
            )
    return calibrated


def calibrate_items(
    items: ScoredItems, calibrations: CalibrationsT, labels: Sequence[str]
) -> ScoredItems:
    """Change the scores of items; see `calibrate`."""
    return replace(items, scores=calibrate(items.scores, calibrations, labels))


def fit_calibrations(
    items: ScoredItems, labels: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Find for each label the calibration under which what is gold is most probable.

    items (ScoredItems): With the model's own probabilities.
    labels (Sequence[str]): The labels, [L].
    RETURNS (dict): By label the fields of `Calibration`; labels of which no item is
        gold are left out.
    """
    found = {}
    for column, label in enumerate(labels):
        can_be = items.scores[:, column] >= 0
        are_right = items.is_right[can_be, column]
        if are_right.any():
            chances = items.scores[can_be, column].astype("float64")
            found[label] = asdict(fit_calibration(chances, are_right))
    return found
