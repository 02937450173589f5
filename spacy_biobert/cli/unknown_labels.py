"""Labels of documents that a pipeline does not know: told, and never an obstacle."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..components import CATEGORIES, ENTITIES, RELATIONS, find_components
from ..errors import Warnings

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

COUNT, LEFT_OUT = "count as missed", "are left out"


def warn_of_unknown_labels(nlp: "Language", docs: "list[Doc]", data: Path) -> None:
    """Warn of gold annotation that the pipeline could never find.

    Entities and relations of unknown labels count as missed. Unknown categories are
    taken off the documents, because a scorer of categories knows no others than the
    component.

    nlp (Language): The pipeline.
    docs (list[Doc]): The gold documents; their categories may change.
    data (Path): Where they are from, for the message.
    """
    _warn(nlp, docs, data, "entities", ENTITIES, _entity_labels, COUNT)
    _warn(nlp, docs, data, "relations", RELATIONS, _relation_labels, COUNT)
    _warn(nlp, docs, data, "categories", CATEGORIES, _category_labels, LEFT_OUT)
    pipes = find_components(nlp, CATEGORIES).values()
    known = _known_labels(pipes)
    if not known:
        return
    exclusive = any(getattr(pipe, "exclusive", False) for pipe in pipes)
    for doc in docs:
        kept = {label: value for label, value in doc.cats.items() if label in known}
        lost = len(kept) < len(doc.cats)
        # The one that applies may be unknown; then nothing is known of the others.
        doc.cats = {} if exclusive and lost and not any(kept.values()) else kept


def _warn(
    nlp: "Language",
    docs: "list[Doc]",
    data: Path,
    kind: str,
    assigned: str,
    find: "Callable[[Doc], list[str]]",
    fate: str,
) -> None:
    from ..extensions import get_name

    pipes = find_components(nlp, assigned)
    known = _known_labels(pipes.values())
    unknown = [(x, doc) for doc in docs for x in find(doc) if x not in known]
    if pipes and unknown:
        warnings.warn(
            Warnings.B474.format(
                path=data,
                n_unknown=len(unknown),
                kind=kind,
                component=", ".join(pipes),
                labels=", ".join(sorted({repr(label) for label, _ in unknown})),
                document=get_name(unknown[0][1]),
                fate=fate,
            ),
            stacklevel=3,
        )


def _known_labels(pipes: Any) -> set[str]:
    return {label for pipe in pipes for label in pipe.labels}


def _entity_labels(doc: "Doc") -> list[str]:
    return [ent.label_ for ent in doc.ents]


def _relation_labels(doc: "Doc") -> list[str]:
    from ..extensions import read_concept_relations, read_relations

    rows = [*(read_relations(doc) or ()), *(read_concept_relations(doc) or ())]
    return [row.label for row in rows]


def _category_labels(doc: "Doc") -> list[str]:
    return [label for label, value in doc.cats.items() if value]
