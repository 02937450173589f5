"""What one gets without a model: the scores that a pipeline has to beat."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from spacy.tokens import Doc, Span
from spacy.util import filter_spans


@dataclass(frozen=True)
class Counts:
    """What a training set shows most often.

    entity_labels: The lower-cased tokens of a mention -> its most frequent label.
    relation_labels: The labels of two entities -> the most frequent relation
        from the first to the second, or between both if relations have no direction.
    category: The most frequent category, None without any.
    categories: Every category.
    """

    entity_labels: dict[tuple[str, ...], str]
    relation_labels: dict[tuple[str, str], str]
    category: str | None
    categories: tuple[str, ...]


def count_annotations(docs: Iterable[Doc], *, directed: bool = True) -> Counts:
    """Count entities, relations and categories of a training set.

    docs (Iterable[Doc]): Documents with gold annotation.
    directed (bool): Whether relations (a, b) and (b, a) differ.
    RETURNS (Counts): The most frequent label of everything.
    """
    entities: dict[tuple[str, ...], Counter[str]] = {}
    relations: dict[tuple[str, str], Counter[str]] = {}
    categories: Counter[str] = Counter()
    for doc in docs:
        for ent in doc.ents:
            entities.setdefault(_key(ent), Counter())[ent.label_] += 1
        for types, label in _typed_relations(doc):
            for order in {types} if directed else {types, types[::-1]}:
                relations.setdefault(order, Counter())[label] += 1
        categories.update(
            {label: int(value >= 0.5) for label, value in doc.cats.items()}
        )
    return Counts(
        entity_labels={key: _most_frequent(found) for key, found in entities.items()},
        relation_labels={
            key: _most_frequent(found) for key, found in relations.items()
        },
        category=_most_frequent(categories) if categories else None,
        categories=tuple(sorted(categories)),
    )


def annotate_by_names(doc: Doc, counts: Counts) -> Doc:
    """Annotate a document by the names and types that training has shown.

    Every string that training names is an entity, the longest first; every pair
    of entities has the most frequent relation of its types.

    doc (Doc): Changed in place.
    counts (Counts): From `count_annotations`.
    RETURNS (Doc): The same document.
    """
    longest = max(map(len, counts.entity_labels), default=0)
    words = [token.lower_ for token in doc]
    found = []
    for start in range(len(doc)):
        for end in range(start + 1, min(start + longest, len(doc)) + 1):
            label = counts.entity_labels.get(tuple(words[start:end]))
            if label is not None:
                found.append(Span(doc, start, end, label=label))
    doc.set_ents(filter_spans(found))
    doc.user_data["relations"] = [
        (arg1.start, arg1.end, arg2.start, arg2.end, label, 1.0)
        for arg1 in doc.ents
        for arg2 in doc.ents
        if (label := counts.relation_labels.get((arg1.label_, arg2.label_))) is not None
        and arg1 != arg2
    ]
    return doc


def annotate_by_majority(doc: Doc, counts: Counts) -> Doc:
    """Annotate a document with the most frequent class of everything.

    The most frequent tag of a token is "outside", and most pairs are unrelated: there
    are no entities and no relations. The document has the most frequent category.

    doc (Doc): Changed in place.
    counts (Counts): From `count_annotations`.
    RETURNS (Doc): The same document.
    """
    doc.set_ents([], default="outside")
    doc.user_data["relations"] = []
    doc.cats = {label: float(label == counts.category) for label in counts.categories}
    return doc


def _typed_relations(doc: Doc) -> set[tuple[tuple[str, str], str]]:
    """Relations as ((label of arg1, label of arg2), relation), each type pair once."""
    bounds = {(ent.start, ent.end): ent.label_ for ent in doc.ents}
    concepts = {
        concept: ent.label_ for ent in doc.ents for concept in ent.kb_id_.split("|")
    }
    pairs = [
        (bounds.get((start1, end1)), bounds.get((start2, end2)), label)
        for start1, end1, start2, end2, label, _ in doc.user_data.get("relations", ())
    ]
    pairs += [
        (concepts.get(arg1), concepts.get(arg2), label)
        for arg1, arg2, label in doc.user_data.get("concept_relations", ())
    ]
    return {
        ((type1, type2), label)
        for type1, type2, label in pairs
        if type1 is not None and type2 is not None
    }


def _key(ent: Span) -> tuple[str, ...]:
    return tuple(token.lower_ for token in ent)


def _most_frequent(found: Counter[str]) -> str:
    """The most frequent one; of equals, the first in the alphabet."""
    return min(found, key=lambda label: (-found[label], label))
