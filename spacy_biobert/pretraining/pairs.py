"""Plan what the encoder reads: sentences in pairs (NSP), or alone. No I/O.

The reference builder's defects are mended: a chunk without a partner is not called
random, so that labelled pairs are truly half and half; what is too long is cut at
its outer ends, so that a pair that follows truly follows; a short input is drawn
for each input, not for a whole document.
"""

import random
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import Errors

FOLLOWS, RANDOM, NO_PARTNER = 0, 1, -100
N_SPECIALS_PAIR, N_SPECIALS_ALONE = 3, 2
# Room for [CLS] A [SEP] B [SEP] with one piece each.
LEAST_PIECES = N_SPECIALS_PAIR + 2

IntArray = NDArray[np.int64]


class Documents(Protocol):
    """Documents as pieces with sentence bounds; `store.StoredDocuments` is one."""

    def __len__(self) -> int: ...

    def pieces(self, index: int) -> NDArray[np.unsignedinteger]: ...

    def bounds(self, index: int) -> IntArray: ...


@dataclass(frozen=True, slots=True)
class Instances:
    """Where the segments of each input stand, in columns of a table [n, 7].

    Columns: document of A, begin and end of A in pieces, document of B, begin and
    end of B (an empty stretch if there is no B), label: 0 if B follows A, 1 if B is
    from elsewhere, -100 if A stands alone.
    """

    table: IntArray

    def __len__(self) -> int:
        return len(self.table)

    @property
    def labels(self) -> IntArray:
        """The labels [n]."""
        return self.table[:, 6]

    @property
    def lengths(self) -> IntArray:
        """Pieces of each input with its special pieces [n]."""
        a, b = self.table[:, 2] - self.table[:, 1], self.table[:, 5] - self.table[:, 4]
        specials = np.where(b > 0, N_SPECIALS_PAIR, N_SPECIALS_ALONE)
        lengths: IntArray = a + b + specials
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
    next_sentence (bool): Whether to make pairs. If not, each input is one stretch
        of whole sentences.
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
    rows = [row for index in range(len(documents)) for row in planner.plan(index)]
    dice.shuffle(rows)
    return Instances(np.array(rows, dtype=np.int64).reshape(-1, 7))


Row = tuple[int, int, int, int, int, int, int]


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
        rows: list[Row] = []
        first, n_sentences = 0, len(bounds) - 1
        while first < n_sentences:
            last = self._end_of_chunk(bounds, first)
            if last - first == 1 or not self.next_sentence:
                rows += self._alone(document, bounds[first], bounds[last])
                first = last
            else:
                row, first = self._pair(document, bounds, first, last)
                rows.append(row)
        return rows

    def _end_of_chunk(self, bounds: list[int], first: int) -> int:
        """Take whole sentences until the length is reached or the document ends."""
        room = self.max_pieces - N_SPECIALS_PAIR
        target = room
        if self.dice.random() < self.short_probability:
            target = 2 + int(self.dice.random() * (room - 1))
        last = first + 1
        while last < len(bounds) - 1 and bounds[last] - bounds[first] < target:
            last += 1
        return last

    def _alone(self, document: int, begin: int, end: int) -> list[Row]:
        """Make an input without a partner; what is too long becomes several."""
        room = self.max_pieces - N_SPECIALS_ALONE
        return [
            (document, at, min(at + room, end), document, 0, 0, NO_PARTNER)
            for at in range(begin, end, room)
        ]

    def _pair(
        self, document: int, bounds: list[int], first: int, last: int
    ) -> tuple[Row, int]:
        """Split a chunk in two, and give the second half or a stranger.

        RETURNS (tuple): The input, and the sentence at which to go on: what a
            stranger took the place of is used again.
        """
        room = self.max_pieces - N_SPECIALS_PAIR
        middle = first + 1 + int(self.dice.random() * (last - first - 1))
        begin, split, end = bounds[first], bounds[middle], bounds[last]
        if len(self.documents) == 1:
            label, other, b_begin, b_end = NO_PARTNER, document, split, end
        elif self.dice.random() < 0.5:
            label = RANDOM
            other, b_begin, b_end = self._stranger(document, room - (split - begin))
        else:
            label, other, b_begin, b_end = FOLLOWS, document, split, end
        n_a, n_b = _fit(split - begin, b_end - b_begin, room)
        row = (document, split - n_a, split, other, b_begin, b_begin + n_b, label)
        return row, middle if label == RANDOM else last

    def _stranger(self, document: int, target: int) -> tuple[int, int, int]:
        """Take sentences from the middle of any other document."""
        other = int(self.dice.random() * (len(self.documents) - 1))
        other += other >= document
        bounds = self.documents.bounds(other).tolist()
        first = int(self.dice.random() * (len(bounds) - 1))
        last = first + 1
        while last < len(bounds) - 1 and bounds[last] - bounds[first] < target:
            last += 1
        return other, bounds[first], bounds[last]


def _fit(n_a: int, n_b: int, room: int) -> tuple[int, int]:
    """Shorten the longer segment first, then both, until they fit."""
    if n_a + n_b <= room:
        return n_a, n_b
    if n_a <= room // 2:
        return n_a, room - n_a
    if n_b <= room // 2:
        return room - n_b, n_b
    return room - room // 2, room // 2
