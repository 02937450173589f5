"""The attributes that the library adds to spaCy's Doc and Span.

What they read is plain data in `doc.user_data`, so that it survives `to_bytes`,
`DocBin(store_user_data=True)`, pickle, `doc.copy()` and `nlp.pipe(n_process=2)`.
spaCy does not carry it over where the tokens change: `Doc.from_docs` leaves it out
with a warning, `Span.as_doc()` without one. `Span.as_doc(copy_user_data=True)` and
the retokenizer keep the old token offsets, which then point to other tokens.
"""

import operator
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from spacy.tokens import Doc, Span

from .errors import Errors, Warnings


class RelationRow(NamedTuple):
    """A relation as it is stored: bounds in tokens, the end exclusive."""

    start1: int
    end1: int
    start2: int
    end2: int
    label: str
    score: float


class ConceptRow(NamedTuple):
    """A gold relation between two concepts, wherever the document names them."""

    concept1: str
    concept2: str
    label: str


@dataclass(frozen=True, slots=True)
class DocRelation:
    """A relation as it is read from `doc._.relations`.

    arg1 and arg2 are the doc's entities where it has some with these bounds, so
    that they carry a label. The score is a probability, 1.0 for gold annotation.
    """

    arg1: Span
    arg2: Span
    label: str
    score: float


def add_span_confidence() -> None:
    """Add `span._.confidence`: the probability of an entity, or None if unknown.

    Somebody else's attribute of this name stays, with a warning.
    """
    _add(Span, "confidence", "entity_confidences", getter=_get_confidence)


def add_doc_relations() -> None:
    """Add `doc._.relations`: a list of `DocRelation`, empty if there are none.

    Assigning such a list stores it. Somebody else's attribute of this name stays,
    with a warning.
    """
    _add(Doc, "relations", "relations", getter=_get_relations, setter=_set_relations)


def read_relations(doc: Doc) -> list[RelationRow] | None:
    """Read the relations between mentions as they are stored, and check them.

    doc (Doc): The document.
    RETURNS (list[RelationRow] | None): In the stored order; None if the document
        is not annotated with them.
    RAISES (ValueError): If the stored data is malformed or points outside of the
        document.
    """
    stored = doc.user_data.get("relations")
    if stored is None:
        return None
    return [_read_row(doc, row) for row in stored]


def read_concept_relations(doc: Doc) -> list[ConceptRow] | None:
    """Read the gold relations between concepts as they are stored, and check them.

    doc (Doc): The document.
    RETURNS (list[ConceptRow] | None): In the stored order; None if the document is
        not annotated with them.
    RAISES (ValueError): If the stored data is malformed.
    """
    stored = doc.user_data.get("concept_relations")
    if stored is None:
        return None
    rows = []
    for row in stored:
        if len(row) != 3 or not all(isinstance(part, str) for part in row):
            raise ValueError(Errors.B451.format(document=get_name(doc), found=row))
        rows.append(ConceptRow(*row))
    return rows


def read_annotated_labels(doc: Doc) -> frozenset[str] | None:
    """Read of which labels a document has all entities, and check that.

    doc (Doc): The document, with gold entities.
    RETURNS (frozenset[str] | None): The labels; None if that is all there are.
    RAISES (ValueError): If the stored data is malformed, or if an entity has a label
        that is not among them.
    """
    stored = doc.user_data.get("annotated_labels")
    if stored is None:
        return None
    if isinstance(stored, str) or not all(isinstance(label, str) for label in stored):
        raise ValueError(Errors.B470.format(document=get_name(doc), found=stored))
    labels = frozenset(stored)
    unstated = {ent.label_ for ent in doc.ents} - labels
    if unstated:
        raise ValueError(
            Errors.B471.format(
                document=get_name(doc),
                stated=", ".join(sorted(labels)),
                found=", ".join(sorted(unstated)),
            )
        )
    return labels


def get_name(doc: Doc) -> str:
    """Name a document in a message: by its id, or by how it begins."""
    return str(doc.user_data.get("document_id") or doc.text[:40])


def _read_row(doc: Doc, row: Any) -> RelationRow:
    try:
        *bounds, label, score = row
        start1, end1, start2, end2 = map(operator.index, bounds)
        relation = RelationRow(start1, end1, start2, end2, label, float(score))
    except (TypeError, ValueError) as error:
        raise ValueError(
            Errors.B450.format(document=get_name(doc), found=row, n_tokens=len(doc))
        ) from error
    if (
        not isinstance(label, str)
        or not 0 <= start1 < end1 <= len(doc)
        or not 0 <= start2 < end2 <= len(doc)
    ):
        raise ValueError(
            Errors.B450.format(document=get_name(doc), found=row, n_tokens=len(doc))
        )
    return relation


def _add(
    owner: type[Doc] | type[Span],
    name: str,
    key: str,
    *,
    getter: Callable[..., Any],
    setter: Callable[..., None] | None = None,
) -> None:
    if not owner.has_extension(name):
        owner.set_extension(name, getter=getter, setter=setter)
    elif owner.get_extension(name)[2] is not getter:
        warnings.warn(
            Warnings.B453.format(owner=owner.__name__, name=name, key=key),
            stacklevel=3,
        )


def _get_confidence(span: Span) -> float | None:
    confidences = span.doc.user_data.get("entity_confidences", {})
    confidence: float | None = confidences.get(f"{span.start}:{span.end}:{span.label_}")
    return confidence


def _get_relations(doc: Doc) -> list[DocRelation]:
    rows = read_relations(doc)
    if not rows:
        return []
    ents = {(ent.start, ent.end): ent for ent in doc.ents}

    def get_span(start: int, end: int) -> Span:
        return ents.get((start, end)) or doc[start:end]

    return [
        DocRelation(
            arg1=get_span(row.start1, row.end1),
            arg2=get_span(row.start2, row.end2),
            label=row.label,
            score=row.score,
        )
        for row in rows
    ]


def _set_relations(doc: Doc, relations: Iterable[DocRelation]) -> None:
    rows = []
    for relation in relations:
        for span in (relation.arg1, relation.arg2):
            if span.doc is not doc:
                raise ValueError(
                    Errors.B452.format(document=get_name(doc), found=span.text)
                )
        rows.append(
            (
                relation.arg1.start,
                relation.arg1.end,
                relation.arg2.start,
                relation.arg2.end,
                relation.label,
                float(relation.score),
            )
        )
    doc.user_data["relations"] = rows


def copy_doc(doc: Doc) -> Doc:
    """Copy a doc. What its user data holds, such as an encoder's vectors, is shared.

    doc (Doc): The doc.
    RETURNS (Doc): A copy with a dict of its own for user data.
    """
    data = doc.user_data
    doc.user_data = {}
    try:
        copied = doc.copy()
    finally:
        doc.user_data = data
    copied.user_data = dict(data)
    return copied
