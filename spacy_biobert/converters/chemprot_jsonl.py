"""Relations as JSON lines of sentences, [[ the first ]] and << the second >> end marked.

{"text": "[[ Aspirin ]] inhibits << COX-1 >>.", "label": "INHIBITOR"}
"""

import json
import re
from collections.abc import Iterable, Iterator

from ..errors import Errors
from ..types import AnnotatedDocument, Mention, MentionRelation
from .biobert_re import is_negative
from .faults import SourceError
from .formats import Format, Source, Target
from .jsonl import read_objects, string_field
from .lines import text_lines
from .pairs import Pair, find_pairs

NO_LABEL = "ENTITY"
MARK = re.compile(r"\[\[ | \]\]|<< | >>")
OPENED, CLOSED = ("[[ ", "<< "), (" ]]", " >>")


def read_chemprot_jsonl(source: Source) -> Iterator[AnnotatedDocument]:
    """Read marked sentences, a document each.

    source (Source): The file.
    YIELDS (AnnotatedDocument): Its first mention is the one in [[ ]]. Other names in
        the sentence are not marked, so that entities cannot be learned from it.
    RAISES (SourceError): If a line is no JSON, or has other marks.
    """
    for number, record in read_objects(text_lines(source.file), path=source.path):
        text = string_field(record, "text", path=source.path, line=number)
        label = string_field(record, "label", path=source.path, line=number)
        plain, mentions = _unmarked(text, number, source)
        relation = () if is_negative(label) else (MentionRelation(0, 1, label),)
        yield AnnotatedDocument(
            str(record.get("id", f"{source.path}:{number}")),
            plain,
            mentions=mentions,
            mention_relations=relation,
        )


def write_chemprot_jsonl(
    documents: Iterable[AnnotatedDocument], target: Target
) -> None:
    """Write a line per pair of mentions of a sentence."""
    with target.open("relations.jsonl") as file:
        for document in documents:
            found = list(find_pairs(document, target.lost))
            target.lost["documents cut into pairs"] += len(found) != 1
            labels = [mention.label for mention in document.mentions or ()]
            target.lost["labels of mentions"] += sum(x != NO_LABEL for x in labels)
            for order, pair in enumerate(found):
                record = {
                    "id": document.id if len(found) == 1 else f"{document.id}.{order}",
                    "text": _marked(document, pair),
                    "label": pair.label or "false",
                }
                file.write(json.dumps(record, ensure_ascii=False) + "\n")


def _unmarked(
    text: str, number: int, source: Source
) -> tuple[str, tuple[Mention, ...]]:
    """Take the marks out."""
    marks = list(MARK.finditer(text))
    plain, at = "", 0
    places: dict[str, int] = {}
    for mark in marks:
        plain += text[at : mark.start()]
        at = mark.end()
        places[mark[0]] = len(plain)
    plain += text[at:]
    spans = [
        (places.get(a, 0), places.get(b, 0))
        for a, b in zip(OPENED, CLOSED, strict=True)
    ]
    if len(marks) != 4 or len(places) != 4 or any(a >= b for a, b in spans):
        raise SourceError(
            Errors.B239.format(
                path=source.path,
                where=f"line {number}",
                expected="one [[ name ]] and one << name >>",
                found=f"'{text[:60]}'",
            )
        )
    return plain, tuple(Mention(a, b, plain[a:b], NO_LABEL) for a, b in spans)


def _marked(document: AnnotatedDocument, pair: Pair) -> str:
    mentions = document.mentions or ()
    marks = {
        mentions[pair.arg1]: (OPENED[0], CLOSED[0]),
        mentions[pair.arg2]: (OPENED[1], CLOSED[1]),
    }
    made, at = "", pair.start
    for mention in sorted(marks, key=lambda m: m.start):
        opened, closed = marks[mention]
        made += document.text[at : mention.start] + opened
        made += document.text[mention.start : mention.end] + closed
        at = mention.end
    return made + document.text[at : pair.end]


FORMAT = Format(
    read=read_chemprot_jsonl,
    write=write_chemprot_jsonl,
    holds=frozenset(("mentions", "mention_relations")),
    always=frozenset(("mentions", "mention_relations")),
)
