"""Sequences of like length side by side, under a budget of pieces.

Shapes: B = sequences in the batch, T = pieces of the longest of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .losses import IGNORE

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SpecialIds:
    """Ids of the special pieces of a tokenizer."""

    pad: int
    cls: int
    sep: int
    mask: int


@dataclass(frozen=True, slots=True)
class Batch:
    """A padded batch before anything is hidden: `[CLS] A [SEP] B [SEP]`."""

    ids_BT: Tensor
    segments_BT: Tensor
    real_BT: Tensor
    ordinary_BT: Tensor
    nsp_labels_B: Tensor

    @property
    def n_pieces(self) -> int:
        """Pieces that are not padding."""
        return int(torch.count_nonzero(self.real_BT))

    @property
    def n_positions(self) -> int:
        """Pieces with the padding; the share of real ones is the fill."""
        return self.real_BT.numel()


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
    for end, length in enumerate(lengths):
        if end > start and (end + 1 - start) * length > batch_pieces:
            batches.append(pool[start:end])
            start = end
    return [*batches, pool[start:]] if start < len(pool) else batches


def make_batch(
    pairs: Sequence[tuple[NDArray[np.integer], NDArray[np.integer], int]],
    special: SpecialIds,
) -> Batch:
    """Put pairs of segments side by side, padded to the longest.

    pairs (Sequence): Per sequence the pieces of A, the pieces of B, which may
        be none, and the label: 0 next, 1 random, IGNORE without B.
    special (SpecialIds): Ids of the special pieces.
    RETURNS (Batch): Ids and segments int64, `real` and `ordinary` (neither
        special nor padding) bool, all [B, T]; labels int64, [B].
    """
    width = max(len(a) + len(b) + (3 if len(b) else 2) for a, b, _ in pairs)
    ids = np.full((len(pairs), width), special.pad, dtype=np.int64)
    segments = np.zeros_like(ids)
    real = np.zeros(ids.shape, dtype=bool)
    ordinary = np.zeros(ids.shape, dtype=bool)
    for row, (a, b, _) in enumerate(pairs):
        b_start = len(a) + 2
        end = b_start + (len(b) + 1 if len(b) else 0)
        ids[row, 0] = special.cls
        ids[row, 1 : len(a) + 1] = a
        ids[row, b_start - 1] = special.sep
        ordinary[row, 1 : len(a) + 1] = True
        if len(b):
            ids[row, b_start : end - 1] = b
            ids[row, end - 1] = special.sep
            segments[row, b_start:end] = 1
            ordinary[row, b_start : end - 1] = True
        real[row, :end] = True
    labels = [label if len(b) else IGNORE for _, b, label in pairs]
    return Batch(
        ids_BT=torch.from_numpy(ids),
        segments_BT=torch.from_numpy(segments),
        real_BT=torch.from_numpy(real),
        ordinary_BT=torch.from_numpy(ordinary),
        nsp_labels_B=torch.tensor(labels, dtype=torch.int64),
    )
