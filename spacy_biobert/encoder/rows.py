"""Encode batches of windows and collect the rows that are wanted of them.

Shapes: R = rows of the result, D = width of a vector.
"""

from collections.abc import Callable, Iterable
from contextlib import nullcontext

import torch
from torch import Tensor

from .attention import choose_backend
from .batches import FlatBatch
from .forward import encode_flat
from .hub import BertModel
from .packed import PackedBert
from .precision import computing_in

# Pieces to encode at once where nothing else is asked for.
CPU_PIECES = 2048
GPU_PIECES = 16384


def batch_budget(device: torch.device) -> int:
    """Say how many pieces at once suit a device.

    device (torch.device): Where the encoder is.
    RETURNS (int): Pieces, with what the attention pads.
    """
    return CPU_PIECES if device.type == "cpu" else GPU_PIECES


def encode_rows(
    bert: BertModel,
    batches: Iterable[FlatBatch],
    *,
    n_rows: int,
    dtype: torch.dtype,
    packed: PackedBert | None = None,
) -> Tensor:
    """Encode the batches one after the other and collect the wanted rows.

    Where gradients are off, no more than one batch is in memory at a time.

    bert (BertModel): Dropout follows its modules, and whether it is in training mode.
    batches (Iterable[FlatBatch]): All windows of all sequences.
    n_rows (int): Rows of the result.
    dtype (torch.dtype): In which matrices are multiplied, see `precision`.
    packed (PackedBert | None): The same network packed in that format, to read faster.
    RETURNS (Tensor): Float32 [R, D], on the device of the network. A row without
        links is zero.
    """
    device = bert.device
    result_RD = torch.zeros(n_rows, bert.config.hidden_size, device=device)
    encode = _way_through(bert, dtype, packed)
    # One block for all batches: torch then converts the weights once.
    with nullcontext() if packed else computing_in(dtype, device):
        for batch in batches:
            chosen = encode(batch)[batch.places.to(device)].float()
            chosen = chosen * batch.weights.to(device)[:, None]
            result_RD.index_add_(0, batch.rows.to(device), chosen)
    return result_RD


def _way_through(
    bert: BertModel, dtype: torch.dtype, packed: PackedBert | None
) -> Callable[[FlatBatch], Tensor]:
    if packed:
        return lambda batch: packed.encode_flat(
            batch.ids_N, batch.positions_N, bounds_S=batch.bounds, longest=batch.longest
        )
    device = bert.device
    rate = bert.config.attention_probs_dropout_prob if bert.training else 0.0
    backend = choose_backend("auto", device, dtype, attention_dropout=rate)

    def encode(batch: FlatBatch) -> Tensor:
        ids_N = batch.ids_N.to(device)
        return encode_flat(
            bert,
            ids_N,
            torch.zeros_like(ids_N),
            batch.positions_N.to(device),
            bounds_S=batch.bounds.to(device),
            longest=batch.longest,
            backend=backend,
        )

    return encode
