"""Labels of documents that a pipeline does not know: told, and never an obstacle."""

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from .components import CATEGORIES, ENTITIES, RELATIONS, find_components
from .errors import Warnings
from .extensions import get_name, read_concept_relations, read_relations


def _entity_labels(doc: Doc) -> list[str]:
    return [ent.label_ for ent in doc.ents]


def _relation_labels(doc: Doc) -> list[str]:
    rows = [*(read_relations(doc) or ()), *(read_concept_relations(doc) or ())]
    return [row.label for row in rows]


def _category_labels(doc: Doc) -> list[str]:
    return [label for label, value in doc.cats.items() if value]


COUNT, LEFT_OUT = "count as missed", "are left out"
# What is annotated, by what its components assign: its name, its labels in a document,
# and what becomes of those that are unknown when the pipeline is scored.
KINDS: dict[str, tuple[str, Callable[[Doc], list[str]], str]] = {
    ENTITIES: ("entities", _entity_labels, COUNT),
    RELATIONS: ("relations", _relation_labels, COUNT),
    CATEGORIES: ("categories", _category_labels, LEFT_OUT),
}


class UnknownLabels:
    """What documents are annotated with and no component of a pipeline can find.

    A component that has no labels yet, because it is still to be initialized, knows
    all.

    nlp (Language): The pipeline.
    """

    def __init__(self, nlp: Language) -> None:
        self._names: dict[str, str] = {}
        # Only of what there is a component for that has labels.
        self._known: dict[str, set[str]] = {}
        for assigned in KINDS:
            pipes = find_components(nlp, assigned)
            if known := known_labels(pipes.values()):
                self._names[assigned], self._known[assigned] = ", ".join(pipes), known
        self._unknown: dict[str, Counter[str]] = {key: Counter() for key in self._known}
        self._first: dict[str, str] = {}

    def look(self, doc: Doc) -> None:
        """Look at the annotation of a document that a component could find."""
        for assigned, known in self._known.items():
            _, find, _ = KINDS[assigned]
            unknown = [label for label in find(doc) if label not in known]
            if unknown:
                self._unknown[assigned].update(unknown)
                self._first.setdefault(assigned, get_name(doc))

    def tell(self, path: Path) -> list[str]:
        """Say what was found.

        path (Path): Where the documents are from.
        RETURNS (list[str]): A message for each kind of annotation that has any.
        """
        return [
            Warnings.B474.format(
                path=path,
                n_unknown=unknown.total(),
                kind=KINDS[assigned][0],
                component=self._names[assigned],
                labels=", ".join(sorted(map(repr, unknown))),
                document=self._first[assigned],
                fate=KINDS[assigned][2],
            )
            for assigned, unknown in self._unknown.items()
            if unknown
        ]


def known_labels(pipes: Iterable[Any]) -> set[str]:
    """Collect the labels of components."""
    return {label for pipe in pipes for label in pipe.labels}


def leave_out_unknown_categories(nlp: Language, docs: Iterable[Doc]) -> None:
    """Take categories off documents that no component knows.

    A scorer of categories knows no others than the component.

    nlp (Language): The pipeline.
    docs (Iterable[Doc]): The gold documents; their categories may change.
    """
    pipes = find_components(nlp, CATEGORIES).values()
    known = known_labels(pipes)
    if not known:
        return
    exclusive = any(getattr(pipe, "exclusive", False) for pipe in pipes)
    for doc in docs:
        kept = {label: value for label, value in doc.cats.items() if label in known}
        lost = len(kept) < len(doc.cats)
        # The one that applies may be unknown; then nothing is known of the others.
        doc.cats = {} if exclusive and lost and not any(kept.values()) else kept
