"""Plan what the encoder reads: sentences in pairs (NSP), or alone. No I/O.

The reference builder's defects are mended: a chunk without a partner is not called
random, so that labelled pairs are truly half and half; what is too long is cut at
its outer ends, so that a pair that follows truly follows; a short input is drawn
for each input, not for a whole document; and a stranger is as long as what it takes
the place of, so that lengths do not give the label away.
"""

import random
from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import Errors

FOLLOWS, RANDOM, NO_PARTNER = 0, 1, -100
N_SPECIALS_PAIR, N_SPECIALS_ALONE = 3, 2
# Room for [CLS] A [SEP] B [SEP] with one piece each.
LEAST_PIECES = N_SPECIALS_PAIR + 2
# Documents drawn in search of a stranger that is long enough.
MAX_DRAWS = 10

IntArray = NDArray[np.int64]


# Begin and end, in pieces of a document.
Stretch = tuple[int, int]
Row = tuple[int, int, int, int, int, int, int]
N_COLUMNS = 7


class Documents(Protocol):
    """Documents as pieces with sentence bounds; `store.StoredDocuments` is one."""

    def __len__(self) -> int: ...

    def pieces(self, index: int) -> NDArray[np.unsignedinteger]:
        """Give the piece ids of a document [n_pieces]."""

    def bounds(self, index: int) -> IntArray:
        """Give where its sentences begin and end, offsets [n_sentences + 1]."""


@dataclass(frozen=True, slots=True)
class Instances:
    """Where the segments of each input stand, in columns of a table [n, 7].

    Columns: document of A, begin and end of A in pieces, document of B, begin and
    end of B (an empty stretch if there is no B), label: 0 if B follows A, 1 if B is
    from elsewhere, -100 if A stands alone.
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

    def pieces(
        self, documents: Documents, index: int
    ) -> tuple[NDArray[np.unsignedinteger], NDArray[np.unsignedinteger]]:
        """Give the pieces of an input.

        documents (Documents): The ones it was planned from.
        index (int): Number of the input.
        RETURNS (tuple): Piece ids of A, and of B, which may be none.
        """
        a_doc, a_begin, a_end, b_doc, b_begin, b_end, _ = self.table[index].tolist()
        a = documents.pieces(a_doc)[a_begin:a_end]
        return a, documents.pieces(b_doc)[b_begin:b_end]


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
    dice = random.Random(f"{seed} {epoch}")
    planner = _Planner(documents, max_pieces, short_probability, next_sentence, dice)
    numbers = array("i")
    for index in range(len(documents)):
        for row in planner.plan(index):
            numbers.extend(row)
    table = np.array(numbers, dtype=np.int32).reshape(-1, N_COLUMNS)
    order = np.random.default_rng(dice.getrandbits(64)).permutation(len(table))
    return Instances(table[order])


@dataclass(frozen=True, slots=True)
class _Planner:
    documents: Documents
    max_pieces: int
    short_probability: float
    next_sentence: bool
    dice: random.Random

    def plan(self, document: int) -> list[Row]:
        """Cut a document into chunks of sentences and make an input of each."""
        bounds = self.documents.bounds(document).tolist()
        if self.next_sentence and len(self.documents) > 1:
            return self._pairs(document, bounds)
        return self._stretches(document, bounds)

    def _stretches(self, document: int, bounds: list[int]) -> list[Row]:
        """Take whole sentences as long as they fit."""
        rows: list[Row] = []
        first = 0
        while first < len(bounds) - 1:
            end = bounds[first] + self._target(self.max_pieces - N_SPECIALS_ALONE)
            last = max(first + 1, bisect_right(bounds, end) - 1)
            rows += self._alone(document, bounds[first], bounds[last])
            first = last
        return rows

    def _pairs(self, document: int, bounds: list[int]) -> list[Row]:
        """Take sentences until the length is reached, and split them in two."""
        rows: list[Row] = []
        first, n_sentences = 0, len(bounds) - 1
        while first < n_sentences:
            target = self._target(self.max_pieces - N_SPECIALS_PAIR)
            last = bisect_left(bounds, bounds[first] + target, first + 1)
            last = min(last, n_sentences)
            if last - first == 1:
                rows += self._alone(document, bounds[first], bounds[last])
                first = last
                continue
            middle = first + 1 + int(self.dice.random() * (last - first - 1))
            a, b = (bounds[first], bounds[middle]), (bounds[middle], bounds[last])
            if self.dice.random() < 0.5:
                stranger = self._stranger(document, a, b, target)
                rows.append(self._pair(document, a, *stranger, RANDOM))
                # What the stranger took the place of is used again.
                first = middle
            else:
                rows.append(self._pair(document, a, document, b, FOLLOWS))
                first = last
        return rows

    def _target(self, room: int) -> int:
        """Draw the length of an input, specials not counted: mostly what there is."""
        if self.dice.random() < self.short_probability:
            return 2 + int(self.dice.random() * (room - 1))
        return room

    def _alone(self, document: int, begin: int, end: int) -> list[Row]:
        """Make an input without a partner; what is too long becomes several."""
        room = self.max_pieces - N_SPECIALS_ALONE
        return [
            (document, at, min(at + room, end), document, 0, 0, NO_PARTNER)
            for at in range(begin, end, room)
        ]

    def _pair(
        self, document: int, a: Stretch, other: int, b: Stretch, label: int
    ) -> Row:
        """Cut a pair at its outer ends, so that it fits."""
        room = self.max_pieces - N_SPECIALS_PAIR
        n_a, n_b = _fit(a[1] - a[0], b[1] - b[0], room)
        return (document, a[1] - n_a, a[1], other, b[0], b[0] + n_b, label)

    def _stranger(
        self, document: int, a: Stretch, b: Stretch, target: int
    ) -> tuple[int, Stretch]:
        """Take sentences from any other document, in the manner in which B was taken.

        If A and B reach the target, the stranger does, from any sentence but the
        first. If their document ended before, it is the end of its document that is
        nearest to B in length. Documents that are too short for it are drawn again.
        """
        reached = b[1] - a[0] >= target
        wanted = target - (a[1] - a[0]) if reached else b[1] - b[0]
        for _ in range(MAX_DRAWS):
            other = int(self.dice.random() * (len(self.documents) - 1))
            other += other >= document
            bounds = self.documents.bounds(other).tolist()
            earliest = min(1, len(bounds) - 2)
            if bounds[-1] - bounds[earliest] >= wanted:
                break
        # The last sentence from which as much is left as wanted.
        latest = max(earliest, bisect_right(bounds, bounds[-1] - wanted) - 1)
        if reached:
            first = earliest + int(self.dice.random() * (latest - earliest + 1))
            last = bisect_left(bounds, bounds[first] + wanted, first + 1)
            return other, (bounds[first], bounds[min(last, len(bounds) - 1)])
        later = min(latest + 1, len(bounds) - 2)
        too_long, too_short = (bounds[-1] - bounds[at] for at in (latest, later))
        first = latest if too_long - wanted <= wanted - too_short else later
        return other, (bounds[first], bounds[-1])


def _fit(n_a: int, n_b: int, room: int) -> tuple[int, int]:
    """Shorten the longer segment first, then both, until they fit."""
    if n_a + n_b <= room:
        return n_a, n_b
    if n_a <= room // 2:
        return n_a, room - n_a
    if n_b <= room // 2:
        return room - n_b, n_b
    return room - room // 2, room // 2
