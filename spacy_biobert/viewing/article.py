"""One document as HTML: its text, its relations, its topics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..types import Passage
from .escaping import escape
from .marks import Key, crosses, find_blocks, mark_text
from .records import RELATIONS, TOPICS, ShownDocument, ShownRelation

# Rows and bars that are seen at once; the others are folded.
SEEN_ROWS = 8
SEEN_TOPICS = 8
# Topics that are less probable are folded, too.
LEAST_TOPIC = 0.1
CROSSING = "Where two stretches cross, the second is drawn in two parts."


@dataclass(slots=True)
class Row:
    """The relations of one label between the same two names.

    relations (list[ShownRelation]): The most probable first.
    """

    names: tuple[str, str, str]
    relations: list[ShownRelation] = field(default_factory=list)

    @property
    def score(self) -> float | None:
        """The highest, None where none is stated."""
        return self.relations[0].score


def write_article(
    document: ShownDocument, number: int, numbers: Mapping[Key, int]
) -> str:
    """Write a document.

    document (ShownDocument): The document.
    number (int): Its number on the page, from 1.
    numbers (Mapping): Of each layer and label the number it has on the page.
    RETURNS (str): An <article>.
    """
    prefix = f"d{number}m"
    title = f'<p class="given"><bdi>{escape(document.title)}</bdi></p>'
    note = f'<p class="note">{CROSSING}</p>' if crosses(document.mentions) else ""
    return (
        f'<article id="d{number}" aria-labelledby="h{number}">'
        f'<h2 id="h{number}"><bdi>{escape(document.id)}</bdi></h2>'
        f"{title if document.title else ''}"
        f"{_text(document, prefix, numbers)}{note}"
        f"{_relations(document, prefix, numbers)}{_topics(document, numbers)}"
        "</article>\n"
    )


def group_relations(document: ShownDocument) -> list[Row]:
    """Put relations of one label between the same names together.

    A name is the text of a mention, in any case, with its concepts.

    document (ShownDocument): The document.
    RETURNS (list[Row]): Those that state no score, then the most probable; else as they come.
    """
    rows: dict[tuple[str, str, str], Row] = {}
    for relation in sorted(document.relations, key=_descending):
        names = (
            _name(document, relation.arg1, relation.concept1),
            relation.label,
            _name(document, relation.arg2, relation.concept2),
        )
        rows.setdefault(names, Row(names)).relations.append(relation)
    return list(rows.values())


def _descending(relation: ShownRelation) -> float:
    return -1.0 if relation.score is None else -relation.score


def _name(document: ShownDocument, mentions: Sequence[int], concept: str) -> str:
    if concept:
        return f"\0{concept}"
    mention = document.mentions[mentions[0]]
    text = document.text[mention.start : mention.end]
    return "\0".join((text.casefold(), *mention.concepts))


def _text(document: ShownDocument, prefix: str, numbers: Mapping[Key, int]) -> str:
    language = f' lang="{escape(document.language)}"' if document.language else ""
    n = len(document.mentions)
    told = f"Text, {n} marked" if n else "Text"
    blocks = find_blocks(document.text, document.passages)
    paragraphs = "".join(
        f"<p{_kind(block)} dir=auto>"
        f"{mark_text(document.text, block, document.mentions, prefix=prefix, numbers=numbers)}"
        "</p>"
        for block in blocks
    )
    return f'<div class="text" role="group" aria-label="{told}"{language}>{paragraphs}</div>'


def _kind(block: Passage) -> str:
    return ' class="title"' if block.label.casefold() == "title" else ""


def _relations(document: ShownDocument, prefix: str, numbers: Mapping[Key, int]) -> str:
    rows = group_relations(document)
    if not rows:
        return ""
    scored = any(row.score is not None for row in rows)
    written = [_row(document, row, prefix, numbers, scored) for row in rows]
    return (
        f"<section><h3>Relations <span>{len(rows):,}</span></h3>"
        f"{_table(written[:SEEN_ROWS], scored)}{_more(written, scored)}</section>"
    )


def _more(written: list[str], scored: bool) -> str:
    n = len(written) - SEEN_ROWS
    if n <= 0:
        return ""
    return (
        f"<details><summary>More relations: <span>{n:,}</span></summary>"
        f"{_table(written[SEEN_ROWS:], scored)}</details>"
    )


def _table(rows: list[str], scored: bool) -> str:
    score = '<th scope="col" class="figure">Score</th>' if scored else ""
    return (
        '<table><thead><tr><th scope="col">First</th><th scope="col">Relation</th>'
        f'<th scope="col">Second</th>{score}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _row(
    document: ShownDocument,
    row: Row,
    prefix: str,
    numbers: Mapping[Key, int],
    scored: bool,
) -> str:
    best = row.relations[0]
    pairs = " ".join(map(_pair, row.relations))
    times = len(row.relations)
    often = f' <span class="often">in {times} pairs</span>' if times > 1 else ""
    figure = "–" if row.score is None else f"{row.score:.2f}"
    score = f'<td class="figure">{figure}</td>' if scored else ""
    return (
        f'<tr data-l="{numbers[RELATIONS, best.label]}" data-p="{pairs}">'
        f"<td>{_end(document, best.arg1, best.concept1, prefix)}</td>"
        f"<td>{escape(best.label)}{often}</td>"
        f"<td>{_end(document, best.arg2, best.concept2, prefix)}</td>"
        f"{score}</tr>"
    )


def _pair(relation: ShownRelation) -> str:
    """Write the mentions of both ends, and the score: 1,5>3:0.980."""
    ends = (",".join(map(str, end)) for end in (relation.arg1, relation.arg2))
    score = "" if relation.score is None else f"{relation.score:.3f}"
    return f"{'>'.join(ends)}:{score}"


def _end(
    document: ShownDocument, mentions: Sequence[int], concept: str, prefix: str
) -> str:
    shown = f" <small>{escape(concept)}</small>" if concept else ""
    if not mentions:
        return f"{shown.strip()} <small>not in the text</small>"
    mention = document.mentions[mentions[0]]
    name = escape(document.text[mention.start : mention.end])
    return f'<a href="#{prefix}{mentions[0]}"><bdi>{name}</bdi></a>{shown}'


def _topics(document: ShownDocument, numbers: Mapping[Key, int]) -> str:
    if not document.topics:
        return ""
    topics = sorted(document.topics.items(), key=lambda topic: -topic[1])
    seen = [topic for topic in topics[:SEEN_TOPICS] if topic[1] >= LEAST_TOPIC]
    folded = topics[len(seen) :]
    below = f" below {LEAST_TOPIC:.2f}" if folded and folded[0][1] < LEAST_TOPIC else ""
    none = "" if seen else f"<p class=note>None reaches {LEAST_TOPIC:.2f}.</p>"
    more = (
        f"<details><summary>More topics{below}: {len(folded)}</summary>"
        f"{_bars(folded, numbers)}</details>"
    )
    return (
        f"<section><h3>Topics</h3>{_bars(seen, numbers) if seen else none}"
        f"{more if folded else ''}</section>"
    )


def _bars(topics: list[tuple[str, float]], numbers: Mapping[Key, int]) -> str:
    return (
        '<ul class="topics">'
        + "".join(
            f'<li data-l="{numbers[TOPICS, label]}"><span><bdi>{escape(label)}</bdi></span>'
            f'<i style="--v:{probability:.3f}"></i>'
            f'<span class="figure">{probability:.2f}</span></li>'
            for label, probability in topics
        )
        + "</ul>"
    )
