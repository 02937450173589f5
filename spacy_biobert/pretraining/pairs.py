"""Plan what the encoder reads: sentences in pairs (NSP), or alone. No I/O.

The reference builder's defects are mended: a chunk without a partner is not called
random, so that labelled pairs are truly half and half; what is too long is cut at
its outer ends, so that a pair that follows truly follows; a short input is drawn
for each input, not for a whole document; and a stranger is as long as what it takes
the place of, so that lengths do not give the label away.

All that is drawn for an input depends on the sentence it begins with. So it is drawn
for every sentence at once, as if an input began there; which ones truly begin one is
then found by going from input to input.

Shapes: S = sentences of all documents, R = those with which an input begins that gets a
stranger. Sentences and pieces are counted through all documents, as in their outline.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import Errors
from .dice import Rolls, make_key, roll, to_numbers, to_shares
from .outline import Outline
from .ranges import IntArray, join_ranges

FOLLOWS, RANDOM, NO_PARTNER = 0, 1, -100
N_SPECIALS_PAIR, N_SPECIALS_ALONE = 3, 2
# Room for [CLS] A [SEP] B [SEP] with one piece each.
LEAST_PIECES = N_SPECIALS_PAIR + 2
# Documents drawn in search of a stranger that is long enough.
MAX_DRAWS = 10
N_COLUMNS = 7


class Documents(Protocol):
    """Documents as sentences; `documents.StoredDocuments` is one."""

    def outline(self) -> Outline:
        """Give where all documents and their sentences begin."""


@dataclass(frozen=True, slots=True)
class Instances:
    """Where the segments of each input stand, in columns of a table [n, 7].

    Columns: document of A, begin and end of A in pieces of the document, document of B,
    begin and end of B (an empty stretch if there is no B), label: 0 if B follows A, 1 if
    B is from elsewhere, -100 if A stands alone.
    """

    table: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.table)

    @property
    def labels(self) -> NDArray[np.int32]:
        """The labels [n]."""
        return self.table[:, 6]

    @property
    def lengths(self) -> IntArray:
        """Pieces of each input with its special pieces [n]."""
        a, b = self.table[:, 2] - self.table[:, 1], self.table[:, 5] - self.table[:, 4]
        specials = np.where(b > 0, N_SPECIALS_PAIR, N_SPECIALS_ALONE)
        lengths: IntArray = (a + b + specials).astype(np.int64)
        return lengths


def plan_epoch(
    documents: Documents,
    *,
    max_pieces: int,
    short_probability: float,
    next_sentence: bool,
    seed: int,
    epoch: int,
) -> Instances:
    """Plan every input of one pass over the documents, in random order.

    A pure function of its arguments.

    documents (Documents): Each has at least one sentence, each of at least one piece.
    max_pieces (int): Most pieces of an input, special ones included.
    short_probability (float): Share of inputs that get a shorter length, 0 to 1.
    next_sentence (bool): Whether to make pairs. If not, or if there is but one
        document, each input is one stretch of whole sentences.
    seed (int): Seed of the run.
    epoch (int): Number of the pass; each has its own pairs and order.
    RETURNS (Instances): The inputs.
    RAISES (ValueError): If `max_pieces` is less than 5.
    SOURCE: Devlin et al. (2019), appendix A.2, https://arxiv.org/abs/1810.04805
    """
    if max_pieces < LEAST_PIECES:
        raise ValueError(Errors.B120.format(found=max_pieces, least=LEAST_PIECES))
    outline = documents.outline()
    planner = _Planner(outline, max_pieces, short_probability, seed, epoch)
    makes_pairs = next_sentence and len(outline) > 1
    table = planner.plan_pairs() if makes_pairs else planner.plan_stretches()
    order = np.random.default_rng(int(make_key("order of inputs", seed, epoch)))
    return Instances(table[order.permutation(len(table))])


@dataclass(frozen=True, slots=True)
class _Planner:
    outline: Outline
    max_pieces: int
    short_probability: float
    seed: int
    epoch: int

    def plan_stretches(self) -> NDArray[np.int32]:
        """Take whole sentences as long as they fit."""
        bounds, first_S, end_S = self._sentences()
        target_S = self._targets(first_S, self.max_pieces - N_SPECIALS_ALONE)
        last_S = np.searchsorted(bounds, bounds[:-1] + target_S, side="right") - 1
        last_S = last_S.clip(first_S + 1, end_S)
        begun = _follow(last_S)
        return self._alone(begun, last_S[begun])

    def plan_pairs(self) -> NDArray[np.int32]:
        """Take sentences until the length is reached, and split them in two."""
        bounds, first_S, end_S = self._sentences()
        target_S = self._targets(first_S, self.max_pieces - N_SPECIALS_PAIR)
        last_S = np.searchsorted(bounds, bounds[:-1] + target_S)
        last_S = last_S.clip(first_S + 1, end_S)
        n_more_S = last_S - first_S - 1
        middle_S = first_S + 1 + to_numbers(self._roll("middle", first_S), n_more_S)
        is_random_S = to_shares(self._roll("label", first_S)) < 0.5
        is_random_S &= n_more_S > 0
        # What the stranger took the place of is used again.
        begun = _follow(np.where(is_random_S, middle_S, last_S))
        is_random, is_alone = is_random_S[begun], n_more_S[begun] == 0
        alone, own = begun[is_alone], begun[~is_alone & ~is_random]
        random = begun[is_random]
        followers = self._documents(own), bounds[middle_S[own]], bounds[last_S[own]]
        strangers = self._strangers(
            random, middle_S[random], last_S[random], target_S[random]
        )
        return np.concatenate(
            [
                self._alone(alone, last_S[alone]),
                self._pair(own, middle_S[own], followers, FOLLOWS),
                self._pair(random, middle_S[random], strangers, RANDOM),
            ]
        )

    def _sentences(self) -> tuple[IntArray, IntArray, IntArray]:
        """Give the sentences' bounds, their numbers, and where their documents end."""
        firsts, bounds = self.outline.firsts, self.outline.bounds
        return (
            bounds,
            np.arange(len(bounds) - 1),
            np.repeat(firsts[1:], np.diff(firsts)),
        )

    def _documents(self, sentences: IntArray) -> IntArray:
        return np.searchsorted(self.outline.firsts, sentences, side="right") - 1

    def _roll(self, what: str, counters: IntArray) -> Rolls:
        return roll(make_key(what, self.seed, self.epoch), counters)

    def _targets(self, first_S: IntArray, room: int) -> IntArray:
        """Draw the lengths of inputs, specials not counted: mostly what there is."""
        is_short_S = to_shares(self._roll("is short", first_S)) < self.short_probability
        short_S = 2 + to_numbers(self._roll("length", first_S), room - 1)
        return np.where(is_short_S, short_S, room)

    def _alone(self, first: IntArray, last: IntArray) -> NDArray[np.int32]:
        """Make inputs without a partner; what is too long becomes several."""
        room = self.max_pieces - N_SPECIALS_ALONE
        begin, end = self.outline.bounds[first], self.outline.bounds[last]
        n_inputs = -((begin - end) // room)
        begin, end, document = (
            np.repeat(values, n_inputs)
            for values in (begin, end, self._documents(first))
        )
        begin += room * join_ranges(np.zeros_like(n_inputs), n_inputs)
        nothing = self._first_pieces(document)
        return self._table(
            (document, begin, np.minimum(begin + room, end)),
            (document, nothing, nothing),
            NO_PARTNER,
        )

    def _pair(
        self, first: IntArray, middle: IntArray, b: "_Stretches", label: int
    ) -> NDArray[np.int32]:
        """Cut pairs at their outer ends, so that they fit."""
        begin, end = self.outline.bounds[first], self.outline.bounds[middle]
        document, b_begin, b_end = b
        room = self.max_pieces - N_SPECIALS_PAIR
        n_a, n_b = _fit(end - begin, b_end - b_begin, room)
        a = self._documents(first), end - n_a, end
        return self._table(a, (document, b_begin, b_begin + n_b), label)

    def _table(self, a: "_Stretches", b: "_Stretches", label: int) -> NDArray[np.int32]:
        """Give rows of the table; there pieces are counted in their document."""
        table = np.empty((len(a[0]), N_COLUMNS), dtype=np.int32)
        for column, (document, begin, end) in ((0, a), (3, b)):
            start = self._first_pieces(document)
            table[:, column] = document
            table[:, column + 1] = begin - start
            table[:, column + 2] = end - start
        table[:, -1] = label
        return table

    def _first_pieces(self, documents: IntArray) -> IntArray:
        return self.outline.bounds[self.outline.firsts[documents]]

    def _strangers(
        self,
        first_R: IntArray,
        middle_R: IntArray,
        last_R: IntArray,
        target_R: IntArray,
    ) -> "_Stretches":
        """Take sentences from any other document, in the manner in which B was taken.

        If A and B reach the target, the stranger does, from any sentence but the
        first. If their document ended before, it is the end of its document that is
        nearest to B in length. Documents that are too short for it are drawn again.
        """
        bounds = self.outline.bounds
        a_begin_R, b_begin_R, b_end_R = (
            bounds[first_R],
            bounds[middle_R],
            bounds[last_R],
        )
        is_reached_R = b_end_R - a_begin_R >= target_R
        reaching_R = target_R - (b_begin_R - a_begin_R)
        wanted_R = np.where(is_reached_R, reaching_R, b_end_R - b_begin_R)
        document_R = self._draw_documents(first_R, wanted_R)
        earliest_R, end_R = self._rest(document_R)
        # The last sentence from which as much is left as wanted.
        latest_R = np.searchsorted(bounds, bounds[end_R] - wanted_R, side="right") - 1
        latest_R = np.maximum(earliest_R, latest_R)
        n_starts_R = latest_R - earliest_R + 1
        any_R = earliest_R + to_numbers(self._roll("start", first_R), n_starts_R)
        reached_R = np.searchsorted(bounds, bounds[any_R] + wanted_R)
        later_R = np.minimum(latest_R + 1, end_R - 1)
        too_long_R, too_short_R = (
            bounds[end_R] - bounds[at] for at in (latest_R, later_R)
        )
        is_later_R = too_long_R - wanted_R > wanted_R - too_short_R
        nearest_R = np.where(is_later_R, later_R, latest_R)
        return (
            document_R,
            bounds[np.where(is_reached_R, any_R, nearest_R)],
            bounds[np.where(is_reached_R, reached_R.clip(any_R + 1, end_R), end_R)],
        )

    def _draw_documents(self, first_R: IntArray, wanted_R: IntArray) -> IntArray:
        """Draw other documents until they are long enough, or drawn often enough."""
        own_R = self._documents(first_R)
        found_R = np.empty_like(own_R)
        open_R = np.arange(len(own_R))
        for number in range(MAX_DRAWS):
            rolls = self._roll(f"document {number}", first_R[open_R])
            drawn = to_numbers(rolls, len(self.outline) - 1)
            drawn += drawn >= own_R[open_R]
            found_R[open_R] = drawn
            earliest, end = self._rest(drawn)
            n_pieces = self.outline.bounds[end] - self.outline.bounds[earliest]
            open_R = open_R[n_pieces < wanted_R[open_R]]
        return found_R

    def _rest(self, documents: IntArray) -> tuple[IntArray, IntArray]:
        """Give the sentences of documents without the first, unless it is the only one."""
        first, end = self.outline.firsts[documents], self.outline.firsts[documents + 1]
        return np.minimum(first + 1, end - 1), end


# Documents, begins and ends.
_Stretches = tuple[IntArray, IntArray, IntArray]


def _follow(next_S: IntArray) -> IntArray:
    """Give the sentences that begin an input, if each says where the next one begins."""
    steps, found, at = next_S.tolist(), [], 0
    while at < len(steps):
        found.append(at)
        at = steps[at]
    return np.array(found, dtype=np.int64)


def _fit(n_a: IntArray, n_b: IntArray, room: int) -> tuple[IntArray, IntArray]:
    """Shorten the longer segments first, then both, until they fit."""
    half = room // 2
    shorter = np.where(n_b <= half, room - n_b, room - half)
    shorter = np.where(n_a <= half, n_a, shorter)
    too_long = n_a + n_b > room
    return np.where(too_long, shorter, n_a), np.where(too_long, room - shorter, n_b)
