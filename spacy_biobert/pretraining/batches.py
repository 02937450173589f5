"""Sequences of like length side by side, under a budget of pieces."""

import numpy as np

from .ranges import IntArray


def plan_batches(
    lengths: IntArray,
    *,
    batch_pieces: int,
    bucket_instances: int,
    seed: int,
    epoch: int,
) -> list[IntArray]:
    """Say which sequences go side by side, and in which order.

    The sequences are shuffled, cut into pools, sorted by length in the pool,
    cut into batches, and the batches of the pool are shuffled.

    lengths (IntArray): Pieces of each sequence, specials included, one axis.
    batch_pieces (int): Most positions in a batch, padding included.
    bucket_instances (int): Sequences in a pool. More fill better.
    seed (int): With the epoch the only source of randomness.
    epoch (int): From 0.
    RETURNS (list[IntArray]): Per batch the indices into `lengths`. Each index
        once; a sequence longer than the budget stands alone.
    """
    rng = np.random.default_rng((seed, epoch))
    order = rng.permutation(len(lengths))
    batches: list[IntArray] = []
    for start in range(0, len(order), bucket_instances):
        pool = order[start : start + bucket_instances]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        cut = _cut(pool, lengths[pool], batch_pieces)
        batches.extend(cut[i] for i in rng.permutation(len(cut)))
    return batches


def _cut(pool: IntArray, lengths: IntArray, batch_pieces: int) -> list[IntArray]:
    """Cut a pool, shortest first, wherever one more would be over the budget."""
    batches, start = [], 0
    for end, length in enumerate(lengths.tolist()):
        if end > start and (end + 1 - start) * length > batch_pieces:
            batches.append(pool[start:end])
            start = end
    return [*batches, pool[start:]] if start < len(pool) else batches
