"""Which of the proposed pairs are right, by the gold annotation.

Entities are matched by their bounds in characters, because the proposed ones may
stand on other tokens than the gold ones.
"""

from collections.abc import Collection, Sequence
from typing import Any

import numpy
from numpy.typing import NDArray
from spacy.tokens import Doc

from ..extensions import ConceptRow, RelationRow, read_concept_relations, read_relations

MaskT = NDArray[numpy.bool_]


def is_annotated(reference: Doc) -> bool:
    """Tell whether a gold document is annotated with relations of either kind."""
    return not {"relations", "concept_relations"}.isdisjoint(reference.user_data)


def find_gold_pairs(
    predicted: Doc, reference: Doc, pairs: NDArray[Any], *, directed: bool
) -> list[tuple[str, MaskT]]:
    """Find for each gold relation the pairs that it makes true.

    A relation between mentions makes the pair with the same bounds true. A relation
    between concepts makes every pair true of whose arguments the first stands for
    the one concept and the second for the other; an argument stands for the
    concepts of the gold entity with the same bounds (`kb_id_`, joined by "|").

    predicted (Doc): The document that the pairs are of.
    reference (Doc): The same text with gold annotation.
    pairs (NDArray): (start1, end1, start2, end2) in tokens of `predicted`, [P, 4].
    directed (bool): If False, the other order of the arguments is right too.
    RETURNS (list[tuple[str, NDArray]]): Per gold relation its label, and for each
        pair whether it is true, [P].
    RAISES (ValueError): If the stored relations are malformed.
    """
    args1 = _to_codes(predicted, pairs[:, :2])
    args2 = _to_codes(predicted, pairs[:, 2:])
    mentions = _find_mentions(reference)
    nothing = numpy.zeros(0, dtype="int64")
    found: list[tuple[str, MaskT]] = []
    for row in _read_gold(reference):
        if isinstance(row, RelationRow):
            end1, end2 = _to_codes(reference, numpy.array(row[:4]).reshape(2, 2))
        else:
            end1 = mentions.get(row.concept1, nothing)
            end2 = mentions.get(row.concept2, nothing)
        is_true = numpy.isin(args1, end1) & numpy.isin(args2, end2)
        if not directed:
            is_true |= numpy.isin(args1, end2) & numpy.isin(args2, end1)
        found.append((row.label, is_true))
    return found


def make_truths(
    gold: Collection[tuple[str, MaskT]], labels: Sequence[str], n_pairs: int
) -> NDArray[numpy.float32]:
    """Write which labels each pair has.

    gold (Collection): From `find_gold_pairs`; labels not in `labels` are left out.
    labels (Sequence[str]): The component's labels.
    n_pairs (int): Number of pairs.
    RETURNS (NDArray): 1.0 where the pair has the label, else 0.0, [P, labels].
    """
    truths = numpy.zeros((n_pairs, len(labels)), dtype=numpy.float32)
    columns = {label: i for i, label in enumerate(labels)}
    for label, is_true in gold:
        if label in columns:
            truths[is_true, columns[label]] = 1.0
    return truths


def _read_gold(reference: Doc) -> list[RelationRow | ConceptRow]:
    return [
        *(read_relations(reference) or ()),
        *(read_concept_relations(reference) or ()),
    ]


def _find_mentions(reference: Doc) -> dict[str, NDArray[numpy.int64]]:
    """Find the spans, as codes, that stand for each concept."""
    ents = reference.ents
    bounds = numpy.array([(ent.start, ent.end) for ent in ents]).reshape(-1, 2)
    codes: dict[str, list[int]] = {}
    for ent, code in zip(ents, _to_codes(reference, bounds).tolist(), strict=True):
        for concept in ent.kb_id_.split("|"):
            codes.setdefault(concept, []).append(code)
    codes.pop("", None)
    return {concept: numpy.array(found) for concept, found in codes.items()}


def _to_codes(doc: Doc, bounds: NDArray[Any]) -> NDArray[numpy.int64]:
    """Give spans [N, 2] in tokens one number each that says their characters."""
    if not len(bounds):
        return numpy.zeros(0, dtype="int64")
    starts, lengths = doc.to_array(["IDX", "LENGTH"]).astype("int64").T
    first, last = bounds.astype("int64").T
    ends: NDArray[numpy.int64] = starts[last - 1] + lengths[last - 1]
    return (starts[first] << 32) + ends
