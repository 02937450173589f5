"""spaCy Docs to annotated documents: what `to_docs` stores, read back."""

from collections import Counter

from spacy.tokens import Doc

from ..extensions import get_name, read_concept_relations, read_relations
from ..types import (
    AnnotatedDocument,
    ConceptRelation,
    Mention,
    MentionRelation,
    Passage,
)
from .concepts import split_concepts, unescape_concept
from .probabilities import APPLIES, CONFIDENCE, DIGITS


def from_doc(doc: Doc, lost: Counter[str]) -> AnnotatedDocument:
    """Read the annotation of a Doc, as docs/design.md describes it.

    doc (Doc): The document, gold or annotated by a pipeline.
    lost (Counter[str]): Counts the relations of tokens that are no entity, and the
        documents that state which labels they are annotated with.
    RETURNS (AnnotatedDocument): The document. The confidence of an entity is the
        attribute "confidence" of its mention.
    RAISES (ValueError): If the stored relations are malformed.
    """
    ents = [(ent.start, ent.end) for ent in doc.ents]
    lost["stated labels of documents"] += "annotated_labels" in doc.user_data
    concepts = read_concept_relations(doc)
    return AnnotatedDocument(
        get_name(doc),
        doc.text,
        mentions=_mentions(doc),
        mention_relations=_relations(doc, ents, lost),
        concept_relations=None
        if concepts is None
        else tuple(
            ConceptRelation(unescape_concept(row[0]), unescape_concept(row[1]), row[2])
            for row in concepts
        ),
        categories=tuple(label for label, p in doc.cats.items() if p >= APPLIES)
        if doc.cats
        else None,
        passages=tuple(
            Passage(int(start), int(end), str(label))
            for start, end, label in doc.user_data.get("passages", ())
        ),
    )


def _mentions(doc: Doc) -> tuple[Mention, ...] | None:
    if not doc.ents and not any(token.ent_iob for token in doc):
        return None
    attributes = doc.user_data.get("entity_attributes", {})
    confidences = doc.user_data.get("entity_confidences", {})

    def described(key: str) -> tuple[str, ...]:
        stated = tuple(attributes.get(key, ()))
        if key not in confidences:
            return stated
        return (*stated, f"{CONFIDENCE}={round(confidences[key], DIGITS)}")

    return tuple(
        Mention(
            ent.start_char,
            ent.end_char,
            ent.text,
            ent.label_,
            split_concepts(ent.kb_id_),
            described(f"{ent.start}:{ent.end}:{ent.label_}"),
        )
        for ent in doc.ents
    )


def _relations(
    doc: Doc, ents: list[tuple[int, int]], lost: Counter[str]
) -> tuple[MentionRelation, ...] | None:
    rows = read_relations(doc)
    if rows is None:
        return None
    index = {bounds: i for i, bounds in enumerate(ents)}
    kept = []
    for row in rows:
        arg1 = index.get((row.start1, row.end1))
        arg2 = index.get((row.start2, row.end2))
        if arg1 is None or arg2 is None:
            lost["relations of tokens that are no entity"] += 1
        else:
            # Gold relations have 1.0, which nobody computed.
            score = None if row.score == 1.0 else round(row.score, DIGITS)
            kept.append(MentionRelation(arg1, arg2, row.label, score))
    return tuple(kept)
