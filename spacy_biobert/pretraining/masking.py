"""Choose and hide the pieces that the encoder learns to guess (MLM). No I/O.

Shapes: R = sequences, N = ordinary pieces of all sequences, those of each side by side;
W = words among them, M = the chosen ones, V = vocabulary, D = draws for all sequences.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .dice import Rolls, make_key, roll, to_numbers, to_shares
from .ranges import IntArray, join_ranges
from .slabs import Slab

_HALF = np.uint64(32)


@dataclass(frozen=True, slots=True)
class Masking:
    """How pieces are hidden in the inputs of one pass.

    What is hidden in an input is a function of the fields and its number, whatever
    stands beside it. `ordinary_ids_V` are the ids to take random pieces from;
    `starts_word_V` says of each piece whether it begins a word; given, all pieces of a
    word are chosen or none.
    """

    probability: float
    mask_id: int
    ordinary_ids_V: IntArray
    starts_word_V: NDArray[np.bool_] | None
    seed: int
    epoch: int

    def hide(self, slab: Slab, numbers_R: IntArray) -> tuple[IntArray, IntArray]:
        """Choose pieces, and draw what is fed in their place.

        slab (Slab): Not modified.
        numbers_R (IntArray): Those of its inputs.
        RETURNS (tuple[IntArray, IntArray]): Positions in the slab, from its start to
            its end, and the pieces that are fed there [M].
        """
        chosen_N = choose_pieces(
            roll(make_key("choose", self.seed, self.epoch), numbers_R),
            slab.n_ordinary_R,
            probability=self.probability,
            starts_word_N=self._starts_word(slab),
        )
        rows_M, places_M = slab.find(np.flatnonzero(chosen_N))
        at_M = slab.starts_R[rows_M] + places_M
        keys_R = roll(make_key("show", self.seed, self.epoch), numbers_R)
        shown_M = hide_pieces(
            slab.ids_P[at_M],
            roll(keys_R[rows_M], places_M),
            mask_id=self.mask_id,
            ordinary_ids_V=self.ordinary_ids_V,
        )
        return at_M, shown_M

    def _starts_word(self, slab: Slab) -> NDArray[np.bool_] | None:
        """Say where a word begins; the rest of a word that was cut is one."""
        if self.starts_word_V is None:
            return None
        rows_N, places_N = slab.find(np.arange(slab.n_ordinary_R.sum()))
        at_N = slab.starts_R[rows_N] + places_N
        starts_word_N = self.starts_word_V[slab.ids_P[at_N]]
        # What begins a segment stands after a special piece, which is left out here.
        starts_word_N |= np.diff(at_N, prepend=-1) > 1
        return starts_word_N


def choose_pieces(
    keys_R: Rolls,
    n_ordinary_R: IntArray,
    *,
    probability: float,
    starts_word_N: NDArray[np.bool_] | None = None,
) -> NDArray[np.bool_]:
    """Choose the pieces to guess, an exact number in each sequence.

    It is the share of the ordinary pieces, rounded, and at least one. With whole
    words, words are taken in random order as long as they fit into that number; the
    first one is taken even if it alone is longer.

    keys_R (Rolls): What is rolled for each sequence depends on its key alone.
    n_ordinary_R (IntArray): Ordinary pieces of each sequence, perhaps none.
    probability (float): Share of the pieces to guess, 0 to 1.
    starts_word_N (NDArray | None): True where a word begins, and for the first piece of
        each sequence, bool; given, all pieces of a word are chosen or none.
    RETURNS (NDArray): True for the pieces to guess, bool [N].
    SOURCE: Devlin et al. (2019), section 3.1, https://arxiv.org/abs/1810.04805
    """
    wanted_R = np.rint(n_ordinary_R * probability).astype(np.int64).clip(min=1)
    wanted_R = np.minimum(wanted_R, n_ordinary_R)
    if starts_word_N is None:
        n_words_R, sizes_W = n_ordinary_R, np.ones(n_ordinary_R.sum(), dtype=np.int64)
    else:
        n_words_R, sizes_W = _measure_words(starts_word_N, n_ordinary_R)
    firsts_R = np.cumsum(n_words_R) - n_words_R
    # Some are drawn twice: most sequences need no more draws than this.
    n_draws_R = wanted_R + wanted_R // 5 + 4
    chosen_W = np.zeros(len(sizes_W), dtype=bool)
    open_R = np.flatnonzero(wanted_R)
    while len(open_R):
        taken, is_done = _take_words(
            keys_R[open_R],
            firsts_R[open_R],
            n_words_R[open_R],
            wanted_R[open_R],
            n_draws_R[open_R],
            sizes_W,
        )
        chosen_W[taken] = True
        open_R = open_R[~is_done]
        n_draws_R = 2 * n_draws_R
    return chosen_W if starts_word_N is None else chosen_W.repeat(sizes_W)


def _measure_words(
    starts_word_N: NDArray[np.bool_], n_ordinary_R: IntArray
) -> tuple[IntArray, IntArray]:
    """Count the words of each sequence, and the pieces of each word."""
    firsts_W = np.flatnonzero(starts_word_N)
    ends_R = np.searchsorted(firsts_W, np.cumsum(n_ordinary_R))
    return np.diff(ends_R, prepend=0), np.diff(firsts_W, append=len(starts_word_N))


def _take_words(
    keys_R: Rolls,
    firsts_R: IntArray,
    n_words_R: IntArray,
    wanted_R: IntArray,
    n_draws_R: IntArray,
    sizes_W: IntArray,
) -> tuple[IntArray, NDArray[np.bool_]]:
    """Draw words and take them in that order; one that was drawn before counts as nothing.

    More draws take the same words, and perhaps more.

    firsts_R, n_words_R (IntArray): First word of each sequence, and its words.
    wanted_R (IntArray): Most pieces of each, but for the first word.
    n_draws_R (IntArray): How often to draw for each.
    RETURNS (tuple): The words that were taken; and for each sequence whether there are
        enough of them, bool [R].
    """
    draws_D = join_ranges(np.zeros_like(n_draws_R), n_draws_R)
    rolls_D = roll(keys_R.repeat(n_draws_R), draws_D)
    words_D = to_numbers(rolls_D, n_words_R.repeat(n_draws_R))
    words_D += firsts_R.repeat(n_draws_R)
    # Of several values for the same word the last one stays, which is the first draw.
    order_D = np.arange(len(words_D))
    drawn_first_W = np.empty_like(sizes_W)
    drawn_first_W[words_D[::-1]] = order_D[::-1]
    sizes_D = np.where(drawn_first_W[words_D] == order_D, sizes_W[words_D], 0)
    totals_D = np.cumsum(sizes_D)
    ends_R = np.cumsum(n_draws_R)
    begins_R = ends_R - n_draws_R
    totals_D -= (totals_D[begins_R] - sizes_D[begins_R]).repeat(n_draws_R)
    fits_D = totals_D <= wanted_R.repeat(n_draws_R)
    fits_D[begins_R] = True
    return words_D[fits_D], totals_D[ends_R - 1] >= wanted_R


def hide_pieces(
    ids_M: IntArray, rolls_M: Rolls, *, mask_id: int, ordinary_ids_V: IntArray
) -> IntArray:
    """Say what is fed in place of the chosen pieces.

    80% become [MASK], 10% become a random piece and 10% stay, so that the encoder
    cannot tell which pieces it is asked about.

    ids_M (IntArray): The chosen pieces. Not modified.
    rolls_M (Rolls): Uniform.
    mask_id (int): Id of [MASK].
    ordinary_ids_V (IntArray): Ids to take random pieces from: no special ones.
    RETURNS (IntArray): Piece ids [M].
    SOURCE: Devlin et al. (2019), section 3.1, https://arxiv.org/abs/1810.04805
    """
    dice_M = to_shares(rolls_M)
    # The lower half of a roll is independent of the upper one, which decides.
    random_M = ordinary_ids_V[to_numbers(rolls_M << _HALF, len(ordinary_ids_V))]
    shown_M = np.where(dice_M < 0.8, mask_id, ids_M)
    return np.where(dice_M >= 0.9, random_M, shown_M)
