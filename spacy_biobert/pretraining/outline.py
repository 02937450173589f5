"""Where documents and their sentences begin, counted through all of them."""

from dataclasses import dataclass

import numpy as np

from .ranges import IntArray


@dataclass(frozen=True, slots=True)
class Outline:
    """Documents as stretches of sentences, sentences as stretches of pieces.

    The sentences of document i are those from `firsts[i]` to `firsts[i + 1]`
    [n_documents + 1], the pieces of sentence j from `bounds[j]` to `bounds[j + 1]`
    [n_sentences + 1].
    """

    firsts: IntArray
    bounds: IntArray

    def __len__(self) -> int:
        """Documents."""
        return len(self.firsts) - 1


def make_outline(n_sentences: IntArray, n_pieces: IntArray) -> Outline:
    """Count through documents.

    n_sentences (IntArray): Of each document [n_documents].
    n_pieces (IntArray): Of each sentence, at least one [n_sentences].
    """
    return Outline(firsts=_sum_up(n_sentences), bounds=_sum_up(n_pieces))


def _sum_up(numbers: IntArray) -> IntArray:
    sums = np.zeros(len(numbers) + 1, dtype=np.int64)
    np.cumsum(numbers, out=sums[1:])
    return sums
