"""The XML of the DDI corpus (drug-drug interactions) to annotated documents, and back.

A document's text is its sentences, with a space between where the first ends with none.
`charOffset` counts in a sentence and includes the last character. All pairs of drugs in
a sentence are listed; those that interact become relations. One of no type has "int".
"""

import re
from collections.abc import Iterable, Iterator
from itertools import combinations

from lxml import etree

from ..errors import Errors
from ..types import AnnotatedDocument, Mention, MentionRelation, Passage
from .faults import SourceError
from .formats import Format, Source, Target
from .markup import iter_elements, xml_text
from .names import file_name
from .pairs import find_sentences, sentence_of
from .places import place

# The corpus' own type for an interaction that is named and not described.
NO_TYPE = "int"
OFFSETS = re.compile(r"\d+-\d+(?:;\d+-\d+)*")


def read_ddi(source: Source) -> Iterator[AnnotatedDocument]:
    """Read the document of a file.

    source (Source): The file. Its notes count the pairs.
    YIELDS (AnnotatedDocument): One, its sentences as passages.
    RAISES (SourceError): If it is no XML or an attribute is missing, or an annotation
        is wrong.
    """
    for root in iter_elements(
        source.file, ("document",), root=("document",), path=source.path
    ):
        text = ""
        passages: list[Passage] = []
        mentions: list[Mention] = []
        relations: list[MentionRelation] = []
        for sentence in root.iterchildren("sentence"):
            text += " " if text and not text[-1].isspace() else ""
            base = len(text)
            content = _get(sentence, "text", source)
            text += content
            passages.append(Passage(base, len(text), "sentence"))
            index = _read_entities(sentence, content, base, mentions, source)
            _read_pairs(sentence, index, relations, source)
        yield AnnotatedDocument(
            _get(root, "id", source),
            text,
            mentions=tuple(mentions),
            mention_relations=tuple(relations),
            passages=tuple(passages),
        )


def write_ddi(documents: Iterable[AnnotatedDocument], target: Target) -> None:
    """Write a file per document, named by its id."""
    for document in documents:
        made = _document(xml_text(document, target.lost), target)
        with target.open(f"{file_name(document.id)}.xml") as file:
            file.write('<?xml version="1.0" encoding="UTF-8"?>\n')
            etree.indent(made, "    ")
            file.write(etree.tostring(made, encoding="unicode") + "\n")


def _read_entities(
    sentence: etree._Element,
    text: str,
    base: int,
    mentions: list[Mention],
    source: Source,
) -> dict[str, int | None]:
    """Add the mentions of a sentence; give them by their ids, None if left out."""
    index: dict[str, int | None] = {}
    for entity in sentence.iterchildren("entity"):
        name = _get(entity, "id", source)
        offsets = _get(entity, "charOffset", source).strip()
        if OFFSETS.fullmatch(offsets) is None:
            raise _wrong(entity, "charOffset like 3-7 or 3-7;9-12", offsets, source)
        pairs = (part.split("-") for part in offsets.split(";"))
        found = place(
            source,
            text,
            [(int(start), int(last) + 1) for start, last in pairs],
            stated=_get(entity, "text", source),
            where=f"entity {name}",
        )
        index[name] = None
        if found is not None:
            index[name] = len(mentions)
            start, end = found
            label = _get(entity, "type", source)
            mentions.append(Mention(base + start, base + end, text[start:end], label))
    return index


def _read_pairs(
    sentence: etree._Element,
    index: dict[str, int | None],
    relations: list[MentionRelation],
    source: Source,
) -> None:
    for pair in sentence.iterchildren("pair"):
        source.notes["pairs"] += 1
        if _get(pair, "ddi", source).strip().lower() != "true":
            continue
        label = str(pair.get("type", "")).strip()
        if not label:
            source.notes[f"true pairs without a type: {NO_TYPE}"] += 1
        ends = (_get(pair, "e1", source), _get(pair, "e2", source))
        unknown = [end for end in ends if end not in index]
        if unknown:
            source.report(
                Errors.B240.format(
                    path=source.path,
                    where=f"pair {pair.get('id')}",
                    label=label or NO_TYPE,
                    found=" or ".join(unknown),
                )
            )
            continue
        arg1, arg2 = (index[end] for end in ends)
        if arg1 is None or arg2 is None:
            source.notes["relations of mentions that were left out"] += 1
        else:
            relations.append(MentionRelation(arg1, arg2, label or NO_TYPE))


def _document(document: AnnotatedDocument, target: Target) -> etree._Element:
    text, mentions = document.text, document.mentions or ()
    spans = _tiled(document)
    others = [p for p in document.passages if p.label != "sentence"]
    target.lost["passages"] += len(others)
    home = [sentence_of(spans, m.start, m.end) for m in mentions]
    root = etree.Element("document", id=document.id)
    for number, (start, end) in enumerate(spans):
        name = f"{document.id}.s{number}"
        sentence = etree.SubElement(root, "sentence", id=name, text=text[start:end])
        inside = [i for i, where in enumerate(home) if where == number]
        ids = {i: f"{name}.e{order}" for order, i in enumerate(inside)}
        for i in inside:
            mention = mentions[i]
            first, last = mention.start - start, mention.end - start - 1
            etree.SubElement(
                sentence,
                "entity",
                id=ids[i],
                charOffset=f"{first}-{last}",
                type=mention.label,
                text=text[mention.start : mention.end],
            )
        _write_pairs(sentence, name, ids, document)
    relations = document.mention_relations or ()
    target.lost["relations across sentences"] += sum(
        home[r.arg1] != home[r.arg2] for r in relations
    )
    return root


def _write_pairs(
    sentence: etree._Element,
    name: str,
    ids: dict[int, str],
    document: AnnotatedDocument,
) -> None:
    related = [
        r for r in document.mention_relations or () if r.arg1 in ids and r.arg2 in ids
    ]
    rows = [(r.arg1, r.arg2, r.label) for r in related]
    joined = {frozenset((r.arg1, r.arg2)) for r in related}
    rows += [
        (i, j, "") for i, j in combinations(ids, 2) if frozenset((i, j)) not in joined
    ]
    for order, (arg1, arg2, label) in enumerate(rows):
        pair = etree.SubElement(
            sentence, "pair", id=f"{name}.p{order}", e1=ids[arg1], e2=ids[arg2]
        )
        pair.set("ddi", "true" if order < len(related) else "false")
        if order < len(related):
            pair.set("type", label)


def _tiled(document: AnnotatedDocument) -> list[tuple[int, int]]:
    """Give sentences that the reader joins to the same text.

    The document's own if they are such, else any with the white space after them.
    """
    text, found = document.text, find_sentences(document)
    own = [(p.start, p.end) for p in document.passages]
    ends = [0, *(end for _, end in own)]
    gaps = [text[end:start] for end, (start, _) in zip(ends, own, strict=False)]
    spaces = ["" if not end or text[end - 1].isspace() else " " for end in ends[:-1]]
    if own and own == found and gaps == spaces and ends[-1] == len(text):
        return own
    bounds = [0, *(start for start, _ in found[1:]), len(text)]
    spans: list[tuple[int, int]] = []
    for start, end in zip(bounds, bounds[1:], strict=False):
        if spans and not text[start - 1].isspace():
            spans[-1] = (spans[-1][0], end)
        elif start < end:
            spans.append((start, end))
    return spans


def _get(element: etree._Element, name: str, source: Source) -> str:
    found = element.get(name)
    if found is None:
        raise _wrong(element, f"the attribute '{name}'", "none", source)
    return str(found)


def _wrong(
    element: etree._Element, expected: str, found: str, source: Source
) -> SourceError:
    where = f"line {element.sourceline}, <{element.tag}>"
    return SourceError(
        Errors.B239.format(
            path=source.path, where=where, expected=expected, found=found
        )
    )


def _looks(head: bytes, _: str) -> bool:
    return re.search(rb"<document id=[^>]*>\s*<sentence id=", head) is not None


FORMAT = Format(
    read=read_ddi,
    write=write_ddi,
    holds=frozenset(("mentions", "mention_relations", "passages", "overlaps")),
    always=frozenset(("mentions", "mention_relations")),
    folder=True,
    main="*.xml",
    looks=_looks,
)
