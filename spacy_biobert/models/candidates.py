"""Propose the pairs of entities that a relation may hold between."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray
from spacy.tokens import Doc

from ..errors import Errors

# One row (start1, end1, start2, end2) in tokens per pair; always in main memory.
PairsT = NDArray[numpy.int32]
GetPairsT = Callable[[Doc], PairsT]


def make_entity_pairs_v1(
    *,
    max_distance: int | None = None,
    types: list[list[str]] | None = None,
    directed: bool = True,
) -> GetPairsT:
    """Make a function that proposes pairs of a doc's entities.

    max_distance (int | None): Most tokens between the starts of the two entities;
        None for no limit.
    types (list[list[str]] | None): The labels that arg1 and arg2 may have, as
        pairs; None for any two.
    directed (bool): Whether (a, b) and (b, a) are two pairs. If not, each two
        entities are proposed once, in the order of the text, or where only the
        other order is among `types`, in that one.
    RETURNS (Callable[[Doc], PairsT]): Gives one row (start1, end1, start2, end2) in
        tokens per pair, sorted by the text, first by arg1. Its attribute
        `directed` tells how pairs are meant.
    RAISES (ValueError): If max_distance is below 1, or types are not pairs.
    """
    if max_distance is not None and max_distance < 1:
        raise ValueError(Errors.B454.format(found=max_distance))
    if types is None:
        return EntityPairs(max_distance, None, directed)
    if not types or any(len(pair) != 2 for pair in types):
        raise ValueError(Errors.B455.format(found=types))
    return EntityPairs(max_distance, tuple((t1, t2) for t1, t2 in types), directed)


@dataclass(frozen=True, slots=True)
class EntityPairs:
    """Proposes pairs of entities; see `make_entity_pairs_v1`.

    A record and not a closure, so that a pipeline can be sent to other processes.
    """

    max_distance: int | None
    types: tuple[tuple[str, str], ...] | None
    directed: bool

    def __call__(self, doc: Doc) -> PairsT:
        """Propose the pairs of a doc.

        doc (Doc): Not modified.
        RETURNS (PairsT): One row (start1, end1, start2, end2) per pair.
        """
        ents = doc.ents
        bounds = numpy.array([(ent.start, ent.end) for ent in ents], numpy.int32)
        bounds = bounds.reshape(-1, 2)
        allowed = self._match_types([ent.label_ for ent in ents])
        if self.max_distance is not None:
            starts = bounds[:, 0]
            allowed &= abs(starts[:, None] - starts) <= self.max_distance
        if self.directed:
            numpy.fill_diagonal(allowed, False)
        else:
            # Below the diagonal only what the order of the text does not allow.
            allowed = numpy.triu(allowed, 1) | numpy.tril(allowed & ~allowed.T, -1)
        args1, args2 = numpy.nonzero(allowed)
        return numpy.hstack([bounds[args1], bounds[args2]])

    def _match_types(self, labels: list[str]) -> NDArray[numpy.bool_]:
        if self.types is None:
            return numpy.ones((len(labels), len(labels)), dtype=bool)
        names = numpy.array(labels, dtype=object)
        allowed = numpy.zeros((len(labels), len(labels)), dtype=bool)
        for type1, type2 in self.types:
            allowed |= (names == type1)[:, None] & (names == type2)
        return allowed
