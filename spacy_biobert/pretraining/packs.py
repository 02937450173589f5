"""Sequences of any length in one row, as many as a budget of pieces holds."""

from collections.abc import Iterator

import numpy as np

from .ranges import IntArray

# Sequences that wait for a gap they fit into. With 16,384 pieces of abstracts in a
# pack, 32 leave less than a thousandth of it empty, and one at a time a hundredth.
LOOK_AHEAD = 32


def plan_packs(
    lengths: IntArray, *, batch_pieces: int, seed: int, epoch: int
) -> list[IntArray]:
    """Say which sequences go into a pack, and in which order.

    The sequences are shuffled and taken in that order. Where the next one is too
    long for what is left of the pack, the longest that fits goes in, out of those that
    come soon.

    lengths (IntArray): Pieces of each sequence, specials included, one axis.
    batch_pieces (int): Most pieces in a pack; nothing in it is padding.
    seed (int): With the epoch the only source of randomness.
    epoch (int): From 0.
    RETURNS (list[IntArray]): Per pack the indices into `lengths`. Each index once,
        but those of sequences without pieces, which no pack holds; a sequence longer
        than the budget stands alone.
    """
    order = np.random.default_rng((seed, epoch)).permutation(len(lengths))
    coming = iter(order[lengths[order] > 0].tolist())
    waiting: list[int] = []
    sizes: list[int] = lengths.tolist()
    packs: list[IntArray] = []
    while True:
        pack: list[int] = []
        room = batch_pieces
        while (place := _find_fit(waiting, coming, sizes, room, alone=not pack)) >= 0:
            chosen = waiting.pop(place)
            room -= sizes[chosen]
            pack.append(chosen)
        if not pack:
            return packs
        packs.append(np.array(pack, dtype=np.int64))


def _find_fit(
    waiting: list[int],
    coming: Iterator[int],
    sizes: list[int],
    room: int,
    *,
    alone: bool,
) -> int:
    """Give the place in the queue of the sequence that goes in next, -1 for none."""
    while len(waiting) < LOOK_AHEAD and (index := next(coming, None)) is not None:
        waiting.append(index)
    if waiting and (alone or sizes[waiting[0]] <= room):
        return 0
    best, place = 0, -1
    for i, index in enumerate(waiting):
        if best < sizes[index] <= room:
            best, place = sizes[index], i
    return place
