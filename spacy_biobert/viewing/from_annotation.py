"""Docs and documents of a corpus to what the page shows of them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from spacy.tokens import Doc, SpanGroup

from ..converters.concepts import split_concepts, unescape_concept
from ..converters.probabilities import split_confidence
from ..extensions import read_concept_relations, read_relations
from ..types import AnnotatedDocument, ConceptRelation, Passage
from .records import (
    ARGUMENTS,
    ShownDocument,
    ShownMention,
    ShownRelation,
    span_layer,
)


def show_doc(doc: Doc, number: int) -> ShownDocument:
    """Take from a Doc what the page shows: entities, spans, relations, topics.

    doc (Doc): Gold, or annotated by a pipeline. The probabilities of a group of spans
        are in `attrs["scores"]`, where spaCy's span categorizer puts them.
    number (int): Names it where it has no id.
    RETURNS (ShownDocument): The record.
    RAISES (ValueError): If the stored relations are malformed.
    """
    confidences = doc.user_data.get("entity_confidences", {})
    attributes = doc.user_data.get("entity_attributes", {})
    mentions = []
    for ent in doc.ents:
        key = f"{ent.start}:{ent.end}:{ent.label_}"
        mentions.append(
            ShownMention(
                ent.start_char,
                ent.end_char,
                ent.label_,
                confidence=confidences.get(key),
                concepts=split_concepts(ent.kb_id_),
                attributes=tuple(attributes.get(key, ())),
            )
        )
    for key, group in doc.spans.items():
        mentions += _spans(key, group)
    relations = _mention_relations(doc, mentions)
    relations += _concept_relations(
        (
            ConceptRelation(unescape_concept(row[0]), unescape_concept(row[1]), row[2])
            for row in read_concept_relations(doc) or ()
        ),
        mentions,
    )
    return ShownDocument(
        str(doc.user_data.get("document_id") or f"Document {number}"),
        doc.text,
        title=str(doc.user_data.get("title") or ""),
        language=doc.lang_,
        passages=tuple(
            Passage(int(start), int(end), str(label))
            for start, end, label in doc.user_data.get("passages", ())
        ),
        mentions=tuple(mentions),
        relations=tuple(relations),
        topics=dict(doc.cats),
    )


def show_document(
    document: AnnotatedDocument, categories: Iterable[str]
) -> ShownDocument:
    """Take from a document of a corpus what the page shows, as the file has it.

    Mentions need no tokens here: none is moved to their bounds, none that overlaps
    another is left out.

    document (AnnotatedDocument): The document.
    categories (Iterable[str]): The label set of the corpus.
    RETURNS (ShownDocument): The record.
    """
    mentions = []
    for mention in document.mentions or ():
        confidence, attributes = split_confidence(mention.attributes)
        mentions.append(
            ShownMention(
                mention.start,
                mention.end,
                mention.label,
                confidence=confidence,
                concepts=mention.concepts,
                attributes=attributes,
            )
        )
    relations = [
        ShownRelation((found.arg1,), (found.arg2,), found.label, score=found.score)
        for found in document.mention_relations or ()
    ]
    relations += _concept_relations(document.concept_relations or (), mentions)
    chosen = document.categories
    return ShownDocument(
        document.id,
        document.text,
        passages=document.passages,
        mentions=tuple(mentions),
        relations=tuple(relations),
        topics={}
        if chosen is None
        else {label: float(label in chosen) for label in (*categories, *chosen)},
    )


def _spans(key: str, group: SpanGroup) -> list[ShownMention]:
    scores = list(group.attrs.get("scores", ()))
    stated = scores if len(scores) == len(group) else [None] * len(group)
    return [
        ShownMention(
            span.start_char,
            span.end_char,
            span.label_,
            layer=span_layer(key),
            confidence=None if score is None else float(score),
            concepts=split_concepts(span.kb_id_),
        )
        for span, score in zip(group, stated, strict=True)
    ]


def _mention_relations(doc: Doc, mentions: list[ShownMention]) -> list[ShownRelation]:
    """Read the relations; an end that is no entity is added to the mentions."""
    index = {(ent.start, ent.end): i for i, ent in enumerate(doc.ents)}

    def find(start: int, end: int) -> tuple[int]:
        if (start, end) not in index:
            index[start, end] = len(mentions)
            span = doc[start:end]
            mentions.append(
                ShownMention(span.start_char, span.end_char, "end", layer=ARGUMENTS)
            )
        return (index[start, end],)

    return [
        ShownRelation(
            find(row.start1, row.end1), find(row.start2, row.end2), row.label, row.score
        )
        for row in read_relations(doc) or ()
    ]


def _concept_relations(
    relations: Iterable[ConceptRelation], mentions: Sequence[ShownMention]
) -> list[ShownRelation]:
    named = defaultdict(list)
    for i, mention in enumerate(mentions):
        for concept in mention.concepts:
            named[concept].append(i)
    return [
        ShownRelation(
            tuple(named.get(relation.arg1, ())),
            tuple(named.get(relation.arg2, ())),
            relation.label,
            concept1=relation.arg1,
            concept2=relation.arg2,
        )
        for relation in relations
    ]
