"""Precision, recall and F1 over sets of labelled items. Plain Python."""

from collections.abc import Collection, Hashable, Iterable
from dataclasses import dataclass

# What was found, and its label.
Item = tuple[Hashable, str]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many items are right, how many gold and how many predicted.

    Scores are 0 to 1; without any gold or predicted item they are 0.
    """

    n_right: int = 0
    n_gold: int = 0
    n_predicted: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.n_right + other.n_right,
            self.n_gold + other.n_gold,
            self.n_predicted + other.n_predicted,
        )

    @property
    def precision(self) -> float:
        """The part of the predicted items that is right."""
        return self.n_right / self.n_predicted if self.n_predicted else 0.0

    @property
    def recall(self) -> float:
        """The part of the gold items that is found."""
        return self.n_right / self.n_gold if self.n_gold else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        n_both = self.n_gold + self.n_predicted
        return 2 * self.n_right / n_both if n_both else 0.0


def label_scores(by_label: dict[str, Counts]) -> dict[str, dict[str, float]]:
    """Give the scores of each label.

    by_label (dict[str, Counts]): The counts.
    RETURNS (dict): By label, in alphabetic order: the keys p, r and f, and gold, how many
        gold items there are.
    """
    return {
        label: {
            "p": counts.precision,
            "r": counts.recall,
            "f": counts.f1,
            "gold": counts.n_gold,
        }
        for label, counts in sorted(by_label.items())
    }


def count_by_label(
    gold: Collection[Item], predicted: Collection[Item]
) -> dict[str, Counts]:
    """Compare two collections of items; what one has twice counts once.

    gold (Collection[Item]): The items that are right.
    predicted (Collection[Item]): The items to judge.
    RETURNS (dict[str, Counts]): The counts of each label that occurs.
    """
    by_label: dict[str, Counts] = {}
    expected, found = set(gold), set(predicted)
    for item in expected | found:
        is_gold, is_found = item in expected, item in found
        one = Counts(int(is_gold and is_found), int(is_gold), int(is_found))
        by_label[item[1]] = by_label.get(item[1], Counts()) + one
    return by_label


def sum_by_label(parts: Iterable[dict[str, Counts]]) -> dict[str, Counts]:
    """Add up the counts of several documents, label by label."""
    total: dict[str, Counts] = {}
    for part in parts:
        for label, counts in part.items():
            total[label] = total.get(label, Counts()) + counts
    return total


def sum_all(by_label: dict[str, Counts]) -> Counts:
    """Add up the counts of all labels; their scores are the micro average."""
    return sum(by_label.values(), start=Counts())


def macro_f1(by_label: dict[str, Counts]) -> float:
    """Average F1 over the labels, each weighing the same; 0 without any label."""
    scores = [counts.f1 for counts in by_label.values()]
    return sum(scores) / len(scores) if scores else 0.0
