"""Propose the pairs of entities that a relation may hold between."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray
from spacy.tokens import Doc

from ..errors import Errors
from .sentence_index import index_sentences

# One row (start1, end1, start2, end2) in tokens per pair; always in main memory.
PairsT = NDArray[numpy.int32]
GetPairsT = Callable[[Doc], PairsT]


class PairedDocs(list[Doc]):
    """Docs whose pairs are chosen: a model scores these and proposes none itself.

    So that the pairs of a batch are found once, and those that are not to be
    learned from cost nothing.
    """

    def __init__(self, docs: Iterable[Doc], pairs: list[PairsT]) -> None:
        super().__init__(docs)
        self.pairs = pairs


def list_pairs(get_pairs: GetPairsT, docs: list[Doc]) -> list[PairsT]:
    """Give the pairs of each doc: those chosen for it, or else those proposed.

    get_pairs (Callable): Proposes the pairs of a doc.
    docs (list[Doc]): The docs, or `PairedDocs`.
    RETURNS (list[PairsT]): Per doc, one row (start1, end1, start2, end2) per pair.
    """
    if isinstance(docs, PairedDocs):
        return docs.pairs
    return [get_pairs(doc) for doc in docs]


def is_order_open(get_pairs: GetPairsT, label1: str, label2: str) -> bool:
    """Tell whether the labels of two entities leave open which of them is arg1.

    get_pairs (Callable): Proposes the pairs; `entity_pairs`, or one that is taken to
        be directed and for any labels, unless it has such attributes.
    label1, label2 (str): Labels of the entities.
    RETURNS (bool): Whether both orders are proposed, as two pairs.
    """
    types = getattr(get_pairs, "types", None)
    is_directed = getattr(get_pairs, "directed", True)
    return is_directed and (types is None or (label2, label1) in types)


def make_entity_pairs_v1(
    *,
    max_distance: int | None = None,
    types: list[list[str]] | None = None,
    directed: bool = True,
    max_sentences: int | None = None,
) -> GetPairsT:
    """Make a function that proposes pairs of a doc's entities.

    max_distance (int | None): Most tokens between the starts of the two entities;
        None for no limit.
    types (list[list[str]] | None): The labels that arg1 and arg2 may have, as
        pairs; None for any two.
    directed (bool): Whether (a, b) and (b, a) are two pairs. If not, each two
        entities are proposed once, in the order of the text, or where only the
        other order is among `types`, in that one.
    max_sentences (int | None): Most neighbouring sentences that the two may lie
        in, 1 for the same sentence; None for no limit, and then a doc needs no
        sentences. An entity across a bound lies in both sentences.
    RETURNS (Callable[[Doc], PairsT]): Gives one row (start1, end1, start2, end2) in
        tokens per pair, sorted by the text, first by arg1. Its attribute
        `directed` tells how pairs are meant.
    RAISES (ValueError): If max_distance or max_sentences is below 1, or types are
        not pairs; and while proposing, if a doc with several entities has no
        sentences, but max_sentences is set.
    """
    if max_distance is not None and max_distance < 1:
        raise ValueError(Errors.B454.format(found=max_distance))
    if max_sentences is not None and max_sentences < 1:
        raise ValueError(Errors.B463.format(found=max_sentences))
    if types is None:
        return EntityPairs(max_distance, None, directed, max_sentences)
    if not types or any(len(pair) != 2 for pair in types):
        raise ValueError(Errors.B455.format(found=types))
    named = tuple((type1, type2) for type1, type2 in types)
    return EntityPairs(max_distance, named, directed, max_sentences)


@dataclass(frozen=True, slots=True)
class EntityPairs:
    """Proposes pairs of entities; see `make_entity_pairs_v1`.

    A record and not a closure, so that a pipeline can be sent to other processes.
    """

    max_distance: int | None
    types: tuple[tuple[str, str], ...] | None
    directed: bool
    max_sentences: int | None

    def __call__(self, doc: Doc) -> PairsT:
        """Propose the pairs of a doc.

        doc (Doc): Not modified.
        RETURNS (PairsT): One row (start1, end1, start2, end2) per pair.
        RAISES (ValueError): If it has several entities and no sentences, but
            max_sentences is set.
        """
        ents = doc.ents
        if len(ents) < 2:
            return numpy.zeros((0, 4), dtype=numpy.int32)
        bounds = numpy.array([(ent.start, ent.end) for ent in ents], numpy.int32)
        allowed = self._match_types([ent.label_ for ent in ents])
        if self.max_distance is not None:
            starts = bounds[:, 0]
            allowed &= abs(starts[:, None] - starts) <= self.max_distance
        if self.max_sentences is not None:
            sentences = index_sentences(doc)
            first, last = sentences[bounds[:, 0]], sentences[bounds[:, 1] - 1]
            gaps = first[:, None] - last
            allowed &= numpy.maximum(gaps, gaps.T) < self.max_sentences
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
