"""What a pipeline got wrong, one by one, as its scores count it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from spacy.tokens import Span
from spacy.training import Example

from ..extensions import get_name
from ..relation_items import get_annotated_items
from ..sentences import split_sentences
from .entity_mistakes import Entity, find_entity_mistakes
from .metrics import Item

Bounds = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Finding:
    """What stands on one side: an entity (one place), a relation (two), a topic (none).

    Places are start and end in the characters of the document; texts what is
    there. A concept without a mention has no place, and its id is its text. The
    confidence (0-1) is that of what was predicted, where the pipeline has one.
    """

    label: str
    places: tuple[Bounds, ...] = ()
    texts: tuple[str, ...] = ()
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Mistake:
    """A difference between what is gold and what was predicted.

    `kind` is "entity", "relation" or "topic"; `mistake` is "missed", "spurious",
    "bounds" (the label is right, the entities overlap) or "label" (the bounds are).
    `start` and `end` are those of the sentence, or of all from the first to the last
    sentence that it takes, in the characters of the document.
    """

    document: str
    kind: str
    mistake: str
    gold: Finding | None
    predicted: Finding | None
    start: int
    end: int
    sentence: str


# What a mistake is one of.
KINDS = ("entity", "relation", "topic")


def find_mistakes(
    eg: Example,
    *,
    kinds: Collection[str] = KINDS,
    directed: bool = True,
    exclusive: bool = False,
    threshold: float = 0.5,
) -> list[Mistake]:
    """Find the mistakes in a document, leaving out what it is not annotated with.

    eg (Example): The example, its predicted doc annotated.
    kinds (Collection[str]): Those of KINDS that were predicted.
    directed (bool): Whether relations (a, b) and (b, a) differ.
    exclusive (bool): Whether the largest topic is the one that applies.
    threshold (float): If not, the probability from which a topic applies.
    RETURNS (list[Mistake]): Entities, relations, topics, each in the order of the
        text.
    RAISES (ValueError): If the stored relations are malformed.
    """
    name, text = get_name(eg.reference), eg.reference.text
    sentences = split_sentences(text)
    mistakes = []
    found: list[FoundT] = []
    if "entity" in kinds:
        found += _entity_mistakes(eg)
    if "relation" in kinds:
        found += _relation_mistakes(eg, directed)
    if "topic" in kinds:
        found += _topic_mistakes(eg, exclusive, threshold)
    for kind, mistake, gold, predicted in found:
        sides = [side for side in (gold, predicted) if side is not None]
        places = [place for side in sides for place in side.places]
        start, end = _get_sentences(text, sentences, places)
        mistakes.append(
            Mistake(name, kind, mistake, gold, predicted, start, end, text[start:end])
        )
    return mistakes


# Kind, mistake, gold, predicted
FoundT = tuple[str, str, Finding | None, Finding | None]


def _entity_mistakes(eg: Example) -> list[FoundT]:
    text = eg.reference.text

    def show(entity: Entity | None, confidence: float | None) -> Finding | None:
        if entity is None:
            return None
        start, end, label = entity
        return Finding(label, ((start, end),), (text[start:end],), confidence)

    return [
        ("entity", mistake, show(gold, None), show(predicted, confidence))
        for mistake, gold, predicted, confidence in find_entity_mistakes(eg)
    ]


def _get_place(span: Span) -> Bounds:
    return span.start_char, span.end_char


def _relation_mistakes(eg: Example, directed: bool) -> list[FoundT]:
    mistakes: list[FoundT] = []
    for gold, found in get_annotated_items(
        eg.predicted, eg.reference, directed=directed
    ):
        missed = [_show_relation(eg, item, None) for item in gold - found.keys()]
        spurious = [
            _show_relation(eg, item, found[item]) for item in found.keys() - gold
        ]
        mistakes += [("relation", "missed", one, None) for one in missed]
        mistakes += [("relation", "spurious", None, one) for one in spurious]
    return sorted(mistakes, key=_by_place)


def _by_place(found: FoundT) -> tuple[tuple[Bounds, ...], str, tuple[str, ...], str]:
    _, mistake, gold, predicted = found
    side = gold or predicted or Finding("")
    return side.places, side.label, side.texts, mistake


def _show_relation(eg: Example, item: Item, confidence: float | None) -> Finding:
    """Show a relation in its nearest two mentions; a concept may have none."""
    ends, label = item
    args = ends if isinstance(ends, tuple) else sorted(ends, key=str)  # type: ignore[call-overload]
    # The two ends of one that has no direction may be the same, and are one then.
    arg1, arg2 = args[0], args[-1]
    places1, places2 = _find_places(eg, arg1), _find_places(eg, arg2)
    text = eg.reference.text
    if places1 and places2:
        nearest = min(product(places1, places2), key=_distance)
        shown = tuple(text[slice(*place)] for place in nearest)
        return Finding(label, nearest, shown, confidence)
    texts = tuple(
        text[slice(*places[0])] if places else arg if isinstance(arg, str) else arg[1]
        for arg, places in ((arg1, places1), (arg2, places2))
    )
    return Finding(label, (*places1[:1], *places2[:1]), texts, confidence)


def _find_places(eg: Example, arg: Any) -> list[Bounds]:
    """Find where an end of a relation is: a place, a concept, or a text without one."""
    if isinstance(arg, str):
        return [_get_place(e) for e in eg.reference.ents if arg in e.kb_id_.split("|")]
    first, second = arg
    if first == "":
        return [
            _get_place(ent) for ent in eg.predicted.ents if ent.text.lower() == second
        ]
    return [(first, second)]


def _distance(pair: Sequence[Bounds]) -> tuple[int, Sequence[Bounds]]:
    (start1, end1), (start2, end2) = pair
    return max(start1, start2) - min(end1, end2), pair


def _topic_mistakes(eg: Example, exclusive: bool, threshold: float) -> list[FoundT]:
    gold, predicted = eg.reference.cats, eg.predicted.cats
    if not gold:
        return []
    if exclusive:
        right, chosen = max(gold, key=gold.__getitem__), _largest(predicted)
        if chosen == right:
            return []
        shown = Finding(chosen, confidence=predicted[chosen]) if chosen else None
        return [("topic", "label" if shown else "missed", Finding(right), shown)]
    mistakes: list[FoundT] = []
    for label, value in sorted(gold.items()):
        chance = predicted.get(label, 0.0)
        if value and chance < threshold:
            mistakes.append(("topic", "missed", Finding(label), None))
        elif not value and chance >= threshold:
            found = Finding(label, confidence=chance)
            mistakes.append(("topic", "spurious", None, found))
    return mistakes


def _largest(cats: dict[str, float]) -> str | None:
    return max(cats, key=cats.__getitem__) if any(cats.values()) else None


def _get_sentences(
    text: str, sentences: Sequence[Bounds], places: Sequence[Bounds]
) -> Bounds:
    """Give the bounds of all sentences between the places; the first for none."""
    if not sentences:
        return 0, len(text)
    if not places:
        return sentences[0]
    first, last = min(start for start, _ in places), max(end for _, end in places)
    start = max((s for s, _ in sentences if s <= first), default=0)
    end = min((e for _, e in sentences if e >= last), default=len(text))
    return start, end
