"""The whole page, in one file that asks for no other."""

import base64
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.resources import files
from string import Template

from .. import about
from ..errors.listing import counted
from .article import write_article
from .colours import LabelPaint, paint_labels
from .escaping import escape
from .marks import Key
from .records import ENTITIES, RELATIONS, TOPICS, ShownDocument

# A topic counts in the list of labels from this probability on.
APPLIES = 0.5
# Characters of a text in the list of documents.
BEGINNING = 90


def write_page(
    documents: Sequence[ShownDocument], *, title: str, told: Sequence[str] = ()
) -> str:
    """Write documents as one HTML page.

    documents (Sequence[ShownDocument]): What to show, in order.
    title (str): The page's title.
    told (Sequence[str]): What else the page says of itself, a sentence each.
    RETURNS (str): HTML. It loads nothing, and its policy forbids it to; the same
        documents give the same text.
    RAISES (ValueError): If a package registers something else than colours.
    """
    counts = count_labels(documents)
    numbers = {key: number for number, key in enumerate(counts)}
    script = _part("page.js")
    return Template(_part("page.html")).substitute(
        title=escape(title),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        script=script,
        style=_part("page.css") + _painted(numbers),
        summary=_summary(documents),
        told="".join(f"<li>{escape(sentence)}</li>" for sentence in told),
        legend=_legend(counts, numbers),
        confidence="" if _has_confidence(documents) else " hidden",
        documents="".join(
            _listed(document, number) for number, document in enumerate(documents, 1)
        ),
        articles="".join(
            write_article(document, number, numbers)
            for number, document in enumerate(documents, 1)
        ),
        maker=f"{about.__title__} {about.__version__}",
    )


def count_labels(documents: Sequence[ShownDocument]) -> dict[Key, int]:
    """Count the labels of all documents.

    documents (Sequence[ShownDocument]): The documents.
    RETURNS (dict): By layer (or RELATIONS, TOPICS) and label: first entities, then
        other layers of the text, relations (each group of the same names counts
        once for each pair), topics that apply; each sorted by label.
    """
    counts: Counter[Key] = Counter()
    for document in documents:
        counts.update((mention.layer, mention.label) for mention in document.mentions)
        counts.update((RELATIONS, relation.label) for relation in document.relations)
        for label, probability in document.topics.items():
            counts[TOPICS, label] += probability >= APPLIES
    places = {ENTITIES: 0, RELATIONS: 2, TOPICS: 3}
    ordered = sorted(counts, key=lambda key: (places.get(key[0], 1), *key))
    return {key: counts[key] for key in ordered}


def _part(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _painted(numbers: Mapping[Key, int]) -> str:
    """Write the colours of labels, by number, so that no label stands in the style."""
    marked = [key for key in numbers if key[0] not in (RELATIONS, TOPICS)]
    paints = paint_labels(label for _, label in marked)
    return "".join(_rule(numbers[key], paints[key[1]]) for key in marked)


def _rule(number: int, paint: LabelPaint) -> str:
    return (
        f'[data-l="{number}"]{{--b:light-dark({paint.light.background},'
        f"{paint.dark.background});--t:light-dark({paint.light.text},{paint.dark.text})}}\n"
    )


def _summary(documents: Sequence[ShownDocument]) -> str:
    entities = sum(
        mention.layer == ENTITIES
        for document in documents
        for mention in document.mentions
    )
    relations = sum(len(document.relations) for document in documents)
    return " · ".join(
        (
            counted(len(documents), "document"),
            counted(entities, "entity", "entities"),
            counted(relations, "relation"),
        )
    )


def _has_confidence(documents: Sequence[ShownDocument]) -> bool:
    return any(
        mention.confidence is not None
        for document in documents
        for mention in document.mentions
    ) or any(
        relation.score not in (None, 1.0)
        for document in documents
        for relation in document.relations
    )


def _legend(counts: Mapping[Key, int], numbers: Mapping[Key, int]) -> str:
    groups: dict[str, list[str]] = {}
    for (group, label), count in counts.items():
        groups.setdefault(group, []).append(
            f'<button type="button" aria-pressed="true" data-l="{numbers[group, label]}">'
            f"<bdi>{escape(label)}</bdi> <span>{count:,}</span></button>"
        )
    return "".join(_group(group, buttons) for group, buttons in groups.items())


def _group(group: str, buttons: list[str]) -> str:
    # Topics are many in most corpora.
    folded = "" if group == TOPICS else " open"
    kind = {RELATIONS: "relations", TOPICS: "topics"}.get(group, "marked")
    name = escape(group)
    return (
        f"<details{folded}><summary>{name}</summary>"
        f'<div role="group" aria-label="{name}" class="{kind}">{"".join(buttons)}'
        f'<span class="all"><button type="button" data-all="true" aria-label="Show all: {name}">all</button>'
        f'<button type="button" data-all="false" aria-label="Show none: {name}">none</button></span>'
        "</div></details>"
    )


def _listed(document: ShownDocument, number: int) -> str:
    start = " ".join((document.title or document.text[: 2 * BEGINNING]).split())
    beginning = start if len(start) <= BEGINNING else f"{start[:BEGINNING]}…"
    topics = [label for label, value in document.topics.items() if value >= APPLIES]
    return (
        f'<li data-t="{escape(" ".join(topics))}"><a href="#d{number}">'
        f"<bdi>{escape(document.id)}</bdi> "
        f"<span dir=auto>{escape(beginning)}</span></a></li>\n"
    )
