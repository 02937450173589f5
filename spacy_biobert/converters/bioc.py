"""BioC documents, as the JSON has them, to annotated documents.

The XML is read into the same objects. Where others leave it open, this is how our
documents are written: a mention's label is the infon "type", its concepts are joined
by commas in "identifier"; a relation between concepts has the infons "entity1",
"entity2" and "type" and no nodes, as in BioRED. The document's infon "annotated" names
the kinds of annotation that it has, and "categories" holds those.
"""

import json
import re
from dataclasses import dataclass, field
from math import isfinite
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
from .formats import DETAILS, KINDS, Source
from .places import place, size

HOLDS = frozenset((*KINDS, *DETAILS))
STATES = frozenset(KINDS)
LABELS = ("type", "label", "relation")
CONCEPTS = ("identifier", "Identifier", "MESH", "accession")
SCORE = "score"
RESERVED = frozenset((*LABELS, *CONCEPTS))
SEPARATORS = re.compile(r"[,;]")
UNKNOWN = frozenset(("", "-", "-1"))
NO_LABEL = "ENTITY"
# Of more spaces between two sentences the offsets are wrong.
MOST_SPACE = 1_000

Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A passage or sentence: where it is in the file's offsets, and in the text."""

    offset: int
    start: int
    text: str


@dataclass(slots=True)
class _Reading:
    """What was read of a document so far."""

    source: Source
    where: str
    text: str = ""
    stretches: list[_Stretch] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    # With the stretch they stand in, None for those of the whole document.
    annotations: list[tuple[_Stretch | None, Node]] = field(default_factory=list)
    relations: list[Node] = field(default_factory=list)
    mentions: list[Mention] = field(default_factory=list)
    # The mentions by their ids in the file; None for one that was left out.
    by_id: dict[str, int | None] = field(default_factory=dict)


def parse_document(found: Node, source: Source) -> AnnotatedDocument:
    """Read a BioC document.

    found (dict): The document, of JSON.
    source (Source): How to read it, and where problems go.
    RETURNS (AnnotatedDocument): Its text is its passages', joined by one space (by
        none, if the one before ends with one and the offsets leave no place); the
        sentences of a passage stand as far apart as their offsets say. Mentions
        count as annotated always, other annotation if there is some, unless the
        infon "annotated" says it.
    RAISES (SourceError): If a part is missing or of the wrong type, or an annotation
        is wrong and `source` does not leave it out.
    """
    name = str(_get(found, "id", (str, int), source, "a document"))
    read = _Reading(source, f"document {name}")
    for passage in _get(found, "passages", (list,), source, read.where):
        _read_passage(_node(passage, read), read)
    _collect(found, None, read)
    infons = _infons(found)
    if "annotated" in infons:  # ours, where ids are the order over all passages
        read.annotations.sort(key=_order)
    for stretch, annotation in read.annotations:
        _read_annotation(annotation, stretch, read)
    mention_relations: list[MentionRelation] = []
    concept_relations: list[ConceptRelation] = []
    for relation in read.relations:
        _read_relation(relation, mention_relations, concept_relations, read)
    kinds: dict[str, list[Any]] = {
        "mentions": read.mentions,
        "mention_relations": mention_relations,
        "concept_relations": concept_relations,
        "categories": _categories(infons, read),
    }
    if "annotated" in infons:
        stated = set(infons["annotated"].split(","))
    else:
        stated = {"mentions"} | {kind for kind, entries in kinds.items() if entries}
    given = {kind: tuple(kinds[kind]) for kind in stated & set(kinds)}
    labelled = len(read.passages) > 1 or any(p.label for p in read.passages)
    return AnnotatedDocument(
        name, read.text, passages=tuple(read.passages) if labelled else (), **given
    )


def _order(annotation: tuple[_Stretch | None, Node]) -> int:
    name = str(annotation[1].get("id", ""))
    return int(name) if name.isdecimal() else 0


def _read_passage(passage: Node, read: _Reading) -> None:
    offset = _get(passage, "offset", (int,), read.source, read.where)
    text = _text(passage)
    inner: list[tuple[Node, int, str]] = []
    if not text:
        text, inner = _join_sentences(passage, offset, read)
    else:
        inner = [(_node(s, read), -1, "") for s in _list(passage, "sentences", read)]
    if not text:
        _collect(passage, None, read)
        return
    before = read.stretches[-1] if read.stretches else None
    if before is not None:
        unit = read.source.offsets
        ends = before.offset + size(before.text, unit)
        tight = offset == ends and before.text[-1:].isspace()
        read.text += "" if tight else " "
    start = len(read.text)
    read.text += text
    infons = _infons(passage)
    label = infons.get("type") or infons.get("section_type") or ""
    read.passages.append(Passage(start, len(read.text), label))
    stretch = _Stretch(offset, start, text)
    read.stretches.append(stretch)
    _collect(passage, stretch, read)
    for sentence, at, content in inner:
        within = stretch
        if at >= 0:
            within = _Stretch(int(sentence["offset"]), start + at, content)
            read.stretches.append(within)
        _collect(sentence, within, read)


def _join_sentences(
    passage: Node, offset: int, read: _Reading
) -> tuple[str, list[tuple[Node, int, str]]]:
    """Put the sentences of a passage together; give each with its start in the text."""
    text, end = "", offset
    inner = []
    for found in _list(passage, "sentences", read):
        sentence = _node(found, read)
        begins = _get(sentence, "offset", (int,), read.source, read.where)
        gap = begins - end
        if text:
            text += " " * (gap if 0 <= gap <= MOST_SPACE else 1)
        inner.append((sentence, len(text), _text(sentence)))
        text += _text(sentence)
        end = begins + size(_text(sentence), read.source.offsets)
    return text, inner


def _collect(node: Node, stretch: _Stretch | None, read: _Reading) -> None:
    """Keep a node's annotations and relations until the whole text is known."""
    for annotation in _list(node, "annotations", read):
        read.annotations.append((stretch, _node(annotation, read)))
    for relation in _list(node, "relations", read):
        read.relations.append(_node(relation, read))


def _read_annotation(
    annotation: Node, stretch: _Stretch | None, read: _Reading
) -> None:
    name = str(annotation.get("id", ""))
    parts = []
    for location in _list(annotation, "locations", read):
        where = f"{read.where}, annotation {name}"
        begins = _get(location, "offset", (int,), read.source, where)
        parts.append(
            (begins, begins + _get(location, "length", (int,), read.source, where))
        )
    read.by_id.setdefault(name, None)
    if not parts:
        read.source.notes["annotations without a place"] += 1
        return
    within = _stretch_of(parts, stretch, read)
    found = place(
        read.source,
        within.text,
        [(begins - within.offset, ends - within.offset) for begins, ends in parts],
        stated=_text(annotation) or None,
        where=f"{read.where}, annotation {name}",
    )
    if found is None:
        return
    start, end = found[0] + within.start, found[1] + within.start
    infons = _infons(annotation)
    label_key = next((key for key in LABELS if infons.get(key)), None)
    concept_key = next((key for key in CONCEPTS if key in infons), None)
    if label_key is None:
        read.source.notes[f"mentions without a label: {NO_LABEL}"] += 1
    if read.by_id[name] is None:
        read.by_id[name] = len(read.mentions)
    read.mentions.append(
        Mention(
            start,
            end,
            read.text[start:end],
            infons[label_key] if label_key else NO_LABEL,
            _concepts(infons[concept_key]) if concept_key else (),
            tuple(
                f"{key}={value}" if value else key
                for key, value in infons.items()
                if key not in (label_key, concept_key)
            ),
        )
    )


def _stretch_of(
    parts: list[tuple[int, int]], stated: _Stretch | None, read: _Reading
) -> _Stretch:
    """Find the passage or sentence that a mention is in; else take the whole text."""

    def holds(stretch: _Stretch) -> bool:
        last = stretch.offset + size(stretch.text, read.source.offsets)
        return all(stretch.offset <= a and b <= last for a, b in parts)

    if stated is not None and holds(stated):
        return stated
    for stretch in read.stretches:
        if holds(stretch):
            if stated is not None:
                read.source.notes["mentions outside of their passage"] += 1
            return stretch
    read.source.notes["mentions across passages"] += 1
    first = read.stretches[0].offset if read.stretches else 0
    return _Stretch(first, 0, read.text)


def _read_relation(
    relation: Node,
    of_mentions: list[MentionRelation],
    of_concepts: list[ConceptRelation],
    read: _Reading,
) -> None:
    infons = _infons(relation)
    key = next((key for key in LABELS if infons.get(key)), None)
    label = infons[key] if key else "relation"
    nodes = [_node(node, read) for node in _list(relation, "nodes", read)]
    if not nodes:
        concepts = _concept_pair(infons, key)
        if concepts is None:
            read.source.notes["relations that do not join two"] += 1
        else:
            of_concepts.append(ConceptRelation(*concepts, label))
        return
    ids = [str(node.get("refid", "")) for node in nodes]
    unknown = [name for name in ids if name not in read.by_id]
    if len(ids) != 2 or any(
        str(other.get("id")) == name for name in unknown for other in read.relations
    ):
        read.source.notes["relations that do not join two"] += 1
        return
    if unknown:
        read.source.report(
            Errors.B240.format(
                path=read.source.path,
                where=read.where,
                label=label,
                found=" and ".join(f"'{name}'" for name in unknown),
            )
        )
        return
    arg1, arg2 = (read.by_id[name] for name in ids)
    if arg1 is None or arg2 is None:
        read.source.notes["relations of mentions that were left out"] += 1
    else:
        score = _number(infons.get(SCORE, ""))
        of_mentions.append(MentionRelation(arg1, arg2, label, score))


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if isfinite(found) else None


def _concept_pair(
    infons: dict[str, str], label_key: str | None
) -> tuple[str, str] | None:
    if "entity1" in infons and "entity2" in infons:
        return infons["entity1"], infons["entity2"]
    # As in the BioC of BC5CDR: {"relation": "CID", "Chemical": ..., "Disease": ...}
    others = [value for key, value in infons.items() if key != label_key]
    return (others[0], others[1]) if len(others) == 2 else None


def _concepts(joined: str) -> tuple[str, ...]:
    ids = (part.strip() for part in SEPARATORS.split(joined))
    return tuple(dict.fromkeys(part for part in ids if part not in UNKNOWN))


def _categories(infons: dict[str, str], read: _Reading) -> list[str]:
    if "categories" not in infons:
        return []
    try:
        found = json.loads(infons["categories"])
    except json.JSONDecodeError:
        found = infons["categories"].split(",")
    if not isinstance(found, list) or not all(isinstance(x, str) for x in found):
        raise _wrong(read.source, read.where, "a list of labels in 'categories'", found)
    return found


def _infons(node: Node) -> dict[str, str]:
    found = node.get("infons") or {}
    return {
        str(key): str(value)
        for key, value in found.items()
        if isinstance(value, str | int | float)
    }


def _text(node: Node) -> str:
    found = node.get("text")
    return found if isinstance(found, str) else ""


def _list(node: Node, key: str, read: _Reading) -> list[Any]:
    found = node.get(key) or []
    if not isinstance(found, list):
        raise _wrong(read.source, read.where, f"a list in '{key}'", found)
    return found


def _node(found: object, read: _Reading) -> Node:
    if not isinstance(found, dict):
        raise _wrong(read.source, read.where, "an object", found)
    return found


def _get(
    node: Node, key: str, kinds: tuple[type, ...], source: Source, where: str
) -> Any:
    found = node.get(key) if isinstance(node, dict) else node
    if not isinstance(found, kinds) or isinstance(found, bool):
        names = " or ".join(kind.__name__ for kind in kinds)
        raise _wrong(source, where, f"'{key}' ({names})", found)
    return found


def _wrong(source: Source, where: str, expected: str, found: object) -> SourceError:
    shown = "nothing" if found is None else str(found)[:60]
    return SourceError(
        Errors.B239.format(
            path=source.path, where=where, expected=expected, found=shown
        )
    )
