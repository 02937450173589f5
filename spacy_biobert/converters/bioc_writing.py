"""Annotated documents to BioC documents, as `bioc.parse_document` reads them."""

import json
from collections import Counter

from ..types import AnnotatedDocument, Mention, Passage
from .bioc import RESERVED, SCORE, SEPARATORS, UNKNOWN, Node
from .formats import KINDS


def make_document(document: AnnotatedDocument, lost: Counter[str]) -> Node:
    """Write a document as BioC's JSON has it.

    document (AnnotatedDocument): The document.
    lost (Counter[str]): Counts what has no place.
    RETURNS (dict): What `parse_document` reads.
    """
    kinds = [kind for kind in KINDS if getattr(document, kind) is not None]
    infons = {"annotated": ",".join(kinds)}
    if document.categories is not None:
        infons["categories"] = json.dumps(document.categories, ensure_ascii=False)
    passages = _divided(document, lost)
    made: list[Node] = [
        {
            "offset": passage.start,
            "infons": {"type": passage.label} if passage.label else {},
            "text": document.text[passage.start : passage.end],
            "sentences": [],
            "annotations": [],
            "relations": [],
        }
        for passage in passages
    ]
    across: list[Node] = []
    for index, mention in enumerate(document.mentions or ()):
        node = _annotation(index, mention, document.text, lost)
        inside = (
            i
            for i, p in enumerate(passages)
            if p.start <= mention.start and mention.end <= p.end
        )
        number = next(inside, None)
        (across if number is None else made[number]["annotations"]).append(node)
    return {
        "id": document.id,
        "infons": infons,
        "passages": made,
        "annotations": across,
        "relations": _relations(document),
    }


def _annotation(index: int, mention: Mention, text: str, lost: Counter[str]) -> Node:
    infons = {"type": mention.label}
    concepts = [c for c in mention.concepts if not SEPARATORS.search(c)]
    concepts = [c for c in concepts if c == c.strip() and c not in UNKNOWN]
    lost["concept ids with a separator"] += len(mention.concepts) - len(concepts)
    if concepts:
        infons["identifier"] = ",".join(concepts)
    for attribute in mention.attributes:
        key, sign, value = attribute.partition("=")
        if key in RESERVED or key in infons or (sign and not value):
            lost["attributes of mentions"] += 1
        else:
            infons[key] = value
    return {
        "id": str(index),
        "infons": infons,
        "text": text[mention.start : mention.end],
        "locations": [{"offset": mention.start, "length": mention.end - mention.start}],
    }


def _relations(document: AnnotatedDocument) -> list[Node]:
    nodes: list[Node] = [
        {
            "infons": {"type": relation.label, **_score(relation.score)},
            "nodes": [
                {"refid": str(relation.arg1), "role": "arg1"},
                {"refid": str(relation.arg2), "role": "arg2"},
            ],
        }
        for relation in document.mention_relations or ()
    ]
    nodes += [
        {
            "infons": {
                "entity1": relation.arg1,
                "entity2": relation.arg2,
                "type": relation.label,
            },
            "nodes": [],
        }
        for relation in document.concept_relations or ()
    ]
    return [{"id": f"R{index}", **node} for index, node in enumerate(nodes)]


def _score(score: float | None) -> dict[str, str]:
    return {} if score is None else {SCORE: repr(score)}


def _divided(document: AnnotatedDocument, lost: Counter[str]) -> tuple[Passage, ...]:
    """Give the passages if reading them gives the same text; else one for all."""
    passages, text = document.passages, document.text
    whole = (Passage(0, len(text), ""),)
    if not passages:
        return whole
    ends = [0, *(passage.end for passage in passages)]
    fits = ends[-1] == len(text) and passages != whole
    for end, passage in zip(ends, passages, strict=False):
        gap = text[end : passage.start]
        tight = end == 0 or text[end - 1].isspace()
        joined = (gap == "" and tight) or (gap == " " and end > 0)
        fits &= end <= passage.start < passage.end and joined
    if not fits:
        lost["passages"] += len(passages)
    return passages if fits else whole
