"""Annotated documents as JSON lines: all that a document can have, one object a line.

    {"id": "1", "text": "Aspirin heals.", "divisions": [{"start", "end", "label"}],
     "entities": [{"start", "end", "text", "label", "confidence", "concepts",
     "attributes"}], "relations": [{"arg1", "arg2", "label", "score"}],
     "concept_relations": [{"concept1", "concept2", "label"}],
     "categories": {"treatment": 0.93}}

Offsets are in characters, arg1 and arg2 count the entities from 0. What is not there is
not annotated. Other keys are not read.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..errors import Errors
from ..types import (
    AnnotatedDocument,
    ConceptRelation,
    Mention,
    MentionRelation,
    Passage,
)
from .faults import SourceError
from .formats import DETAILS, KINDS, Format, Source, Target
from .jsonl import read_objects
from .lines import text_lines
from .places import place
from .probabilities import APPLIES, CONFIDENCE, split_confidence

NAME = "jsonl"
Record = dict[str, Any]


def make_record(
    document: AnnotatedDocument, scores: Mapping[str, float] | None = None
) -> Record:
    """Give a document as the JSON object that `parse_record` reads.

    document (AnnotatedDocument): The document.
    scores (Mapping[str, float] or None): The probability of each category; None
        gives those that apply 1.0.
    RETURNS (dict): The object.
    """
    record: Record = {"id": document.id, "text": document.text}
    if document.passages:
        record["divisions"] = [
            {"start": p.start, "end": p.end, "label": p.label}
            for p in document.passages
        ]
    if document.mentions is not None:
        record["entities"] = [_entity(mention) for mention in document.mentions]
    if document.mention_relations is not None:
        record["relations"] = [
            {"arg1": r.arg1, "arg2": r.arg2, "label": r.label}
            | ({} if r.score is None else {"score": r.score})
            for r in document.mention_relations
        ]
    if document.concept_relations is not None:
        record["concept_relations"] = [
            {"concept1": r.arg1, "concept2": r.arg2, "label": r.label}
            for r in document.concept_relations
        ]
    if document.categories is not None:
        record["categories"] = dict(scores or dict.fromkeys(document.categories, 1.0))
    return record


def parse_record(record: Record, source: Source, line: int) -> AnnotatedDocument:
    """Read a document that `make_record` gave.

    record (dict): The object.
    source (Source): How to read it, and where problems go.
    line (int): Its line, for messages.
    RETURNS (AnnotatedDocument): The categories are those that apply.
    RAISES (SourceError): If a part is missing or of the wrong type, or an annotation
        is wrong and `source` does not leave it out.
    """
    try:
        text = _text(record["text"])
        mentions, kept = _mentions(record, text, source, line)
        return AnnotatedDocument(
            str(record["id"]),
            text,
            mentions=mentions,
            mention_relations=_relations(record, kept),
            concept_relations=_concept_relations(record),
            categories=_categories(record),
            passages=tuple(
                Passage(int(p["start"]), int(p["end"]), _text(p["label"]))
                for p in record.get("divisions", ())
            ),
        )
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise SourceError(
            Errors.B518.format(path=source.path, format=NAME, line=line, reason=reason)
        ) from error


def read_annotated(source: Source) -> Iterator[AnnotatedDocument]:
    """Read annotated documents, one a line.

    source (Source): The file.
    YIELDS (AnnotatedDocument): In the order of the file.
    RAISES (SourceError): See `parse_record`.
    """
    for line, record in read_objects(text_lines(source.file), path=source.path):
        yield parse_record(record, source, line)


def write_annotated(documents: Iterable[AnnotatedDocument], target: Target) -> None:
    """Write annotated documents, one a line."""
    with target.open("annotated.jsonl") as file:
        for document in documents:
            file.write(json.dumps(make_record(document), ensure_ascii=False) + "\n")


def _entity(mention: Mention) -> Record:
    entity: Record = {
        "start": mention.start,
        "end": mention.end,
        "text": mention.text,
        "label": mention.label,
    }
    confidence, attributes = split_confidence(mention.attributes)
    if confidence is not None:
        entity[CONFIDENCE] = confidence
    if mention.concepts:
        entity["concepts"] = list(mention.concepts)
    if attributes:
        entity["attributes"] = list(attributes)
    return entity


def _mentions(
    record: Record, text: str, source: Source, line: int
) -> tuple[tuple[Mention, ...] | None, list[int | None]]:
    """Read the entities, and give the new index of each, None if it was left out."""
    if "entities" not in record:
        return None, []
    mentions: list[Mention] = []
    kept: list[int | None] = []
    for entity in record["entities"]:
        bounds = [(int(entity["start"]), int(entity["end"]))]
        where = f"line {line}"
        found = place(source, text, bounds, stated=entity.get("text"), where=where)
        kept.append(None if found is None else len(mentions))
        if found is None:
            continue
        attributes = [_text(attribute) for attribute in entity.get("attributes", ())]
        if CONFIDENCE in entity:
            attributes.append(f"{CONFIDENCE}={float(entity[CONFIDENCE])}")
        concepts = tuple(_text(concept) for concept in entity.get("concepts", ()))
        label = _text(entity["label"])
        mentions.append(
            Mention(*found, text[slice(*found)], label, concepts, tuple(attributes))
        )
    return tuple(mentions), kept


def _relations(
    record: Record, kept: list[int | None]
) -> tuple[MentionRelation, ...] | None:
    if "relations" not in record:
        return None
    relations = []
    for row in record["relations"]:
        if min(row["arg1"], row["arg2"]) < 0:
            raise IndexError("arg1 and arg2 count from 0")
        arg1, arg2 = kept[row["arg1"]], kept[row["arg2"]]
        score = None if row.get("score") is None else float(row["score"])
        if arg1 is not None and arg2 is not None:
            relations.append(MentionRelation(arg1, arg2, _text(row["label"]), score))
    return tuple(relations)


def _concept_relations(record: Record) -> tuple[ConceptRelation, ...] | None:
    if "concept_relations" not in record:
        return None
    return tuple(
        ConceptRelation(_text(r["concept1"]), _text(r["concept2"]), _text(r["label"]))
        for r in record["concept_relations"]
    )


def _categories(record: Record) -> tuple[str, ...] | None:
    if "categories" not in record:
        return None
    return tuple(
        label for label, score in record["categories"].items() if score >= APPLIES
    )


def _text(found: object) -> str:
    if not isinstance(found, str):
        raise TypeError(f"expected text, found {found!r:.60}")
    return found


FORMAT = Format(
    read=read_annotated,
    write=write_annotated,
    holds=frozenset((*KINDS, *DETAILS)),
    states=frozenset(KINDS),
    # Other JSON lines have a text, too, but no list of entities.
    looks=lambda head, _: head.startswith(b'{"id":') and b'"entities": [' in head,
    suffixes=(".jsonl",),
)
