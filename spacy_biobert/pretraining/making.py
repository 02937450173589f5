"""Make batches with hidden pieces from planned inputs, some at once. No I/O.

Shapes: B = sequences in the batch, T = pieces of the longest; P, R = positions and
sequences of all batches that are made at once.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .documents import StoredDocuments
from .losses import IGNORE
from .pairs import Instances
from .ranges import IntArray
from .slabs import Slab, SpecialIds, make_slab

# Takes a slab and the numbers of its inputs; gives positions in it, in their order, and
# the pieces that are fed there.
Hide = Callable[[Slab, IntArray], tuple[IntArray, IntArray]]


@dataclass(frozen=True, slots=True)
class Inputs:
    """What is asked about some documents, and how."""

    documents: StoredDocuments
    instances: Instances
    special: SpecialIds
    hide: Hide

    def names(self, chosen: IntArray) -> list[str]:
        """Give the ids of the documents in some inputs."""
        numbers = np.unique(self.instances.table[chosen][:, (0, 3)])
        return [self.documents.name(index) for index in numbers.tolist()]


@dataclass(frozen=True, slots=True)
class HiddenBatch:
    """A padded batch to learn from; `labels_BT` is IGNORE where nothing is hidden."""

    ids_BT: Tensor
    segments_BT: Tensor
    real_BT: Tensor
    labels_BT: Tensor
    nsp_labels_B: Tensor
    n_pieces: int
    n_hidden: int
    n_pairs: int

    def to(self, device: torch.device) -> "HiddenBatch":
        """Give the batch on a device; on the same device, itself."""
        if self.ids_BT.device == device:
            return self
        return HiddenBatch(
            ids_BT=self.ids_BT.to(device, non_blocking=True),
            segments_BT=self.segments_BT.to(device, non_blocking=True),
            real_BT=self.real_BT.to(device, non_blocking=True),
            labels_BT=self.labels_BT.to(device, non_blocking=True),
            nsp_labels_B=self.nsp_labels_B.to(device, non_blocking=True),
            n_pieces=self.n_pieces,
            n_hidden=self.n_hidden,
            n_pairs=self.n_pairs,
        )


def make_batches(inputs: Inputs, rows: list[IntArray]) -> list[HiddenBatch]:
    """Make some batches and hide pieces in them.

    A batch is the same whatever is made with it.

    inputs (Inputs): All there are.
    rows (list[IntArray]): Numbers of the inputs in each batch, at least one.
    RETURNS (list[HiddenBatch]): In their order. They share memory with each other, but
        no value.
    """
    if not rows:
        return []
    slab = make_slab(inputs.instances, rows, inputs.documents, inputs.special)
    at, shown = inputs.hide(slab, np.concatenate(rows))
    labels_P = np.full_like(slab.ids_P, IGNORE)
    labels_P[at] = slab.ids_P[at]
    slab.ids_P[at] = shown
    n_rows = np.array([len(batch) for batch in rows])
    firsts = np.cumsum(n_rows) - n_rows
    ends = np.append(slab.starts_R[firsts[1:]], len(slab.ids_P))
    n_hidden = np.diff(np.searchsorted(at, ends), prepend=0)
    n_pieces = np.add.reduceat(slab.lengths_R, firsts)
    n_pairs = np.add.reduceat(slab.nsp_labels_R != IGNORE, firsts, dtype=np.int64)
    figures = np.stack([n_pieces, n_hidden, n_pairs], axis=1).tolist()
    made, row, start = [], 0, 0
    for n, end, numbers in zip(n_rows.tolist(), ends.tolist(), figures, strict=True):
        ids, segments, real, labels = (
            torch.from_numpy(flat_P[start:end].reshape(n, -1))
            for flat_P in (slab.ids_P, slab.segments_P, slab.real_P, labels_P)
        )
        nsp_labels = torch.from_numpy(slab.nsp_labels_R[row : row + n])
        made.append(HiddenBatch(ids, segments, real, labels, nsp_labels, *numbers))
        row, start = row + n, end
    return made
