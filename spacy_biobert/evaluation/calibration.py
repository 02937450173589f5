"""Does a confidence keep what it promises? Plain Python."""

from collections.abc import Sequence
from typing import TypedDict

N_BINS = 15


class Bin(TypedDict):
    """What falls between two confidences: how much, how sure, how often right."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


def make_bins(
    confidences: Sequence[float], are_right: Sequence[bool], *, n_bins: int = N_BINS
) -> list[Bin]:
    """Sort predictions into bins of equal width by their confidence.

    confidences (Sequence[float]): Of each prediction, 0-1.
    are_right (Sequence[bool]): Whether it was right.
    n_bins (int): Number of bins between 0 and 1; what lies on a border belongs to the
        upper one.
    RETURNS (list[Bin]): Those with a prediction, in order, with mean confidences and
        shares of right ones, 0-1.
    """
    members: dict[int, list[tuple[float, bool]]] = {}
    for confidence, is_right in zip(confidences, are_right, strict=True):
        index = min(int(confidence * n_bins), n_bins - 1)
        members.setdefault(index, []).append((confidence, is_right))
    return [
        Bin(
            low=index / n_bins,
            high=(index + 1) / n_bins,
            n=len(found),
            confidence=sum(confidence for confidence, _ in found) / len(found),
            accuracy=sum(is_right for _, is_right in found) / len(found),
        )
        for index, found in sorted(members.items())
    ]


def expected_calibration_error(bins: Sequence[Bin]) -> float:
    """Average the distance between confidence and accuracy, weighing by predictions.

    bins (Sequence[Bin]): From `make_bins`, at least one.
    RETURNS (float): 0 (every confidence is kept) to 1.
    SOURCE: Guo et al. (2017), section 2, https://arxiv.org/abs/1706.04599
    """
    n_all = sum(found["n"] for found in bins)
    return (
        sum(found["n"] * abs(found["confidence"] - found["accuracy"]) for found in bins)
        / n_all
    )
