"""Batches without padding: all sequences in one row, and the bounds between them.

What the device would have to count and report back is counted here, by the loader,
on the CPU.

Shapes: B = sequences, S = B + 1, T = pieces of the longest sequence, N = pieces of all
sequences, M = hidden pieces.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Protocol

import torch
from torch import Tensor

from ..errors import Errors
from .losses import IGNORE


class Padded(Protocol):
    """A padded batch to learn from; `labels_BT` is IGNORE where nothing is hidden."""

    @property
    def ids_BT(self) -> Tensor:
        """Piece ids with some hidden, int64."""

    @property
    def segments_BT(self) -> Tensor:
        """0 or 1, int64."""

    @property
    def real_BT(self) -> Tensor:
        """False for padding, bool."""

    @property
    def labels_BT(self) -> Tensor:
        """The piece to guess, IGNORE elsewhere, int64."""

    @property
    def nsp_labels_B(self) -> Tensor:
        """0, 1, or IGNORE without second segment, int64."""


@dataclass(frozen=True, slots=True)
class FlatBatch:
    """Sequences in one row; sequence i is at `bounds_S[i]` to `bounds_S[i + 1]`.

    `rows_M` says where in the row something is hidden, `hidden_M` what. `bounds_S` is
    int32, as the kernels for it want; all else is int64.
    """

    ids_N: Tensor
    segments_N: Tensor
    positions_N: Tensor
    bounds_S: Tensor
    longest: int
    rows_M: Tensor
    hidden_M: Tensor
    nsp_labels_B: Tensor
    n_pieces: int
    n_hidden: int
    n_pairs: int

    def to(self, device: torch.device) -> "FlatBatch":
        """Give the batch on a device; on the same device, itself.

        From pinned memory, without waiting for the copy.
        """
        if self.ids_N.device == device:
            return self
        return self._with(lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> "FlatBatch":
        """Give the batch in memory that a GPU reads by itself; it takes a GPU."""
        return self._with(lambda tensor: tensor.pin_memory())

    def _with(self, change: Callable[[Tensor], Tensor]) -> "FlatBatch":
        values: dict[str, Any] = {
            field.name: getattr(self, field.name) for field in fields(self)
        }
        for name, value in values.items():
            if isinstance(value, Tensor):
                values[name] = change(value)
        return FlatBatch(**values)


def flatten(batch: Padded) -> FlatBatch:
    """Take the padding out of a batch.

    batch (Padded): On the CPU.
    RETURNS (FlatBatch): The same sequences in the same order.
    RAISES (ValueError): If a sequence is all padding.
    """
    real_BT = batch.real_BT
    lengths_B = real_BT.sum(1)
    if not lengths_B.all():
        raise ValueError(Errors.B170.format(row=int(lengths_B.argmin())))
    labels_N = batch.labels_BT[real_BT]
    rows_M = torch.nonzero(labels_N != IGNORE).squeeze(1)
    bounds_S = torch.zeros(len(lengths_B) + 1, dtype=torch.int32)
    bounds_S[1:] = lengths_B.cumsum(0)
    return FlatBatch(
        ids_N=batch.ids_BT[real_BT],
        segments_N=batch.segments_BT[real_BT],
        positions_N=torch.arange(real_BT.shape[1]).expand_as(real_BT)[real_BT],
        bounds_S=bounds_S,
        longest=int(lengths_B.max()),
        rows_M=rows_M,
        hidden_M=labels_N[rows_M],
        nsp_labels_B=batch.nsp_labels_B,
        n_pieces=len(labels_N),
        n_hidden=len(rows_M),
        n_pairs=int(torch.count_nonzero(batch.nsp_labels_B != IGNORE)),
    )
