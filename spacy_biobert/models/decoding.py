"""Find entities under the scores of a token classifier, and how probable they are.

Shapes: N = tokens of all docs, D = docs, L = labels. Scores are natural logarithms.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy

from .lanes import Floats, Ints
from .lattice import LEAST, Lattice, Path, Roles, Sums, find_best_path


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
    scores = numpy.maximum(_score_path(lattice.roles, path), LEAST)
    scores = lattice.lanes.put_back(scores) - sums.scale
    inner = numpy.concatenate([[0.0], numpy.cumsum(scores)])
    chances = numpy.exp(inner[ends] - inner[starts])
    chances *= sums.before[starts] * sums.closed[ends - 1]
    return _make_segments(starts, ends, labels, chances, lengths)


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
    roles = Roles(
        *(
            lattice.lanes.put_back(getattr(lattice.roles, name))
            for name in ("outside", "begin", "inside", "last", "unit")
        )
    )
    with numpy.errstate(divide="ignore"):
        before = numpy.log(sums.before) - sums.scale
    unit = numpy.exp(before + roles.unit) * sums.closed
    labels, starts = numpy.nonzero(unit >= min_confidence)
    found = [(starts, starts + 1, labels, unit[labels, starts])]

    opened = before + roles.begin
    labels, starts = numpy.nonzero(numpy.exp(opened) * sums.opened >= min_confidence)
    scores = opened[labels, starts]
    for n_tokens in range(2, max_tokens + 1):
        # What goes on has chances only within its doc.
        at = starts + n_tokens - 1
        chances = numpy.exp(scores + roles.last[labels, at] - sums.scale[at])
        chances *= sums.closed[at]
        is_found = chances >= min_confidence
        found.append(
            (starts[is_found], at[is_found] + 1, labels[is_found], chances[is_found])
        )
        scores = scores + roles.inside[labels, at] - sums.scale[at]
        goes_on = numpy.exp(scores) * sums.opened[labels, at] >= min_confidence
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
    put_back = lattice.lanes.put_back
    is_unit = (path.before == 0) & (path.after == 0) & (path.alone > 0)
    is_start = is_unit | ((path.before == 0) & (path.after > 0))
    is_end = is_unit | ((path.before > 0) & (path.after == 0))
    states = put_back(numpy.where(is_unit, path.alone, path.after))
    starts = numpy.flatnonzero(put_back(is_start))
    ends = numpy.flatnonzero(put_back(is_end)) + 1
    return starts, ends, states[starts] - 1


def _score_path(roles: Roles, path: Path) -> Floats:
    """Score the tokens of entities in the role that the path gives them; 0 elsewhere."""
    scores = numpy.zeros(len(path.before))
    before, after = path.before, path.after
    for at, role, label in (
        (numpy.flatnonzero((before == 0) & (after > 0)), roles.begin, after),
        (numpy.flatnonzero((before > 0) & (after > 0)), roles.inside, after),
        (numpy.flatnonzero((before > 0) & (after == 0)), roles.last, before),
        (
            numpy.flatnonzero((before == 0) & (after == 0) & (path.alone > 0)),
            roles.unit,
            path.alone,
        ),
    ):
        scores[at] = role[label[at] - 1, at]
    return scores
