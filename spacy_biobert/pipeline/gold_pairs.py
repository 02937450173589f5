"""Which of the proposed pairs are right, by the gold annotation.

Entities are matched by their bounds in characters, because the proposed ones may
stand on other tokens than the gold ones.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy
from numpy.typing import NDArray
from spacy.tokens import Doc

from ..extensions import read_concept_relations, read_relations

# Rows of pairs, and spans as `_to_codes` writes them.
RowsT = NDArray[numpy.int64]
CodesT = NDArray[numpy.int64]


def is_annotated(reference: Doc) -> bool:
    """Tell whether a gold document is annotated with relations of either kind."""
    return not {"relations", "concept_relations"}.isdisjoint(reference.user_data)


def find_gold_pairs(
    predicted: Doc, reference: Doc, pairs: NDArray[Any], *, directed: bool
) -> list[tuple[str, RowsT]]:
    """Find for each gold relation the pairs that it makes true.

    A relation between mentions makes the pair with the same bounds true. A relation
    between concepts makes every pair true of whose arguments the first stands for
    the one concept and the second for the other; an argument stands for the
    concepts of the gold entity with the same bounds (`kb_id_`, joined by "|").

    predicted (Doc): The document that the pairs are of.
    reference (Doc): The same text with gold annotation.
    pairs (NDArray): (start1, end1, start2, end2) in tokens of `predicted`, [P, 4].
    directed (bool): If False, the other order of the arguments is right too.
    RETURNS (list[tuple[str, NDArray]]): Per gold relation its label, and the rows of
        the pairs that are true, in ascending order: those between mentions, then
        those between concepts, as they are stored.
    RAISES (ValueError): If the stored relations are malformed.
    """
    args1 = _to_codes(predicted, pairs[:, :2])
    args2 = _to_codes(predicted, pairs[:, 2:])
    # A relation then looks only at the pairs that begin with one of its mentions.
    order = numpy.argsort(args1, kind="stable")
    sorted_args1 = args1[order]

    def find_rows(ends1: CodesT, ends2: CodesT) -> RowsT:
        first = numpy.searchsorted(sorted_args1, ends1, "left").tolist()
        last = numpy.searchsorted(sorted_args1, ends1, "right").tolist()
        slices = [order[a:b] for a, b in zip(first, last, strict=True)]
        rows = numpy.concatenate([order[:0], *slices])
        return rows[numpy.isin(args2[rows], ends2)]

    found: list[tuple[str, RowsT]] = []
    for label, ends1, ends2 in _read_gold_ends(reference):
        rows = find_rows(ends1, ends2)
        if not directed:
            rows = numpy.concatenate([rows, find_rows(ends2, ends1)])
        found.append((label, numpy.unique(rows)))
    return found


def find_bare(reference: Doc) -> list[bool]:
    """Tell of each gold relation whether an end of it has no entity in the document.

    reference (Doc): The document with gold annotation.
    RETURNS (list[bool]): In the order of `find_gold_pairs`.
    RAISES (ValueError): If the stored relations are malformed.
    """
    bounds = numpy.array([(ent.start, ent.end) for ent in reference.ents])
    ents = set(_to_codes(reference, bounds.reshape(-1, 2)).tolist())
    return [
        ents.isdisjoint(ends1.tolist()) or ents.isdisjoint(ends2.tolist())
        for _, ends1, ends2 in _read_gold_ends(reference)
    ]


def make_truths(
    gold: Collection[tuple[str, RowsT]], labels: Sequence[str], n_pairs: int
) -> NDArray[numpy.float32]:
    """Write which labels each pair has.

    gold (Collection): From `find_gold_pairs`; labels not in `labels` are left out.
    labels (Sequence[str]): The component's labels.
    n_pairs (int): Number of pairs.
    RETURNS (NDArray): 1.0 where the pair has the label, else 0.0, [P, labels].
    """
    truths = numpy.zeros((n_pairs, len(labels)), dtype=numpy.float32)
    columns = {label: i for i, label in enumerate(labels)}
    for label, rows in gold:
        if label in columns:
            truths[rows, columns[label]] = 1.0
    return truths


def _read_gold_ends(reference: Doc) -> Iterator[tuple[str, CodesT, CodesT]]:
    """Give the label of each gold relation, and the spans, as codes, of its two ends."""
    rows = read_relations(reference) or []
    bounds = numpy.array([row[:4] for row in rows]).reshape(-1, 2)
    codes = _to_codes(reference, bounds).reshape(-1, 2, 1)
    for row, (end1, end2) in zip(rows, codes, strict=True):
        yield row.label, end1, end2
    mentions = _find_mentions(reference)
    nothing = numpy.zeros(0, dtype="int64")
    for concept1, concept2, label in read_concept_relations(reference) or ():
        yield label, mentions.get(concept1, nothing), mentions.get(concept2, nothing)


def _find_mentions(reference: Doc) -> dict[str, CodesT]:
    """Find the spans, as codes, that stand for each concept."""
    ents = reference.ents
    bounds = numpy.array([(ent.start, ent.end) for ent in ents]).reshape(-1, 2)
    codes: dict[str, list[int]] = {}
    for ent, code in zip(ents, _to_codes(reference, bounds).tolist(), strict=True):
        for concept in ent.kb_id_.split("|"):
            codes.setdefault(concept, []).append(code)
    codes.pop("", None)
    return {concept: numpy.array(found) for concept, found in codes.items()}


def _to_codes(doc: Doc, bounds: NDArray[Any]) -> CodesT:
    """Give spans [N, 2] in tokens one number each that says their characters."""
    if not len(bounds):
        return numpy.zeros(0, dtype="int64")
    starts, lengths = doc.to_array(["IDX", "LENGTH"]).astype("int64").T
    first, last = bounds.astype("int64").T
    ends: CodesT = starts[last - 1] + lengths[last - 1]
    return (starts[first] << 32) + ends
