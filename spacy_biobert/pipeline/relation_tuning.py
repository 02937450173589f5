"""Choose for each label of relations the threshold with the best F1.

What is counted is what the scorer counts: relations between mentions and between
concepts, each once, from the gold side. Shapes: P = pairs, I = items, L = labels.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray
from spacy.tokens import Doc

from ..extensions import read_concept_relations, read_relations
from ..models.candidates import PairsT
from ..models.thresholds import find_best_threshold
from ..relation_items import (
    FindEndsT,
    ItemT,
    get_gold_concept_items,
    get_mention_items,
    make_concept_finder,
    make_mention_finder,
)

FloatsT = NDArray[numpy.float32]


@dataclass(frozen=True, slots=True)
class ScoredItems:
    """What could be predicted, and what is gold.

    scores (FloatsT): Per item, the highest probability of each label among its
        pairs; negative where it is never predicted, [I, L].
    is_right (NDArray): Whether it is gold, [I, L].
    n_gold (NDArray): Gold items of each label, proposed or not, [L].
    """

    scores: FloatsT
    is_right: NDArray[numpy.bool_]
    n_gold: NDArray[numpy.int64]


def score_items(
    predicted: Doc,
    reference: Doc,
    pairs: PairsT,
    chances: FloatsT,
    *,
    labels: Sequence[str],
    directed: bool,
) -> list[ScoredItems]:
    """Turn the pairs of a document into items, and say which are gold.

    predicted (Doc): The document that the pairs are of.
    reference (Doc): The same text with gold annotation.
    pairs (PairsT): (start1, end1, start2, end2) in tokens of `predicted`, [P, 4].
    chances (FloatsT): Probability of each label, negative where it cannot be, [P, L].
    labels (Sequence[str]): The component's labels.
    directed (bool): Whether (a, b) and (b, a) differ.
    RETURNS (list[ScoredItems]): Those between mentions and those between concepts,
        where the reference is annotated with them.
    """
    found = []
    if read_relations(reference) is not None:
        find = make_mention_finder(predicted, directed=directed)
        gold = set(get_mention_items(reference, directed=directed))
        found.append(_score(find, gold, pairs, chances, labels))
    if read_concept_relations(reference) is not None:
        find = make_concept_finder(predicted, reference, directed=directed)
        gold = get_gold_concept_items(reference, directed=directed)
        found.append(_score(find, gold, pairs, chances, labels))
    return found


def _score(
    find: FindEndsT,
    gold: set[ItemT],
    pairs: PairsT,
    chances: FloatsT,
    labels: Sequence[str],
) -> ScoredItems:
    places: dict[Hashable, int] = {}
    entries = [
        (places.setdefault(ends, len(places)), i)
        for i, (start1, end1, start2, end2) in enumerate(pairs.tolist())
        for ends in find(start1, end1, start2, end2)
    ]
    items, rows = numpy.array(entries, dtype="int64").reshape(-1, 2).T
    scores = numpy.full((len(places), len(labels)), -1.0, "f")
    numpy.maximum.at(scores, items, chances[rows])
    is_right = numpy.zeros(scores.shape, dtype=bool)
    n_gold = numpy.zeros(len(labels), dtype="int64")
    columns = {label: column for column, label in enumerate(labels)}
    for ends, label in gold:
        if label in columns:
            n_gold[columns[label]] += 1
            if ends in places:
                is_right[places[ends], columns[label]] = True
    return ScoredItems(scores, is_right, n_gold)


def join_items(parts: Sequence[ScoredItems]) -> ScoredItems:
    """Put the items of several documents together; there is at least one part."""
    return ScoredItems(
        scores=numpy.concatenate([part.scores for part in parts]),
        is_right=numpy.concatenate([part.is_right for part in parts]),
        n_gold=numpy.sum([part.n_gold for part in parts], axis=0),
    )


def choose_thresholds(items: ScoredItems, labels: Sequence[str]) -> dict[str, float]:
    """Choose the threshold of the best F1 for each label.

    RETURNS (dict[str, float]): By label, 0 to 1; labels of which nothing is found at
        any threshold are left out.
    """
    chosen = {}
    for column, label in enumerate(labels):
        is_candidate = items.scores[:, column] >= 0
        best = find_best_threshold(
            items.scores[is_candidate, column],
            items.is_right[is_candidate, column],
            int(items.n_gold[column]),
        )
        if best is not None:
            chosen[label] = best[0]
    return chosen
