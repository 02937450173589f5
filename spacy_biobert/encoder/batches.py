"""Batch the windows of sequences, without padding, and link them to rows of a result.

Shapes: S = sequences, N = pieces of all windows of a batch, L = links.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy
import torch
from numpy.typing import NDArray
from torch import Tensor

from .windows import Ints, Windows

Floats = NDArray[numpy.float32]
# The least share of the longest window's length that the others in its batch have.
# The attention pads all of them to it.
LEAST_FILLED = 0.8


@dataclass(frozen=True, slots=True)
class PieceSequences:
    """The pieces of texts, and what is wanted of each of them.

    `ids` are the pieces of all sequences, `n_pieces` how many each has. In the slots
    of `windows` link k adds `weights[k]` times the vector in the slot `slots[k]` to
    the row `rows[k]`. `cls_rows` are the rows that get the mean of the windows' [CLS],
    one per sequence; they need no links.
    """

    ids: Ints
    n_pieces: Ints
    rows: Ints
    slots: Ints
    weights: Floats
    cls_rows: Ints
    n_rows: int


@dataclass(frozen=True, slots=True)
class FlatBatch:
    """Windows to encode together, one after the other, and their links to the rows.

    `ids_N` and `positions_N`, the place of each piece in its window, are int64.
    `bounds` says where each window begins, and the end of the last, int32. `places`
    are where in the batch the links begin.
    """

    ids_N: Tensor
    positions_N: Tensor
    bounds: Tensor
    longest: int
    places: Tensor
    rows: Tensor
    weights: Tensor


def pack(lengths: Ints, *, max_batch_pieces: int) -> Iterator[Ints]:
    """Group windows of similar length, because the attention pads them.

    lengths (Ints): Pieces per window.
    max_batch_pieces (int): Most pieces in a batch, padding included. A longer
        window is a batch of its own.
    YIELDS (Ints): Indices of the windows of a batch, the longest first.
    """
    order = numpy.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        longest = int(lengths[order[start]])
        group = order[start : start + max(1, max_batch_pieces // longest)]
        group = group[lengths[group] >= LEAST_FILLED * longest]
        yield group
        start += len(group)


def make_batches(
    sequences: PieceSequences,
    windows: Windows,
    *,
    max_batch_pieces: int,
    cls_id: int,
    sep_id: int,
) -> Iterator[FlatBatch]:
    """Turn sequences into batches of windows, mixed and sorted by length.

    sequences (PieceSequences): Their rows follow each other in the result.
    windows (Windows): How they are cut.
    max_batch_pieces (int): Most pieces in a batch, with what the attention pads.
    cls_id (int): Id of [CLS]; `sep_id` likewise.
    YIELDS (FlatBatch): On the CPU. Made one by one, when asked for.
    """
    if not len(sequences.n_pieces):
        return
    ids = _with_slots(sequences)
    links = _link(sequences, windows)
    groups = list(pack(windows.lengths, max_batch_pieces=max_batch_pieces))
    # Sort the links by batch once, instead of searching them for each batch.
    begins, batch_of = numpy.empty((2, len(windows.lengths)), dtype="int64")
    for i, group in enumerate(groups):
        lengths = windows.lengths[group]
        begins[group], batch_of[group] = numpy.cumsum(lengths) - lengths, i
    batches = batch_of[links.windows]
    order = numpy.argsort(batches, kind="stable")
    ends = numpy.cumsum(numpy.bincount(batches, minlength=len(groups)))
    for group, mine in zip(groups, numpy.split(order, ends[:-1]), strict=True):
        lengths = windows.lengths[group]
        bounds = numpy.concatenate([[0], numpy.cumsum(lengths)])
        positions = numpy.arange(bounds[-1]) - numpy.repeat(bounds[:-1], lengths)
        ids_N = ids[numpy.repeat(windows.slots[group], lengths) + positions]
        ids_N[bounds[:-1]], ids_N[bounds[1:] - 1] = cls_id, sep_id
        places = begins[links.windows[mine]] + links.columns[mine]
        yield FlatBatch(
            ids_N=torch.from_numpy(ids_N),
            positions_N=torch.from_numpy(positions),
            bounds=torch.from_numpy(bounds.astype("int32")),
            longest=int(lengths[0]),
            places=torch.from_numpy(places),
            rows=torch.from_numpy(links.rows[mine]),
            weights=torch.from_numpy(links.weights[mine]),
        )


def _with_slots(sequences: PieceSequences) -> Ints:
    """Give the ids a slot in front of each sequence, and one at the end."""
    n_sequences = len(sequences.n_pieces)
    ids = numpy.zeros(len(sequences.ids) + n_sequences + 1, dtype="int64")
    first = numpy.repeat(numpy.arange(1, n_sequences + 1), sequences.n_pieces)
    ids[numpy.arange(len(sequences.ids)) + first] = sequences.ids
    return ids


@dataclass(frozen=True, slots=True)
class _Links:
    windows: Ints
    columns: Ints
    rows: Ints
    weights: Floats


def _link(sequences: PieceSequences, windows: Windows) -> _Links:
    """Say from which column of which window each row is fed, [CLS] included."""
    owners = windows.owners(sequences.slots)
    n_windows = numpy.bincount(windows.sequences, minlength=len(sequences.n_pieces))
    shares = (1 / numpy.maximum(n_windows, 1)).astype("float32")[windows.sequences]
    return _Links(
        windows=numpy.concatenate([numpy.arange(len(windows.slots)), owners]),
        columns=numpy.concatenate(
            [numpy.zeros_like(windows.slots), sequences.slots - windows.slots[owners]]
        ),
        rows=numpy.concatenate([sequences.cls_rows[windows.sequences], sequences.rows]),
        weights=numpy.concatenate([shares, sequences.weights]),
    )
