"""Group the pairs of mentions by the concepts that they relate."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy
from spacy.tokens import Doc

from ..extensions import ConceptRow
from ..models.candidates import PairsT
from ..models.grouping import Grouping

# A concept id, or a text in a tuple, so that none passes for an id.
ConceptT = str | tuple[str, str]


@dataclass(frozen=True, slots=True)
class ConceptPairs:
    """The pairs of concepts of a doc, in the order in which they are first met.

    keys (list[tuple[ConceptT, ConceptT]]): Both concepts of each pair, [G].
    grouping (Grouping): The pairs of mentions that relate them.
    """

    keys: list[tuple[ConceptT, ConceptT]]
    grouping: Grouping


def group_by_concepts(doc: Doc, pairs: PairsT, *, directed: bool) -> ConceptPairs:
    """Group a doc's pairs of mentions by the concepts that they relate.

    A mention stands for the concepts of the entity with its bounds (`kb_id_`,
    joined by "|"), so that a pair of mentions may relate several pairs of
    concepts. One without a concept stands for its text in lower case.

    doc (Doc): The doc, with its entities.
    pairs (PairsT): (start1, end1, start2, end2) in tokens, [P, 4].
    directed (bool): Whether (a, b) and (b, a) are two pairs.
    RETURNS (ConceptPairs): Each pair of mentions is in one group at least.
    """
    concepts = _read_concepts(doc, pairs)
    members: dict[tuple[ConceptT, ConceptT], list[int]] = {}
    for i, (start1, end1, start2, end2) in enumerate(pairs.tolist()):
        # A set: without direction, two mentions of the same two concepts meet twice.
        keys = {
            _join(concept1, concept2, directed=directed)
            for concept1 in concepts[start1, end1]
            for concept2 in concepts[start2, end2]
        }
        for key in keys if len(keys) == 1 else sorted(keys, key=repr):
            members.setdefault(key, []).append(i)
    rows = [i for group in members.values() for i in group]
    lengths = [len(group) for group in members.values()]
    return ConceptPairs(
        list(members),
        Grouping(numpy.array(rows, "int64"), numpy.array(lengths, "int64")),
    )


def join_groupings(groupings: list[Grouping], n_pairs: list[int]) -> Grouping:
    """Join the groupings of several docs, whose pairs stand one after the other.

    groupings (list[Grouping]): Per doc, the groups of its pairs.
    n_pairs (list[int]): Per doc, the number of its pairs.
    RETURNS (Grouping): Groups of the pairs of all docs.
    """
    nothing = numpy.zeros(0, dtype="int64")
    offsets = numpy.cumsum([0, *n_pairs])
    return Grouping(
        numpy.concatenate(
            [nothing, *(g.rows + n for g, n in zip(groupings, offsets, strict=False))]
        ),
        numpy.concatenate([nothing, *(g.lengths for g in groupings)]),
    )


def find_gold_concept_pairs(
    relations: Iterable[ConceptRow], *, directed: bool
) -> dict[tuple[ConceptT, ConceptT], set[str]]:
    """Give the labels of each pair of concepts, by keys as `group_by_concepts` has.

    relations (Iterable[ConceptRow]): The gold relations.
    directed (bool): Whether (a, b) and (b, a) are two pairs.
    RETURNS (dict): From both concepts to their labels.
    """
    found: dict[tuple[ConceptT, ConceptT], set[str]] = {}
    for row in relations:
        key = _join(row.concept1, row.concept2, directed=directed)
        found.setdefault(key, set()).add(row.label)
    return found


def _read_concepts(doc: Doc, pairs: PairsT) -> dict[tuple[int, int], list[ConceptT]]:
    ids = {(ent.start, ent.end): ent.kb_id_ for ent in doc.ents if ent.kb_id_}
    concepts: dict[tuple[int, int], list[ConceptT]] = {}
    for start, end in {*map(tuple, pairs.reshape(-1, 2).tolist())}:
        named = [concept for concept in ids.get((start, end), "").split("|") if concept]
        concepts[start, end] = [*named] or [("", doc[start:end].text.lower())]
    return concepts


def _join(
    concept1: ConceptT, concept2: ConceptT, *, directed: bool
) -> tuple[ConceptT, ConceptT]:
    if directed or repr(concept1) <= repr(concept2):
        return concept1, concept2
    return concept2, concept1
