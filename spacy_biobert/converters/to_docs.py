"""Annotated documents to spaCy Docs: alignment and overlap, once for all formats.

Alignment: a mention whose bounds lie inside a token is by default expanded to the
tokens that contain it. The annotation on the Doc then stays complete (each concept
keeps its mention, so that its relations can be learned), at the price of some bounds
that are a few characters too wide. "contract" would lose every mention that is a
part of one token, "skip" all of them.

Overlap: a Doc's entities do not overlap. The longest mention (in tokens) wins, then
the leftmost, then the first in the file: of nested names the outer one is the more
specific ("[[breast] cancer]"), and most corpora annotate the outermost.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field

from spacy.tokens import Doc, Span

from ..errors import Errors
from ..types import AnnotatedDocument, Mention
from .concepts import escape_concept, join_concepts, split_concepts

ALIGNMENTS = ("expand", "contract", "skip")


@dataclass(slots=True)
class Conversion:
    """What became of the documents. Counts by label are of what is on the Docs.

    `not_aligned` mentions did not begin and end with a token; `unplaced` are those
    of them that the policy left without any token. `overlapping` mentions gave way
    to a longer one. `relations_without_entity` lost an end that way: those between
    mentions are left out, those between concepts stay, as gold that counts as
    missed.
    """

    documents: int = 0
    tokens: int = 0
    mentions: Counter[str] = field(default_factory=Counter)
    relations: Counter[str] = field(default_factory=Counter)
    categories: Counter[str] = field(default_factory=Counter)
    not_aligned: int = 0
    unplaced: int = 0
    overlapping: int = 0
    relations_without_entity: int = 0

    def add(self, other: "Conversion") -> None:
        """Add the counts of other documents."""
        self.documents += other.documents
        self.tokens += other.tokens
        for kind in ("mentions", "relations", "categories"):
            getattr(self, kind).update(getattr(other, kind))
        self.not_aligned += other.not_aligned
        self.unplaced += other.unplaced
        self.overlapping += other.overlapping
        self.relations_without_entity += other.relations_without_entity


def to_docs(
    documents: Iterable[AnnotatedDocument],
    make_doc: Callable[[str], Doc],
    *,
    category_labels: Collection[str] = (),
    alignment: str = "expand",
) -> tuple[list[Doc], Conversion]:
    """Put the annotation of documents on Docs, as docs/design.md describes.

    documents (Iterable[AnnotatedDocument]): The documents, from any format.
    make_doc (Callable): Tokenises a text, for instance `nlp.make_doc`.
    category_labels (Collection[str]): Every label of the corpus, for `doc.cats`.
    alignment (str): For mentions that do not begin and end with a token: "expand"
        to the tokens they touch, "contract" to those they contain, or "skip".
    RETURNS (tuple[list[Doc], Conversion]): The Docs, in order, and the counts.
    RAISES (ValueError): If the alignment has another name.
    """
    counts = Conversion()
    docs = iter_docs(
        documents,
        make_doc,
        counts=counts,
        category_labels=category_labels,
        alignment=alignment,
    )
    return list(docs), counts


def iter_docs(
    documents: Iterable[AnnotatedDocument],
    make_doc: Callable[[str], Doc],
    *,
    counts: Conversion,
    category_labels: Collection[str] = (),
    alignment: str = "expand",
) -> Iterator[Doc]:
    """Do what `to_docs` does, one document at a time.

    counts (Conversion): Counts along.
    YIELDS (Doc): The Docs, in order.
    RAISES (ValueError): If the alignment has another name.
    """
    if alignment not in ALIGNMENTS:
        raise ValueError(
            Errors.B230.format(
                name="alignment", known=", ".join(ALIGNMENTS), found=alignment
            )
        )
    for document in documents:
        doc = make_doc(document.text)
        doc.user_data["document_id"] = document.id
        if document.passages:
            doc.user_data["passages"] = [
                (passage.start, passage.end, passage.label)
                for passage in document.passages
            ]
        kept = _set_entities(doc, document.mentions, alignment, counts)
        _set_relations(doc, document, kept, counts)
        if document.categories is not None:
            chosen = set(document.categories)
            labels = dict.fromkeys((*category_labels, *document.categories))
            doc.cats = {label: float(label in chosen) for label in labels}
        _count(doc, counts)
        yield doc


def _set_entities(
    doc: Doc,
    mentions: tuple[Mention, ...] | None,
    alignment: str,
    counts: Conversion,
) -> dict[int, Span]:
    """Set the entities; give those that are kept by their mention's index."""
    if mentions is None:
        return {}
    placed = [
        (index, span)
        for index, mention in enumerate(mentions)
        if (span := _place(doc, mention, alignment, counts)) is not None
    ]
    placed.sort(key=lambda pair: (-len(pair[1]), pair[1].start, pair[0]))
    taken = bytearray(len(doc))
    kept = {}
    for index, span in placed:
        if any(taken[span.start : span.end]):
            counts.overlapping += 1
        else:
            taken[span.start : span.end] = b"\x01" * len(span)
            kept[index] = span
    doc.set_ents(list(kept.values()), default="outside")
    attributes = {
        f"{span.start}:{span.end}:{span.label_}": list(mentions[index].attributes)
        for index, span in kept.items()
        if mentions[index].attributes
    }
    if attributes:
        doc.user_data["entity_attributes"] = attributes
    return kept


def _place(
    doc: Doc, mention: Mention, alignment: str, counts: Conversion
) -> Span | None:
    """Find the mention's tokens, without white space at its ends."""
    text = doc.text[mention.start : mention.end]
    start = mention.start + len(text) - len(text.lstrip())
    end = start + len(text.strip())
    label, concepts = mention.label, join_concepts(mention.concepts)
    span = None
    if start < end:
        span = doc.char_span(start, end, label=label, kb_id=concepts)
        if span is not None:
            return span
    counts.not_aligned += 1
    if start < end and alignment != "skip":
        span = doc.char_span(
            start, end, label=label, kb_id=concepts, alignment_mode=alignment
        )
    if not span or span[0].is_space or span[-1].is_space:
        counts.unplaced += 1
        return None
    return span


def _set_relations(
    doc: Doc, document: AnnotatedDocument, kept: dict[int, Span], counts: Conversion
) -> None:
    if document.mention_relations is not None:
        rows = []
        for relation in document.mention_relations:
            if relation.arg1 in kept and relation.arg2 in kept:
                arg1, arg2 = kept[relation.arg1], kept[relation.arg2]
                score = 1.0 if relation.score is None else relation.score
                bounds = (arg1.start, arg1.end, arg2.start, arg2.end)
                rows.append((*bounds, relation.label, score))
            else:
                counts.relations_without_entity += 1
        doc.user_data["relations"] = rows
    if document.concept_relations is not None:
        named = {concept for ent in doc.ents for concept in split_concepts(ent.kb_id_)}
        counts.relations_without_entity += sum(
            relation.arg1 not in named or relation.arg2 not in named
            for relation in document.concept_relations
        )
        # A pair of concepts counts once, however often the file names it.
        doc.user_data["concept_relations"] = list(
            dict.fromkeys(
                (escape_concept(r.arg1), escape_concept(r.arg2), r.label)
                for r in document.concept_relations
            )
        )


def _count(doc: Doc, counts: Conversion) -> None:
    counts.documents += 1
    counts.tokens += len(doc)
    counts.mentions.update(ent.label_ for ent in doc.ents)
    counts.relations.update(row[4] for row in doc.user_data.get("relations", ()))
    counts.relations.update(
        row[2] for row in doc.user_data.get("concept_relations", ())
    )
    counts.categories.update(label for label, value in doc.cats.items() if value == 1.0)
