"""The threshold from which on a label is best believed."""

from typing import Any

import numpy
from numpy.typing import NDArray


def find_best_threshold(
    scores: NDArray[Any], is_right: NDArray[Any], n_gold: int
) -> tuple[float, float] | None:
    """Find the threshold whose predictions have the best F1, among all there are.

    scores (NDArray): Probabilities of the candidates, [N].
    is_right (NDArray): Whether each is a gold item, [N].
    n_gold (int): Number of gold items; those that are no candidates are missed at
        any threshold.
    RETURNS (tuple[float, float] | None): The threshold, in the middle between the
        last score that reaches it and the next lower one, and its F1, 0 to 1. Of
        several as good ones it is the highest. None if no threshold finds anything.
    """
    order = numpy.argsort(-scores, kind="stable")
    sorted_scores = numpy.append(scores[order].astype("float64"), -1.0)
    n_right = numpy.cumsum(is_right[order].astype(bool))
    f1 = 2 * n_right / (n_gold + numpy.arange(1, len(order) + 1))
    # What has the same score is found together.
    f1[sorted_scores[:-1] == sorted_scores[1:]] = 0.0
    if not f1.any():
        return None
    best = int(f1.argmax())
    reaches, below = sorted_scores[best : best + 2].tolist()
    middle = (reaches + max(below, 0.0)) / 2
    return (middle if below < middle else reaches), float(f1[best])
