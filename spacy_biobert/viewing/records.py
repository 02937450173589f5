"""What the page shows of a document. Offsets are in characters, the end exclusive."""

from dataclasses import dataclass, field

from ..types import Passage

# The kinds of what has a label: a layer of the text, or one of these.
ENTITIES = "Entities"
RELATIONS = "Relations"
TOPICS = "Topics"
# Layer of the ends of relations that are no entity.
ARGUMENTS = "Ends of relations"


@dataclass(frozen=True, slots=True)
class ShownMention:
    """A marked stretch of text.

    layer (str): ENTITIES, ARGUMENTS or what `span_layer` gives for a key of
        `doc.spans`. Stretches may overlap, also in one layer.
    confidence (float or None): 0 to 1; None where it is not stated.
    """

    start: int
    end: int
    label: str
    layer: str = ENTITIES
    confidence: float | None = None
    concepts: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownRelation:
    """A relation.

    arg1, arg2 (tuple[int, ...]): The mentions by their index: one each, or where the
        relation is between concepts all that name it, perhaps none.
    concept1, concept2 (str): The concepts, "" where it is between mentions.
    """

    arg1: tuple[int, ...]
    arg2: tuple[int, ...]
    label: str
    score: float | None = None
    concept1: str = ""
    concept2: str = ""


@dataclass(frozen=True, slots=True)
class ShownDocument:
    """A document with its annotation.

    topics (dict[str, float]): Probability by label, 0 to 1.
    """

    id: str
    text: str
    title: str = ""
    language: str = ""
    passages: tuple[Passage, ...] = ()
    mentions: tuple[ShownMention, ...] = ()
    relations: tuple[ShownRelation, ...] = ()
    topics: dict[str, float] = field(default_factory=dict)


def span_layer(key: str) -> str:
    """Name the layer of a group of spans."""
    return f"Spans “{key}”"
