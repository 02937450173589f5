"""The thresholds from which categories apply, found on documents and applied to scores."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy
from numpy.typing import NDArray
from spacy.training import Example

from ..models.thresholds import find_best_threshold

# The threshold of a category that has none of its own, and of all after `shift`.
APPLIES = 0.5
# Thresholds keep this far from 0 and 1, whose log odds are infinite.
LEAST = 1e-6
# As many as spaCy writes of a number, so that a saved threshold is the same.
N_DIGITS = 10


def find_thresholds(
    examples: Sequence[Example], chances: NDArray[Any], labels: Sequence[str]
) -> dict[str, float]:
    """Find for each category the threshold that has the best F1.

    examples (Sequence[Example]): Annotated examples.
    chances (NDArray): The probability of each category of each predicted doc, one
        row per example, one column per label.
    labels (Sequence[str]): The categories.
    RETURNS (dict[str, float]): The thresholds, without those of categories that
        apply to none of the docs.
    """
    found = {}
    # A doc without tokens gets 0.0, whatever the threshold.
    has_tokens = numpy.array([len(eg.predicted) > 0 for eg in examples])
    for label, column in zip(labels, chances.T, strict=True):
        truths = [eg.reference.cats.get(label) for eg in examples]
        seen = has_tokens & numpy.array([truth is not None for truth in truths])
        is_right = numpy.array([truth == 1.0 for truth in truths])
        best = find_best_threshold(column[seen], is_right[seen], int(is_right.sum()))
        if best is not None:
            found[label] = round(min(max(best[0], LEAST), 1 - LEAST), N_DIGITS)
    return found


def log_odds(thresholds: Mapping[str, float], labels: Sequence[str]) -> NDArray[Any]:
    """Give what moves each category's threshold to 0.5 if it is taken off its logits.

    thresholds (Mapping[str, float]): Thresholds by category, 0 to 1 exclusive.
    labels (Sequence[str]): The categories.
    RETURNS (NDArray): The log odds of their thresholds, [len(labels)]; 0 for a
        category without one.
    """
    chances = numpy.array([thresholds.get(label, APPLIES) for label in labels])
    return numpy.log(chances) - numpy.log1p(-chances)
