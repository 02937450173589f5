"""Where gold annotation gives one pair several labels, of which it may have one.

Mentions can fall together in a unit that are not one concept: those of one text, if
nobody has said what they stand for. Their labels differ without any contradiction.
"""

from collections.abc import Hashable, Iterator, Sequence
from itertools import product

from spacy.tokens import Doc
from spacy.training import Example

from ..extensions import read_concept_relations, read_relations
from ..models.candidates import PairsT
from .gold_pairs import find_gold_pairs


def find_conflict(
    eg: Example, pairs: PairsT, labels: Sequence[str], *, directed: bool
) -> list[str]:
    """Find labels that the gold annotation itself gives to one pair of concepts.

    A relation between mentions is one between their gold concepts; where one has none,
    it is one of this mention.

    eg (Example): The document.
    pairs (PairsT): The proposed pairs; gold relations of none of them are left out.
    labels (Sequence[str]): The component's labels; others are left out.
    directed (bool): Whether (a, b) and (b, a) are two pairs.
    RETURNS (list[str]): The labels of the first such pair, in the order of `labels`;
        empty if there is none.
    RAISES (ValueError): If the stored relations are malformed.
    """
    gold = find_gold_pairs(eg.predicted, eg.reference, pairs, directed=directed)
    by_ends: dict[Hashable, set[str]] = {}
    for (label, rows), related in zip(gold, _read_related(eg.reference), strict=True):
        if label not in labels or not len(rows):
            continue
        for ends in related:
            key = ends if directed else frozenset(ends)
            by_ends.setdefault(key, set()).add(label)
    several = (found for found in by_ends.values() if len(found) > 1)
    conflict = next(several, set())
    return [label for label in labels if label in conflict]


def _read_related(reference: Doc) -> Iterator[list[tuple[Hashable, Hashable]]]:
    """Give what each gold relation relates, in the order of `find_gold_pairs`."""
    concepts: dict[tuple[int, int], list[Hashable]] = {
        (ent.start, ent.end): [one for one in ent.kb_id_.split("|") if one]
        for ent in reference.ents
    }
    for row in read_relations(reference) or ():
        arg1, arg2 = (row.start1, row.end1), (row.start2, row.end2)
        yield [*product(concepts.get(arg1) or [arg1], concepts.get(arg2) or [arg2])]
    for concept1, concept2, _ in read_concept_relations(reference) or ():
        yield [(concept1, concept2)]
