"""The plain records that parsers give and converters take.

Offsets are in characters (Python's code points), the end is exclusive.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of running text under one heading, "" where there is none."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """An abstract or an article, without annotation.

    `languages` (as MEDLINE writes them, none if the source states none) and `other_ids`
    (PMID and DOI of an article with another id) serve to leave documents out while they
    are extracted. They are written nowhere, and documents are compared without them.
    """

    id: str
    title: str
    sections: tuple[Section, ...]
    languages: tuple[str, ...] = field(default=(), compare=False)
    other_ids: tuple[str, ...] = field(default=(), compare=False)

    @property
    def text(self) -> str:
        """The title and the sections' texts, joined by one space."""
        parts = (self.title, *(section.text for section in self.sections))
        return " ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Mention:
    """A stretch of text that names an entity.

    `concepts` holds the ids it stands for: none if unknown, several for a
    composite mention ("breast and ovarian cancer"). `attributes` are what else was
    annotated of it: "Negation", or with a value "Confidence=low".
    """

    start: int
    end: int
    text: str
    label: str
    concepts: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a document's text: "title", "abstract", "sentence" or another label."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class MentionRelation:
    """A relation between two mentions of one document, by their index.

    `score` is the probability that a pipeline gave it, None for gold annotation.
    """

    arg1: int
    arg2: int
    label: str
    score: float | None = None


@dataclass(frozen=True, slots=True)
class ConceptRelation:
    """A relation between two concepts of one document, wherever they are named."""

    arg1: str
    arg2: str
    label: str


@dataclass(frozen=True, slots=True)
class AnnotatedDocument:
    """A text with its annotation.

    None means "not annotated", an empty tuple "annotated, and there is none".
    `categories` are the labels that apply, of the corpus's label set. `passages` are
    the parts that the source divides the text into, in order, without overlap; none
    where it does not.
    """

    id: str
    text: str
    mentions: tuple[Mention, ...] | None = None
    mention_relations: tuple[MentionRelation, ...] | None = None
    concept_relations: tuple[ConceptRelation, ...] | None = None
    categories: tuple[str, ...] | None = None
    passages: tuple[Passage, ...] = ()
