"""Choose how readily entities of each label are found: by the best F1.

An offset is added to the score (logit) that a token begins an entity of the label. One
more such entity makes a set of entities e^offset times as probable as it was.
Shapes: N = tokens of all docs, D = docs, L = labels, E = entities.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy
from spacy.training import Example

from ..extensions import read_annotated_labels
from ..models.decoding import Segments
from ..models.lanes import Bools, Floats, Ints
from ..models.tags import Scheme, find_role_columns, make_tag_names

Offsets = dict[str, float]

# How far an offset may go, and the steps that are tried around the best one so far, with
# their size. Finer ones would follow single entities.
FARTHEST = 4.0
TRIED = ((1.0, (-1, 1, -2, 2, -3, 3, -4, 4)), (0.5, (-1, 1)), (0.25, (-1, 1)))


@dataclass(frozen=True, slots=True)
class GoldEntities:
    """What is annotated, on the tokens of the predicted docs.

    lengths (Ints): Tokens of each doc, [D].
    is_stated (Bools): Whether the doc is annotated with the label, [D, L].
    n_unknown (Ints): Tokens before each one whose annotation is missing, [N + 1].
    places (Ints): One number for the bounds and the label of each entity, [E].
    labels (Ints): The labels of the entities, [E].
    """

    lengths: Ints
    is_stated: Bools
    n_unknown: Ints
    places: Ints
    labels: Ints


def read_gold_entities(
    examples: Sequence[Example], labels: Sequence[str]
) -> GoldEntities:
    """Read the annotated entities; gold ones that no tokens fit are left out.

    examples (Sequence[Example]): Annotated examples.
    labels (Sequence[str]): The labels; entities of others are left out.
    RETURNS (GoldEntities): What is annotated.
    """
    columns = {label: column for column, label in enumerate(labels)}
    lengths = numpy.array([len(eg.predicted) for eg in examples], dtype="int64")
    is_stated = numpy.ones((len(examples), len(labels)), dtype=bool)
    is_unknown: list[bool] = []
    found = []
    for i, eg in enumerate(examples):
        ents, tags = eg.get_aligned_ents_and_ner()
        is_unknown += [tag is None or tag == "-" for tag in tags]
        found += [
            (i, ent.start, ent.end, columns[ent.label_])
            for ent in ents
            if ent.label_ in columns
        ]
        stated = read_annotated_labels(eg.reference)
        if stated is not None:
            is_stated[i] = [label in stated for label in labels]
    docs, starts, ends, their_labels = numpy.array(found, "int64").reshape(-1, 4).T
    return GoldEntities(
        lengths,
        is_stated,
        numpy.append(0, numpy.cumsum(numpy.array(is_unknown, dtype="int64"))),
        _number(lengths, len(labels), docs, starts, ends, their_labels),
        their_labels,
    )


def _number(
    lengths: Ints, n_labels: int, docs: Ints, starts: Ints, ends: Ints, labels: Ints
) -> Ints:
    """Give a number to each entity; two are the same if bounds and label are."""
    longest = 1 + int(lengths.max(initial=0))
    first = (numpy.cumsum(lengths) - lengths)[docs] + starts
    return (first * longest + ends - starts) * n_labels + labels


def count_entities(gold: GoldEntities, found: Segments) -> Ints:
    """Compare found entities with the annotated ones: exact bounds and label.

    What the annotation says nothing about is neither right nor wrong.

    gold (GoldEntities): What is annotated.
    found (Segments): What was found in the same docs.
    RETURNS (Ints): The right, the found and the gold ones of each label, [3, L].
    """
    n_labels = gold.is_stated.shape[1]
    first = (numpy.cumsum(gold.lengths) - gold.lengths)[found.docs]
    is_known = (
        gold.n_unknown[first + found.ends] == gold.n_unknown[first + found.starts]
    )
    counts = gold.is_stated[found.docs, found.labels] & is_known
    places = _number(
        gold.lengths, n_labels, found.docs, found.starts, found.ends, found.labels
    )
    is_right = counts & numpy.isin(places, gold.places)
    parts = found.labels[is_right], found.labels[counts], gold.labels
    return numpy.array([numpy.bincount(part, minlength=n_labels) for part in parts])


def choose_offsets(
    score: Callable[[Mapping[str, float]], float], labels: Sequence[str]
) -> Offsets:
    """Find the offsets of the best score, one label after the other, ever finer.

    score (Callable): What is to be highest, for offsets by label.
    labels (Sequence[str]): The labels to choose for.
    RETURNS (Offsets): By label, not farther than FARTHEST from 0. What makes no
        difference is 0.
    """
    offsets = dict.fromkeys(labels, 0.0)
    best = score(offsets)
    for size, steps in TRIED:
        for label in labels:
            middle = offsets[label]
            for step in steps:
                offset = middle + step * size
                if abs(offset) > FARTHEST:
                    continue
                found = score(offsets | {label: offset})
                if found > best:
                    best = found
                    offsets[label] = offset
    return offsets


def shift_tags(
    offsets: Mapping[str, float], labels: Sequence[str], scheme: Scheme
) -> Floats:
    """Give what offsets add to the score of each tag of `make_tag_names`.

    offsets (Mapping[str, float]): By label; 0 where there is none.
    labels (Sequence[str]): The labels of the tags.
    scheme (str): "bio" or "biluo".
    RETURNS (Floats): One number for each tag.
    """
    shift = numpy.zeros(len(make_tag_names(labels, scheme)))
    begin, _, _, unit = find_role_columns(scheme)
    shift[begin] = shift[unit] = [offsets.get(label, 0.0) for label in labels]
    return shift
