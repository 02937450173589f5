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
Kinds = type | tuple[type, ...]
# As messages call what JSON has.
KIND_NAMES: dict[type, str] = {
    str: "a text",
    int: "an integer",
    float: "a number",
    list: "a list",
    dict: "an object",
    bool: "true or false",
}


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
        text = _take(record, "text", str)
        mentions, kept = _mentions(record, text, source, line)
        return AnnotatedDocument(
            str(_take(record, "id", (str, int))),
            text,
            mentions=mentions,
            mention_relations=_relations(record, kept),
            concept_relations=_concept_relations(record),
            categories=_categories(record),
            passages=_passages(record),
        )
    except _WrongPart as error:
        raise SourceError(
            Errors.B518.format(path=source.path, format=NAME, line=line, reason=error)
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


class _WrongPart(Exception):
    """A part of a document is missing, or of another type."""


def _take(row: Record, key: str, kinds: Kinds, where: str = "") -> Any:
    """Give a value of an object, which has to be there and of one of the kinds."""
    found = row.get(key)
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    if not isinstance(found, kinds) or (isinstance(found, bool) and bool not in kinds):
        named = (kind for kind in kinds if kind is not int or float not in kinds)
        expected = " or ".join(KIND_NAMES[kind] for kind in named)
        shown = f"{found!r:.60}" if key in row else "nothing"
        raise _WrongPart(f"{where}'{key}' has to be {expected}, is {shown}")
    return found


def _optional(row: Record, key: str, kinds: Kinds, where: str) -> Any:
    """Give a value that may be missing or null: None."""
    return None if row.get(key) is None else _take(row, key, kinds, where)


def _rows(record: Record, key: str) -> Iterator[tuple[Record, str]]:
    """Give the objects of a list, each with its place for messages."""
    for number, row in enumerate(_take(record, key, list)):
        where = f"{key}[{number}]"
        if not isinstance(row, dict):
            raise _WrongPart(f"{where} has to be an object, is {row!r:.60}")
        yield row, f"{where}: "


def _texts(row: Record, key: str, where: str) -> tuple[str, ...]:
    found = _take(row, key, list, where) if key in row else []
    for text in found:
        if not isinstance(text, str):
            raise _WrongPart(f"{where}'{key}' has to hold texts, holds {text!r:.60}")
    return tuple(found)


def _mentions(
    record: Record, text: str, source: Source, line: int
) -> tuple[tuple[Mention, ...] | None, list[int | None]]:
    """Read the entities, and give the new index of each, None if it was left out."""
    if "entities" not in record:
        return None, []
    mentions: list[Mention] = []
    kept: list[int | None] = []
    for entity, at in _rows(record, "entities"):
        bounds = [(_take(entity, "start", int, at), _take(entity, "end", int, at))]
        stated = _optional(entity, "text", str, at)
        found = place(source, text, bounds, stated=stated, where=f"line {line}")
        kept.append(None if found is None else len(mentions))
        if found is None:
            continue
        attributes = _texts(entity, "attributes", at)
        confidence = _optional(entity, CONFIDENCE, (float, int), at)
        if confidence is not None:
            attributes += (f"{CONFIDENCE}={float(confidence)}",)
        concepts = _texts(entity, "concepts", at)
        label = _take(entity, "label", str, at)
        mentions.append(
            Mention(*found, text[slice(*found)], label, concepts, attributes)
        )
    return tuple(mentions), kept


def _relations(
    record: Record, kept: list[int | None]
) -> tuple[MentionRelation, ...] | None:
    if "relations" not in record:
        return None
    relations = []
    for row, at in _rows(record, "relations"):
        ends = [_take(row, key, int, at) for key in ("arg1", "arg2")]
        for end in ends:
            if not 0 <= end < len(kept):
                raise _WrongPart(
                    f"{at}arg1 and arg2 count the entities from 0, of which there are "
                    f"{len(kept)}, found {end}"
                )
        arg1, arg2 = (kept[end] for end in ends)
        label = _take(row, "label", str, at)
        score = _optional(row, "score", (float, int), at)
        if arg1 is not None and arg2 is not None:
            score = None if score is None else float(score)
            relations.append(MentionRelation(arg1, arg2, label, score))
    return tuple(relations)


def _concept_relations(record: Record) -> tuple[ConceptRelation, ...] | None:
    if "concept_relations" not in record:
        return None
    return tuple(
        ConceptRelation(
            *(_take(row, key, str, at) for key in ("concept1", "concept2", "label"))
        )
        for row, at in _rows(record, "concept_relations")
    )


def _categories(record: Record) -> tuple[str, ...] | None:
    if "categories" not in record:
        return None
    found = _take(record, "categories", dict)
    return tuple(
        label
        for label in found
        if _take(found, label, (float, int, bool), "categories: ") >= APPLIES
    )


def _passages(record: Record) -> tuple[Passage, ...]:
    if "divisions" not in record:
        return ()
    return tuple(
        Passage(
            _take(row, "start", int, at),
            _take(row, "end", int, at),
            _take(row, "label", str, at),
        )
        for row, at in _rows(record, "divisions")
    )


FORMAT = Format(
    read=read_annotated,
    write=write_annotated,
    holds=frozenset((*KINDS, *DETAILS)),
    states=frozenset(KINDS),
    # Other JSON lines have a text, too, but no list of entities.
    looks=lambda head, _: head.startswith(b'{"id":') and b'"entities": [' in head,
    suffixes=(".jsonl",),
)
