"""The thresholds from which categories apply, found on documents and applied to scores."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy
from numpy.typing import NDArray
from spacy.training import Example

# The threshold of a category that has none of its own, and of all after `shift`.
APPLIES = 0.5
# Thresholds keep this far from 0 and 1, whose log odds are infinite.
LEAST = 1e-6
# How many docs that have a category are counted as having the scores of all categories.
N_SHARED = 20
# What is tried, in log odds.
GRID = numpy.linspace(-22.0, 22.0, 881)
# As many as spaCy writes of a number, so that a saved threshold is the same.
N_DIGITS = 10


def find_thresholds(
    examples: Sequence[Example], chances: NDArray[Any], labels: Sequence[str]
) -> dict[str, float]:
    """Find for each category the threshold with the best F1, by its own docs and others'.

    Where few docs have a category, the threshold with the best F1 among them is one of
    chance. So N_SHARED more are counted for each that have the scores of all categories
    together. Scores are compared in log odds less half of those of how frequent a
    category is, because a rare one gets lower probabilities.

    examples (Sequence[Example]): Annotated examples.
    chances (NDArray): The probability of each category of each predicted doc, one
        row per example, one column per label.
    labels (Sequence[str]): The categories.
    RETURNS (dict[str, float]): The thresholds, without those of categories that
        apply to none of the docs.
    """
    truths = numpy.array(
        [
            [eg.reference.cats.get(label, numpy.nan) for label in labels]
            for eg in examples
        ]
    )
    # A doc without tokens gets 0.0, whatever the threshold.
    has_tokens = numpy.array([len(eg.predicted) > 0 for eg in examples])[:, None]
    is_known, is_right = ~numpy.isnan(truths), truths == 1.0
    n_gold = is_right.sum(axis=0)
    if not n_gold.any():
        return {}
    shifts = _log_odds((n_gold + 0.5) / (is_known.sum(axis=0) + 1.0)) / 2
    scores = _log_odds(chances) - shifts
    counts = [
        _count_above(column[seen], right[seen])
        for column, seen, right in zip(
            scores.T, (is_known & has_tokens).T, is_right.T, strict=True
        )
    ]
    n_found = numpy.array([found for found, _ in counts])
    n_true = numpy.array([true for _, true in counts])
    shared = N_SHARED / n_gold.sum()
    f1 = (
        2
        * (n_true + shared * n_true.sum(axis=0))
        / (
            (n_found + shared * n_found.sum(axis=0))
            + (n_gold + shared * n_gold.sum())[:, None]
        )
    )
    # Of the points below all scores the highest stands for all.
    lowest = int((n_found == n_found[:, :1]).all(axis=0).sum()) - 1
    f1[:, :lowest] = 0.0
    best = [_middle_of_best(row) for row in f1]
    thresholds = 1 / (1 + numpy.exp(-(GRID[best] + shifts)))
    return {
        label: round(min(max(threshold, LEAST), 1 - LEAST), N_DIGITS)
        for label, threshold, n in zip(
            labels, thresholds.tolist(), n_true.max(axis=1), strict=True
        )
        if n
    }


def _log_odds(chances: NDArray[Any]) -> NDArray[Any]:
    chances = numpy.clip(chances.astype("float64"), LEAST, 1 - LEAST)
    return numpy.log(chances) - numpy.log1p(-chances)


def _count_above(
    scores: NDArray[Any], is_right: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Count the scores, and the right ones, that reach each point of the grid."""
    found, true = (
        len(some) - numpy.searchsorted(numpy.sort(some), GRID)
        for some in (scores, scores[is_right])
    )
    return found, true


def _middle_of_best(f1: NDArray[Any]) -> int:
    """Find the middle of the points with the best F1; of several ranges, the highest."""
    best = numpy.flatnonzero(f1 >= f1.max() - 1e-12)
    ranges = numpy.split(best, numpy.flatnonzero(numpy.diff(best) > 1) + 1)
    return int(ranges[-1][len(ranges[-1]) // 2])


def log_odds(thresholds: Mapping[str, float], labels: Sequence[str]) -> NDArray[Any]:
    """Give what moves each category's threshold to 0.5 if it is taken off its logits.

    thresholds (Mapping[str, float]): Thresholds by category, 0 to 1 exclusive.
    labels (Sequence[str]): The categories.
    RETURNS (NDArray): The log odds of their thresholds, [len(labels)]; 0 for a
        category without one.
    """
    return _log_odds(numpy.array([thresholds.get(label, APPLIES) for label in labels]))
