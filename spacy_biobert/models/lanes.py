"""Go through documents in short stretches, side by side.

A recursion over tokens is a loop that numpy cannot take away, but it can take many
documents in each of its steps. So that the longest document does not set the number of
steps, each is cut into lanes of a few tokens. A lane begins in the state that the one
before it ends in, which is not known yet: all lanes run from a first guess, then from
where their neighbours ended, until nothing changes. States forget within a few tokens
what came long before, so that this takes two or three runs; the lanes of a document are
the most it can take, and then the result is that of one long loop.

Shapes: N = tokens of all docs, C = lanes, S = states.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy
from numpy.typing import NDArray

Floats = NDArray[numpy.float64]
Ints = NDArray[numpy.int64]
Bools = NDArray[numpy.bool_]
FoundT = TypeVar("FoundT")

# Shorter lanes take fewer steps, and more runs until they agree.
LANE = 24
# Differences between states that are rounding, relative below 1: what is small now may
# be all that is left in a few tokens.
TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Lanes:
    """Tokens by step: the first ones of all lanes, then all second ones ...

    The longest lane comes first, so that those that reach a step are the first of all.
    `rows` are the tokens in this order, [N], and `places` where each token is in it,
    [N]; `now` are the places of each step; `before` and `after` are a lane's neighbours
    in its document, or -1, [C].
    """

    rows: Ints
    places: Ints
    now: list[slice]
    before: Ints
    after: Ints


def cut_into_lanes(lengths: Sequence[int]) -> Lanes:
    """Cut documents into lanes.

    lengths (Sequence[int]): Tokens of each doc.
    RETURNS (Lanes): Of at most LANE tokens each.
    """
    n_tokens = numpy.asarray(lengths, dtype=numpy.int64)
    n_lanes = -(-n_tokens // LANE)
    doc = numpy.repeat(numpy.arange(len(n_tokens)), n_lanes)
    last = numpy.cumsum(n_lanes)[doc] - 1
    lane = numpy.arange(len(doc))
    length = numpy.where(lane == last, n_tokens[doc] - LANE * (n_lanes[doc] - 1), LANE)
    start = numpy.cumsum(length) - length

    by_length = numpy.argsort(-length, kind="stable")
    place = numpy.empty_like(lane)
    place[by_length] = lane
    is_first = lane == last - n_lanes[doc] + 1
    before = numpy.where(is_first, -1, place[lane - 1])[by_length]
    after = numpy.where(lane == last, -1, place[(lane + 1) % max(1, len(lane))])

    longest = int(length.max(initial=0))
    n_active = (length[:, None] > numpy.arange(longest)).sum(axis=0)
    bounds = numpy.concatenate([[0], numpy.cumsum(n_active)]).astype(numpy.int64)
    now = [slice(a, b) for a, b in zip(bounds[:-1], bounds[1:], strict=True)]
    rank = numpy.arange(bounds[-1]) - numpy.repeat(bounds[:-1], n_active)
    step = numpy.repeat(numpy.arange(longest), n_active)
    rows = start[by_length][rank] + step
    places = numpy.empty_like(rows)
    places[rows] = numpy.arange(len(rows))
    return Lanes(rows, places, now, before, after[by_length])


def settle(
    run: Callable[[NDArray[Any]], tuple[NDArray[Any], FoundT]],
    first: NDArray[Any],
    neighbours: Ints,
) -> FoundT:
    """Run all lanes until each begins as its neighbour ends.

    Each run puts one more lane of a document right, so that there are no more runs
    than lanes, even if states are no numbers and never agree.

    run (Callable): Takes the state that each lane begins in, [S, C]; gives the state
        that each ends in, [S, C], and what was found on the way. Modifies nothing.
    first (NDArray): The state in which a document begins, [S, 1].
    neighbours (Ints): For each lane the one whose end it begins at, or -1 at an end
        of a document, [C].
    RETURNS: What the last run found.
    """
    at_edge = neighbours < 0
    start = numpy.repeat(first, len(neighbours), axis=1)
    for _ in range(max(1, len(neighbours))):
        end, found = run(start)
        new = numpy.where(at_edge, first, end[:, neighbours])
        if _are_same(new, start):
            break
        start = new
    return found


def _are_same(X: NDArray[Any], Y: NDArray[Any]) -> bool:
    # Equal infinities are the same, though their difference is no number.
    with numpy.errstate(invalid="ignore"):
        allowed = TOLERANCE * numpy.minimum(1.0, abs(X))
        return bool(((X == Y) | (abs(X - Y) <= allowed)).all())
