"""What the scores of a batch are compared with, and what each counts.

A unit is what has labels: a pair of mentions, or, where scores are pooled, a pair of
concepts. Shapes: P = pairs of mentions of the batch, U = units, L = labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy
from numpy.typing import NDArray
from spacy.training import Example

from ..errors import Errors
from ..extensions import get_name, read_concept_relations, read_relations
from ..models.candidates import PairsT
from ..models.grouping import Grouping
from .concept_pairs import find_gold_concept_pairs, group_by_concepts, join_groupings
from .gold_conflicts import find_conflict
from .gold_pairs import find_gold_pairs, is_annotated, make_truths

FloatsT = NDArray[numpy.float32]


@dataclass(frozen=True, slots=True)
class Targets:
    """The units of a batch.

    pairs (list[PairsT]): Per doc, the pairs of mentions.
    grouping (Grouping | None): The pairs of mentions of each unit; None if each
        pair is a unit.
    truths (FloatsT): 1 where a unit has the label, else 0, [U, L].
    counts (FloatsT): How much each unit counts, 0 where it is not known, [U].
    """

    pairs: list[PairsT]
    grouping: Grouping | None
    truths: FloatsT
    counts: FloatsT


def make_targets(
    examples: list[Example],
    pairs: list[PairsT],
    labels: Sequence[str],
    *,
    directed: bool,
    pooled: bool,
    exclusive_name: str | None = None,
) -> Targets:
    """Find the units of the docs' pairs, and their labels by the gold annotation.

    examples (list[Example]): The examples.
    pairs (list[PairsT]): Pairs of mentions in the tokens of each predicted doc.
    labels (Sequence[str]): The component's labels.
    directed (bool): Whether (a, b) and (b, a) are two pairs.
    pooled (bool): Whether units are pairs of concepts.
    exclusive_name (str | None): Name of a component of which each unit has at most
        one label; None if it may have several.
    RETURNS (Targets): Every unit of an annotated doc counts 1; but 0 if it should have
        one label and has several, because mentions of several gold concepts fall
        together in it.
    RAISES (ValueError): If the stored relations are malformed, or themselves give a
        pair more labels than it may have.
    """
    truths, counts = [numpy.zeros((0, len(labels)), "f")], [numpy.zeros(0, "f")]
    groupings = []
    for eg, of_doc in zip(examples, pairs, strict=True):
        if pooled:
            grouping, found = _label_concepts(eg, of_doc, labels, directed=directed)
            groupings.append(grouping)
        else:
            found = _label_mentions(eg, of_doc, labels, directed=directed)
        of_units = numpy.full(len(found), is_annotated(eg.reference), "f")
        if exclusive_name is not None:
            is_ambiguous = _find_ambiguous(
                eg,
                of_doc,
                labels,
                found,
                directed=directed,
                pooled=pooled,
                name=exclusive_name,
            )
            of_units[is_ambiguous] = 0.0
        truths.append(found)
        counts.append(of_units)
    return Targets(
        pairs=pairs,
        grouping=join_groupings(groupings, [*map(len, pairs)]) if pooled else None,
        truths=numpy.concatenate(truths),
        counts=numpy.concatenate(counts),
    )


def sample_negatives(
    targets: Targets, rate: float, generator: numpy.random.Generator
) -> Targets:
    """Take a share of the units without a label, and all with one.

    Each that is drawn counts for 1 / rate of them, so that the loss, divided by what
    all counted, is on average that of all. What counts nothing is left out.

    targets (Targets): All units.
    rate (float): Chance of each unit without a label to be drawn, above 0, at most 1.
    generator (numpy.random.Generator): What to draw with.
    RETURNS (Targets): The units that are left, with the pairs that they need.
    """
    is_negative: NDArray[numpy.bool_] = targets.truths.sum(axis=1) == 0
    is_drawn = generator.random(len(is_negative)) < rate
    is_kept = (targets.counts > 0) & (is_drawn | ~is_negative)
    counts = numpy.where(is_negative, targets.counts / rate, targets.counts)
    kept = replace(
        targets, truths=targets.truths[is_kept], counts=counts[is_kept].astype("f")
    )
    if targets.grouping is None:
        return replace(kept, pairs=_take(targets.pairs, is_kept))
    lengths = targets.grouping.lengths
    rows = targets.grouping.rows[numpy.repeat(is_kept, lengths)]
    is_needed = numpy.zeros(sum(map(len, targets.pairs)), dtype=bool)
    is_needed[rows] = True
    places = numpy.cumsum(is_needed) - 1
    return replace(
        kept,
        pairs=_take(targets.pairs, is_needed),
        grouping=Grouping(places[rows], lengths[is_kept]),
    )


def _take(pairs: list[PairsT], is_taken: NDArray[numpy.bool_]) -> list[PairsT]:
    ends = numpy.cumsum([*map(len, pairs)])
    masks = numpy.split(is_taken, ends[:-1]) if pairs else []
    return [of_doc[mask] for of_doc, mask in zip(pairs, masks, strict=True)]


def weigh(targets: Targets, weights: FloatsT, *, exclusive: bool) -> FloatsT:
    """Say how much each part of the loss counts.

    targets (Targets): The units.
    weights (FloatsT): Per label, how often it counts where it applies, [L].
    exclusive (bool): Whether a unit is one decision, and not one for each label.
    RETURNS (FloatsT): By unit if exclusive, [U], else by unit and label, [U, L].
    """
    extra = targets.truths * (weights - 1)
    if exclusive:
        return targets.counts * (1 + extra.sum(axis=1))
    return targets.counts[:, None] * (1 + extra)


def _label_mentions(
    eg: Example, pairs: PairsT, labels: Sequence[str], *, directed: bool
) -> FloatsT:
    if not is_annotated(eg.reference):
        return numpy.zeros((len(pairs), len(labels)), "f")
    gold = find_gold_pairs(eg.predicted, eg.reference, pairs, directed=directed)
    return make_truths(gold, labels, len(pairs))


def _label_concepts(
    eg: Example, pairs: PairsT, labels: Sequence[str], *, directed: bool
) -> tuple[Grouping, FloatsT]:
    """Label the pairs of concepts of a doc.

    Where both concepts are known, the gold relations between concepts are asked for
    them. Else a group has the labels of its mentions.
    """
    units = group_by_concepts(eg.predicted, pairs, directed=directed)
    grouping = units.grouping
    truths = numpy.zeros((len(units.keys), len(labels)), "f")
    if not is_annotated(eg.reference):
        return grouping, truths
    gold = find_gold_pairs(eg.predicted, eg.reference, pairs, directed=directed)
    between_mentions = gold[: len(read_relations(eg.reference) or ())]
    by_concept = find_gold_concept_pairs(
        read_concept_relations(eg.reference) or [], directed=directed
    )
    is_known = [
        isinstance(one, str) and isinstance(two, str) for one, two in units.keys
    ]
    of_pairs = make_truths(gold, labels, len(pairs))
    of_mentions = make_truths(between_mentions, labels, len(pairs))
    groups = grouping.groups
    entries = numpy.where(
        numpy.array(is_known, bool)[groups, None],
        of_mentions[grouping.rows],
        of_pairs[grouping.rows],
    )
    numpy.maximum.at(truths, groups, entries)
    columns = {label: column for column, label in enumerate(labels)}
    for unit, key in enumerate(units.keys):
        for label in by_concept.get(key, ()):
            if label in columns:
                truths[unit, columns[label]] = 1.0
    return grouping, truths


def _find_ambiguous(
    eg: Example,
    pairs: PairsT,
    labels: Sequence[str],
    truths: FloatsT,
    *,
    directed: bool,
    pooled: bool,
    name: str,
) -> NDArray[numpy.bool_]:
    """Find the units with several labels, where each should have one at most, [U].

    RAISES (ValueError): If the gold annotation contradicts itself.
    """
    is_ambiguous: NDArray[numpy.bool_] = truths.sum(axis=1) > 1
    if not is_ambiguous.any():
        return is_ambiguous
    if pooled:
        found = find_conflict(eg, pairs, labels, directed=directed)
    else:
        of_first = truths[is_ambiguous][0]
        found = [label for label, is_ in zip(labels, of_first, strict=True) if is_]
    if found:
        raise ValueError(
            Errors.B459.format(
                name=name, document=get_name(eg.reference), found=", ".join(found)
            )
        )
    return is_ambiguous
