"""All well-formed sets of entities of a text: the best one, and sums over them.

Between two tokens the text is either in no entity ("closed") or within an entity
of one label ("open"). A token that moves from closed to closed is outside or an
entity of its own, from closed to open it begins an entity, from open to open it
is inside, from open to closed it is the last. Every path from closed to closed is
a set of entities that do not overlap, and every such set is exactly one path, so
that no badly formed entity can come out. One step costs as much as there are
labels, not their square.

Shapes: N = tokens of all docs, L = labels, C = lanes. Scores are natural logarithms.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray

from .lanes import Bools, Floats, Ints, Lanes, cut_into_lanes, settle
from .tags import Scheme, find_role_columns

# Chances below e^-200 count as that, so that no sum is lost to underflow. Three steps
# of it come to no less than TINY.
LEAST = -200.0
N_UNSCALED = 3
# Nothing is divided by less.
TINY = 1e-300


@dataclass(frozen=True, slots=True)
class Roles:
    """What each token scores in each role: [N], then four times [L, N]."""

    outside: Floats
    begin: Floats
    inside: Floats
    last: Floats
    unit: Floats


@dataclass(frozen=True, slots=True)
class Lattice:
    """The scores of several docs and their chances, by the steps of their lanes."""

    roles: Roles
    chances: Roles
    lanes: Lanes


@dataclass(frozen=True, slots=True)
class Path:
    """The state around each token: 0 is closed, 1 + i open with label i; by step."""

    before: Ints
    after: Ints
    alone: Ints  # 1 + i if the token would be an entity of its own, else 0


@dataclass(frozen=True, slots=True)
class Flows:
    """The chances of all ways to a state, and from it to the end, by step.

    States are as of `Path`, [1 + L, N]. They are scaled, each token's for itself.
    """

    before: Floats  # to the states before the token
    after: Floats  # to those after it, that is with the token
    following: Floats  # from those after it
    scale: Floats  # what `after` was divided by, its logarithm, [N]


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over all paths, by step.

    An entity of the tokens at i to j has the chance `before[i]`, times that of the role
    of each of its tokens over `exp(scale)` there, times `closed[j]`. That it goes on
    after j is the same with `opened[label, j]`.
    """

    before: Floats  # closed before the token, [N]
    scale: Floats  # logarithm, [N]
    closed: Floats  # [N]
    opened: Floats  # [L, N]


def build_lattice(
    logits: NDArray[Any],
    lengths: Sequence[int],
    *,
    scheme: Scheme,
    is_space: Bools,
    is_closed: Bools,
    possible: Bools | None = None,
) -> Lattice:
    """Give each token its score in each role.

    logits (NDArray): One row per token, one column per tag of `make_tag_names`; all
        finite.
    lengths (Sequence[int]): Tokens of each doc, summing to the rows of `logits`.
    scheme (str): "bio" or "biluo".
    is_space (NDArray): Whether the token is whitespace, bool, [N]. An entity
        neither starts nor ends there.
    is_closed (NDArray): Whether no entity may cover the token, bool, [N].
    possible (NDArray | None): Whether the token may have the tag, bool, shaped as
        `logits`; None for all.
    RETURNS (Lattice): To be searched and summed.
    """
    lanes = cut_into_lanes(lengths)
    rows = lanes.rows
    X = numpy.ascontiguousarray(logits[rows].T, dtype=numpy.float64)
    X -= X.max(axis=0)
    Y = numpy.exp(X)
    totals = Y.sum(axis=0)
    X -= numpy.log(totals)
    Y /= totals
    numpy.maximum(Y, numpy.exp(LEAST), out=Y)
    if possible is not None:
        is_possible = possible[rows].T
        X, Y = numpy.where(is_possible, X, -numpy.inf), Y * is_possible
    never_inside = is_closed[rows]
    never_at_edge = never_inside | is_space[rows]
    roles = _read_roles(X, scheme, never_at_edge, never_inside, -numpy.inf)
    chances = _read_roles(Y, scheme, never_at_edge, never_inside, 0.0)
    return Lattice(roles, chances, lanes)


def _read_roles(
    X: Floats, scheme: Scheme, never_at_edge: Bools, never_inside: Bools, never: float
) -> Roles:
    begin, inside, last, unit = (X[columns] for columns in find_role_columns(scheme))
    begin, last, unit = (
        numpy.where(never_at_edge, never, at_edge) for at_edge in (begin, last, unit)
    )
    inside = numpy.where(never_inside, never, inside)
    return Roles(X[0], begin, inside, last, unit)


def find_best_path(lattice: Lattice) -> Path:
    """Find the path with the best score (Viterbi).

    lattice (Lattice): From `build_lattice`.
    RETURNS (Path): The states around each token, by step.
    SOURCE: Rabiner (1989), section III, https://doi.org/10.1109/5.18626
    """
    roles, lanes = lattice.roles, lattice.lanes
    choices = numpy.concatenate([roles.outside[None], roles.unit])
    best_alone = choices.max(axis=0)

    def run(start: Floats) -> tuple[Floats, tuple[Ints, Bools]]:
        return _search(roles, best_alone, lanes, start)

    closed = numpy.full((1 + len(roles.begin), 1), -numpy.inf)
    closed[0] = 0.0
    came_from, onward = settle(run, closed, lanes.before)

    def trace_back(end: Ints) -> tuple[Ints, tuple[Ints, Ints]]:
        return _trace_back(came_from, onward, lanes, end)

    nothing = numpy.zeros((1, 1), dtype=numpy.int64)
    before, after = settle(trace_back, nothing, lanes.after)
    return Path(before, after, choices.argmax(axis=0))


def _search(
    roles: Roles, best_alone: Floats, lanes: Lanes, start: Floats
) -> tuple[Floats, tuple[Ints, Bools]]:
    """Find the state before each token that the best way to each one after it has."""
    n_labels, n_tokens = roles.begin.shape
    state = start.copy()
    came_from = numpy.empty(n_tokens, dtype=numpy.int64)
    onward = numpy.zeros((1 + n_labels, n_tokens), dtype=bool)
    for now in lanes.now:
        closed, opened = (
            state[0, : now.stop - now.start],
            state[1:, : now.stop - now.start],
        )
        stay = closed + best_alone[now]
        leave = opened + roles.last[:, now]
        best_leave = leave.max(axis=0)
        came_from[now] = (leave.argmax(axis=0) + 1) * (best_leave > stay)
        enter = closed + roles.begin[:, now]
        go_on = opened + roles.inside[:, now]
        onward[1:, now] = go_on > enter
        numpy.maximum(enter, go_on, out=opened)
        numpy.maximum(stay, best_leave, out=closed)
    return state - state[0], (came_from, onward)


def _trace_back(
    came_from: Ints, onward: Bools, lanes: Lanes, end: Ints
) -> tuple[Ints, tuple[Ints, Ints]]:
    before, after = numpy.empty_like(came_from), numpy.empty_like(came_from)
    state = end[0].copy()
    for now in reversed(lanes.now):
        at = state[: now.stop - now.start]
        after[now] = at
        goes_on = onward[at, numpy.arange(now.start, now.stop)]
        at[:] = numpy.where(at == 0, came_from[now], at * goes_on)
        before[now] = at
    return state[None], (before, after)


def sum_paths(lattice: Lattice) -> Sums:
    """Sum the chances of all paths through each state.

    lattice (Lattice): From `build_lattice`.
    RETURNS (Sums): By step.
    """
    flows = sum_both_ways(lattice)
    through = (flows.after * flows.following).sum(axis=0) + TINY
    following = flows.following / through
    return Sums(flows.before[0], flows.scale, following[0], following[1:])


def sum_both_ways(lattice: Lattice) -> Flows:
    """Sum the chances from the beginning and from the end (forward-backward).

    lattice (Lattice): From `build_lattice`.
    RETURNS (Flows): By step.
    SOURCE: Rabiner (1989), sections III.A and V.A, https://doi.org/10.1109/5.18626
    """
    roles, lanes = lattice.chances, lattice.lanes
    begin, inside, last = roles.begin, roles.inside, roles.last
    alone = roles.outside + roles.unit.sum(axis=0)
    closed = numpy.zeros((1 + len(begin), 1))
    closed[0] = 1.0

    def forward(start: Floats) -> tuple[Floats, tuple[Floats, Floats, Floats]]:
        return _sum_onward((alone, begin, inside, last), lanes.now, start)

    def backward(start: Floats) -> tuple[Floats, tuple[Floats, Floats, Floats]]:
        # Seen from the end, an entity begins with its last token.
        return _sum_onward((alone, last, inside, begin), lanes.now[::-1], start)

    before, after, scale = settle(forward, closed, lanes.before)
    following, _, _ = settle(backward, closed, lanes.after)
    return Flows(before, after, following, numpy.log(scale))


def _sum_onward(
    chances: tuple[Floats, Floats, Floats, Floats], steps: list[slice], start: Floats
) -> tuple[Floats, tuple[Floats, Floats, Floats]]:
    """Sum in one direction; every few steps the states are made to sum to one.

    RETURNS: The states at the end, [1 + L, C]; and those before and after each
        token, [1 + L, N], and what the latter were divided by, [N].
    """
    alone, enter, inside, leave = chances
    n_labels, n_tokens = enter.shape
    state = start.copy()
    before = numpy.empty((1 + n_labels, n_tokens))
    after, scale = numpy.empty_like(before), numpy.ones(n_tokens)
    for step, now in enumerate(steps, 1):
        at = state[:, : now.stop - now.start]
        before[:, now] = at
        closed, opened = before[0, now], at[1:]
        at[0] = closed * alone[now] + numpy.add.reduce(opened * leave[:, now])
        opened *= inside[:, now]
        opened += closed * enter[:, now]
        # A lane that goes on elsewhere ends with the last step.
        if step % N_UNSCALED == 0 or step == len(steps):
            scale[now] = numpy.add.reduce(at) + TINY
            at /= scale[now]
        after[:, now] = at
    return state, (before, after, scale)
