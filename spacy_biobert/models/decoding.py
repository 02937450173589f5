"""Find entities under the scores of a token classifier, and how probable they are.

Shapes: N = tokens of all docs, D = docs, L = labels. Scores are natural logarithms.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy

from .lanes import Floats, Ints
from .lattice import LEAST, TINY, Lattice, Path, Roles, Sums, find_best_path


@dataclass(frozen=True, slots=True)
class Segments:
    """Entities of several docs: their doc, tokens, label index and probability."""

    docs: Ints
    starts: Ints
    ends: Ints
    labels: Ints
    confidences: Floats


def decode_entities(lattice: Lattice, sums: Sums, lengths: Sequence[int]) -> Segments:
    """Find the most probable well-formed entities, and how probable each is.

    The chance of a tag sequence is the product of its tags' softmax chances,
    over the sequences that are well formed. The best one is exact (Viterbi). The
    confidence of an entity is the sum of the chances of all sequences that hold
    exactly this entity (forward-backward), so that another label or one token
    more or less counts against it.

    lattice (Lattice): From `build_lattice`.
    sums (Sums): From `sum_paths`.
    lengths (Sequence[int]): Tokens of each doc.
    RETURNS (Segments): In the order of docs and tokens, confidences 0-1.
    SOURCE: Culotta and McCallum (2004), section 3, https://aclanthology.org/N04-4028
    """
    path = find_best_path(lattice)
    starts, ends, labels = _read_entities(lattice, path)
    places = lattice.lanes.places
    first, last = places[starts], places[ends - 1]
    chances = numpy.log(sums.before[first] * sums.closed[last] + TINY)
    if len(starts):
        tokens = places[list_tokens(starts, ends - starts)]
        scores = _score_path(lattice.roles, path, tokens) - sums.scale[tokens]
        n_tokens = ends - starts
        inner = numpy.add.reduceat(scores, numpy.cumsum(n_tokens) - n_tokens)
        chances = numpy.minimum(chances + inner, 0.0)
    return _make_segments(starts, ends, labels, numpy.exp(chances), lengths)


def list_tokens(starts: Ints, lengths: Ints) -> Ints:
    """List the tokens of segments, one segment after the other.

    starts (Ints): First tokens.
    lengths (Ints): Numbers of tokens.
    RETURNS (Ints): As many as the lengths sum to.
    """
    skipped = numpy.cumsum(lengths) - lengths
    return numpy.repeat(starts - skipped, lengths) + numpy.arange(lengths.sum())


def find_candidates(
    lattice: Lattice,
    sums: Sums,
    lengths: Sequence[int],
    *,
    min_confidence: float,
    max_tokens: int,
    n_most: int,
) -> Segments:
    """Find all entities that are probable enough, whether the best path has them or not.

    They may overlap and lie in each other. All starts grow by one token at a time, for
    as long as a longer entity can be probable enough.

    lattice (Lattice): From `build_lattice`.
    sums (Sums): From `sum_paths`.
    lengths (Sequence[int]): Tokens of each doc.
    min_confidence (float): The least probability, above 0.
    max_tokens (int): The most tokens of one, at least 1.
    n_most (int): The most of a doc; the most probable are kept.
    RETURNS (Segments): In the order of docs and tokens, confidences 0-1.
    """
    places = lattice.lanes.places
    begin, inside, last, unit = (
        role[:, places]
        for role in (
            lattice.roles.begin,
            lattice.roles.inside,
            lattice.roles.last,
            lattice.roles.unit,
        )
    )
    scale, closed = sums.scale[places], sums.closed[places]
    open_after = sums.opened[:, places]
    with numpy.errstate(divide="ignore"):
        before = numpy.log(sums.before[places]) - scale
    alone = numpy.exp(before + unit) * closed
    labels, starts = numpy.nonzero(alone >= min_confidence)
    found = [(starts, starts + 1, labels, alone[labels, starts])]

    opened = before + begin
    labels, starts = numpy.nonzero(numpy.exp(opened) * open_after >= min_confidence)
    scores = opened[labels, starts]
    for n_tokens in range(2, max_tokens + 1):
        # What goes on has chances only within its doc.
        at = starts + n_tokens - 1
        chances = numpy.exp(scores + last[labels, at] - scale[at])
        chances *= closed[at]
        is_found = chances >= min_confidence
        found.append(
            (starts[is_found], at[is_found] + 1, labels[is_found], chances[is_found])
        )
        scores = scores + inside[labels, at] - scale[at]
        goes_on = numpy.exp(scores) * open_after[labels, at] >= min_confidence
        labels, starts, scores = labels[goes_on], starts[goes_on], scores[goes_on]
    starts, ends, labels, chances = map(numpy.concatenate, zip(*found, strict=True))
    segments = _make_segments(starts, ends, labels, chances, lengths)
    return _keep_most_probable(segments, n_most)


def _keep_most_probable(segments: Segments, n_most: int) -> Segments:
    order = numpy.lexsort((-segments.confidences, segments.docs))
    docs = segments.docs[order]
    rank = numpy.arange(len(docs)) - numpy.searchsorted(docs, docs)
    kept = order[rank < n_most]
    by_place = numpy.lexsort(
        (
            segments.labels[kept],
            segments.ends[kept],
            segments.starts[kept],
            segments.docs[kept],
        )
    )
    kept = kept[by_place]
    return Segments(
        segments.docs[kept],
        segments.starts[kept],
        segments.ends[kept],
        segments.labels[kept],
        segments.confidences[kept],
    )


def _make_segments(
    starts: Ints, ends: Ints, labels: Ints, chances: Floats, lengths: Sequence[int]
) -> Segments:
    n_tokens = numpy.asarray(lengths, dtype=numpy.int64)
    docs = numpy.repeat(numpy.arange(len(n_tokens)), n_tokens)[starts]
    offsets = (numpy.cumsum(n_tokens) - n_tokens)[docs]
    confidences = numpy.minimum(chances, 1.0)
    return Segments(docs, starts - offsets, ends - offsets, labels, confidences)


def _read_entities(lattice: Lattice, path: Path) -> tuple[Ints, Ints, Ints]:
    """Give the first tokens, the ends and the labels, in the order of the tokens."""
    rows = lattice.lanes.rows
    is_unit = (path.before == 0) & (path.after == 0) & (path.alone > 0)
    first = numpy.flatnonzero(is_unit | ((path.before == 0) & (path.after > 0)))
    last = numpy.flatnonzero(is_unit | ((path.before > 0) & (path.after == 0)))
    first = first[numpy.argsort(rows[first])]
    labels = numpy.where(is_unit[first], path.alone[first], path.after[first]) - 1
    return rows[first], numpy.sort(rows[last]) + 1, labels


def _score_path(roles: Roles, path: Path, tokens: Ints) -> Floats:
    """Score tokens of entities in the role that the path gives them."""
    before, after = path.before[tokens], path.after[tokens]
    enter = roles.begin[after - 1, tokens]
    onward = roles.inside[before - 1, tokens]
    leave = roles.last[before - 1, tokens]
    unit = roles.unit[path.alone[tokens] - 1, tokens]
    scores = numpy.where(
        before == 0,
        numpy.where(after == 0, unit, enter),
        numpy.where(after == 0, leave, onward),
    )
    return numpy.maximum(scores, LEAST)
