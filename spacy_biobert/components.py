"""The components of a pipeline by what they write, whatever their names are."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spacy.language import Language

ENTITIES = "doc.ents"
RELATIONS = "doc._.relations"
CATEGORIES = "doc.cats"


def find_components(nlp: "Language", assigned: str) -> dict[str, Any]:
    """Find the components that write something.

    nlp (Language): The pipeline; what is disabled in it does not count.
    assigned (str): What a factory states that it assigns, such as ENTITIES.
    RETURNS (dict): By name, in the order of the pipeline.
    """
    return {
        name: pipe
        for name, pipe in nlp.pipeline
        if assigned in nlp.get_pipe_meta(name).assigns
    }


def find_last(nlp: "Language", assigned: str) -> Any:
    """Find the component whose annotation stays; None without any."""
    return next(reversed(find_components(nlp, assigned).values()), None)


def lacks_entities(nlp: "Language") -> bool:
    """Say whether relations are looked for between entities that nothing finds."""
    return bool(find_components(nlp, RELATIONS) and not find_components(nlp, ENTITIES))


def take_gold_entities(nlp: "Language") -> None:
    """Switch off what finds entities, so that those that documents have stay."""
    nlp.select_pipes(disable=list(find_components(nlp, ENTITIES)))
