"""The concept ids of a mention in one string, as `ent.kb_id_` has them."""

from collections.abc import Iterable


def join_concepts(concepts: Iterable[str]) -> str:
    """Join ids by |, with the | inside of them written as escape_concept does."""
    return "|".join(map(escape_concept, concepts))


def split_concepts(joined: str) -> tuple[str, ...]:
    """Give the ids that `join_concepts` joined."""
    return tuple(unescape_concept(part) for part in joined.split("|") if part)


def escape_concept(concept: str) -> str:
    """Write | as %7C and % as %25, which ids of variants have.

    An id without either stays as it is.
    """
    if "|" not in concept and "%" not in concept:
        return concept
    return concept.replace("%", "%25").replace("|", "%7C")


def unescape_concept(stored: str) -> str:
    """Give the id that `escape_concept` wrote."""
    return stored.replace("%7C", "|").replace("%25", "%")
