"""Find the best entities under the scores of a token classifier.

Between two tokens the text is either in no entity ("closed") or within an entity
of one label ("open"). A token that moves from closed to closed is outside or an
entity of its own, from closed to open it begins an entity, from open to open it
is inside, from open to closed it is the last. Every path from closed to closed is
a set of entities that do not overlap, and every such set is exactly one path, so
that no badly formed entity can come out. One step costs as much as there are
labels, not their square, and all documents take it together.

Shapes: N = tokens of all docs, D = docs, L = labels. Scores are natural logarithms.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray

from .tags import LETTERS, Scheme

Floats = NDArray[numpy.float64]
Ints = NDArray[numpy.int64]
Bools = NDArray[numpy.bool_]


@dataclass(frozen=True, slots=True)
class Segments:
    """Entities of several docs: their doc, tokens, label index and probability."""

    docs: Ints
    starts: Ints
    ends: Ints
    labels: Ints
    confidences: Floats


@dataclass(frozen=True, slots=True)
class _Roles:
    """What each token scores in each role: [N], then four times [L, N]; by step."""

    outside: Floats
    begin: Floats
    inside: Floats
    last: Floats
    unit: Floats


@dataclass(frozen=True, slots=True)
class _Steps:
    """All first tokens, then all second tokens ...; the longest doc comes first.

    `now` are the rows of one step, the docs that reach it are the first of `by_length`.
    """

    by_length: Ints
    rows: Ints
    now: list[slice]


@dataclass(frozen=True, slots=True)
class _Path:
    """The state around each token: 0 is closed, 1 + i open with label i; by step."""

    before: Ints
    after: Ints
    alone: Ints  # 1 + i if the token would be an entity of its own, else 0


def decode_entities(
    logits: NDArray[Any],
    lengths: Sequence[int],
    *,
    scheme: Scheme,
    is_space: Bools,
    is_closed: Bools,
) -> Segments:
    """Find the most probable well-formed entities, and how probable each is.

    The chance of a tag sequence is the product of its tags' softmax chances,
    over the sequences that are well formed. The best one is exact (Viterbi). The
    confidence of an entity is the sum of the chances of all sequences that hold
    exactly this entity (forward-backward), so that another label or one token
    more or less counts against it.

    logits (NDArray): One row per token, one column per tag of `make_tag_names`.
    lengths (Sequence[int]): Tokens of each doc, summing to the rows of `logits`.
    scheme (str): "bio" or "biluo".
    is_space (NDArray): Whether the token is whitespace, bool, [N]. An entity
        neither starts nor ends there.
    is_closed (NDArray): Whether no entity may cover the token, bool, [N].
    RETURNS (Segments): In the order of docs and tokens, confidences 0-1.
    SOURCE: Rabiner (1989), section III, https://doi.org/10.1109/5.18626; Culotta
        and McCallum (2004), section 3, https://aclanthology.org/N04-4028
    """
    steps = _order_by_step(lengths)
    rows = steps.rows
    roles = _score_roles(logits[rows], scheme, is_space[rows], is_closed[rows])
    path = _find_best_path(roles, steps)
    starts, ends, labels = _read_entities(path, steps)
    docs = numpy.repeat(numpy.arange(len(lengths)), lengths)[starts]
    if len(starts):
        alpha, beta, total = _sum_paths(roles, steps)
        scores = _in_doc_order(_score_path(roles, path), steps)
        sums = numpy.concatenate([[0.0], numpy.cumsum(scores)])
        inner = sums[ends] - sums[starts]
        chances = alpha[starts] + inner + beta[ends - 1] - total[docs]
    else:
        chances = numpy.zeros(0)
    offsets = _start_of_docs(lengths)[docs]
    confidences = numpy.exp(numpy.minimum(chances, 0.0))
    return Segments(docs, starts - offsets, ends - offsets, labels, confidences)


def _in_doc_order(X: NDArray[Any], steps: _Steps) -> NDArray[Any]:
    Y = numpy.empty_like(X)
    Y[steps.rows] = X
    return Y


def _start_of_docs(lengths: Sequence[int]) -> Ints:
    n_tokens = numpy.asarray(lengths, dtype=numpy.int64)
    return numpy.cumsum(n_tokens) - n_tokens


def _score_roles(
    logits: NDArray[Any], scheme: Scheme, is_space: Bools, is_closed: Bools
) -> _Roles:
    X = numpy.ascontiguousarray(logits.T, dtype=numpy.float64)
    X -= X.max(axis=0)
    X -= numpy.log(numpy.exp(X).sum(axis=0))
    letters = "".join(dict.fromkeys(LETTERS[scheme]))
    begin, inside, last, unit = (
        X[1 + letters.index(letter) :: len(letters)].copy()
        for letter in LETTERS[scheme]
    )
    for at_edge in (begin, last, unit):
        at_edge[:, is_space | is_closed] = -numpy.inf
    inside[:, is_closed] = -numpy.inf
    return _Roles(X[0], begin, inside, last, unit)


def _order_by_step(lengths: Sequence[int]) -> _Steps:
    n_tokens = numpy.asarray(lengths, dtype=numpy.int64)
    by_length = numpy.argsort(-n_tokens, kind="stable")
    longest = int(n_tokens.max(initial=0))
    shorter = numpy.searchsorted(numpy.sort(n_tokens), numpy.arange(longest), "right")
    n_active = len(n_tokens) - shorter
    bounds = numpy.concatenate([[0], numpy.cumsum(n_active)])
    now = [slice(a, b) for a, b in zip(bounds[:-1], bounds[1:], strict=True)]
    rank = numpy.arange(bounds[-1]) - numpy.repeat(bounds[:-1], n_active)
    step = numpy.repeat(numpy.arange(longest), n_active)
    rows = _start_of_docs(lengths)[by_length][rank] + step
    return _Steps(by_length, rows, now)


def _find_best_path(roles: _Roles, steps: _Steps) -> _Path:
    n_labels, n_tokens = roles.begin.shape
    choices = numpy.concatenate([roles.outside[None], roles.unit])
    alone = choices.argmax(axis=0)
    best_alone = choices.max(axis=0)
    came_from = numpy.zeros(n_tokens, dtype=numpy.int64)
    continued = numpy.zeros((n_labels, n_tokens), dtype=bool)
    closed = numpy.zeros(len(steps.by_length))
    opened = numpy.full((n_labels, len(steps.by_length)), -numpy.inf)
    for now in steps.now:
        k = now.stop - now.start
        stay = closed[:k] + best_alone[now]
        leave = opened[:, :k] + roles.last[:, now]
        best_leave = leave.max(axis=0)
        came_from[now] = (leave.argmax(axis=0) + 1) * (best_leave > stay)
        enter = closed[:k] + roles.begin[:, now]
        onward = opened[:, :k] + roles.inside[:, now]
        continued[:, now] = onward > enter
        numpy.maximum(enter, onward, out=opened[:, :k])
        numpy.maximum(stay, best_leave, out=closed[:k])
    before, after = _trace_back(came_from, continued, steps)
    return _Path(before, after, alone)


def _trace_back(came_from: Ints, continued: Bools, steps: _Steps) -> tuple[Ints, Ints]:
    before, after = numpy.zeros_like(came_from), numpy.zeros_like(came_from)
    state = numpy.zeros(len(steps.by_length), dtype=numpy.int64)
    is_onward = numpy.concatenate([numpy.zeros((1, len(came_from)), bool), continued])
    for now in reversed(steps.now):
        k = now.stop - now.start
        after[now] = state[:k]
        onward = is_onward[state[:k], numpy.arange(now.start, now.stop)] * state[:k]
        state[:k] = numpy.where(state[:k] == 0, came_from[now], onward)
        before[now] = state[:k]
    return before, after


def _read_entities(path: _Path, steps: _Steps) -> tuple[Ints, Ints, Ints]:
    is_unit = (path.before == 0) & (path.after == 0) & (path.alone > 0)
    is_start = is_unit | ((path.before == 0) & (path.after > 0))
    is_end = is_unit | ((path.before > 0) & (path.after == 0))
    states = _in_doc_order(numpy.where(is_unit, path.alone, path.after), steps)
    starts = numpy.flatnonzero(_in_doc_order(is_start, steps))
    ends = numpy.flatnonzero(_in_doc_order(is_end, steps)) + 1
    return starts, ends, states[starts] - 1


def _score_path(roles: _Roles, path: _Path) -> Floats:
    column = numpy.arange(len(path.before))
    choices = numpy.concatenate([roles.outside[None], roles.unit])
    enter = roles.begin[path.after - 1, column]
    leave = roles.last[path.before - 1, column]
    onward = roles.inside[path.before - 1, column]
    return numpy.where(
        path.before == 0,
        numpy.where(path.after == 0, choices[path.alone, column], enter),
        numpy.where(path.after == 0, leave, onward),
    )


def _sum_paths(roles: _Roles, steps: _Steps) -> tuple[Floats, Floats, Floats]:
    """Sum the chances of all paths that are closed at a place.

    RETURNS (tuple[Floats, Floats, Floats]): Of the ways to come before each token,
        [N], of the ways to go on after it, [N], and of all ways through a doc, [D].
    """
    n_labels, n_tokens = roles.begin.shape
    n_docs = len(steps.by_length)
    choices = numpy.concatenate([roles.outside[None], roles.unit])
    alone = numpy.logaddexp.reduce(choices, axis=0)
    alpha, beta = numpy.empty(n_tokens), numpy.empty(n_tokens)
    closed, opened = numpy.zeros(n_docs), numpy.full((n_labels, n_docs), -numpy.inf)
    for now in steps.now:
        k = now.stop - now.start
        alpha[steps.rows[now]] = closed[:k]
        leave = numpy.logaddexp.reduce(opened[:, :k] + roles.last[:, now], axis=0)
        enter = closed[:k] + roles.begin[:, now]
        opened[:, :k] = numpy.logaddexp(enter, opened[:, :k] + roles.inside[:, now])
        closed[:k] = numpy.logaddexp(closed[:k] + alone[now], leave)
    total = numpy.empty(n_docs)
    total[steps.by_length] = closed
    closed, opened = numpy.zeros(n_docs), numpy.full((n_labels, n_docs), -numpy.inf)
    for now in reversed(steps.now):
        k = now.stop - now.start
        beta[steps.rows[now]] = closed[:k]
        enter = numpy.logaddexp.reduce(opened[:, :k] + roles.begin[:, now], axis=0)
        leave = closed[:k] + roles.last[:, now]
        opened[:, :k] = numpy.logaddexp(leave, opened[:, :k] + roles.inside[:, now])
        closed[:k] = numpy.logaddexp(closed[:k] + alone[now], enter)
    return alpha, beta, total
