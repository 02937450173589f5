"""Cut sequences of pieces into windows, batch the windows, encode the batches.

Shapes: B = windows in the batch, T = pieces per window, R = rows of the result.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .precision import computing_in

Ints = NDArray[numpy.int64]
Floats = NDArray[numpy.float32]
N_SPECIALS = 2  # [CLS] in front of a window, [SEP] behind it
# The least part of a row of a batch that is not padding. Sixteen abstracts in
# bf16 on a CPU with a budget of 4096 train 1.3 times as fast as without.
LEAST_FILLED = 0.8


@dataclass(frozen=True, slots=True)
class PieceSequence:
    """The pieces of a text, without specials, and what is wanted of each of them.

    Link k adds `weights[k]` times the vector of the piece `pieces[k]` to the
    row `rows[k]`. Row 0 is the mean of the windows' [CLS]; it needs no links.
    """

    ids: Ints
    rows: Ints
    pieces: Ints
    weights: Floats
    n_rows: int


@dataclass(frozen=True, slots=True)
class Windows:
    """Where the windows of a sequence are, and which one each piece is read from.

    `owner` has an entry per piece, `starts` and `ends` one per window.
    """

    starts: Ints
    ends: Ints
    owner: Ints


@dataclass(frozen=True, slots=True)
class PaddedBatch:
    """Windows to encode together, and the links from their vectors to the rows.

    ids_BT and mask_BT are int64. `positions` counts through the flattened B x T.
    """

    ids_BT: Tensor
    mask_BT: Tensor
    positions: Tensor
    rows: Tensor
    weights: Tensor


def cut_windows(n_pieces: int, *, window: int, stride: int) -> Windows:
    """Cut a sequence into windows with overlap; no piece is left out.

    In an overlap a piece belongs to the window in which it stands furthest
    from an edge. The ends of the sequence are no edges: there is nothing beyond.

    n_pieces (int): Pieces in the sequence, without specials, 0 or more.
    window (int): Pieces in a window, with [CLS] and [SEP].
    stride (int): Pieces between the starts of two windows, at most `window` - 2.
    RETURNS (Windows): At least one, which is empty if there are no pieces.
    """
    room = window - N_SPECIALS
    n_more = -(-max(n_pieces - room, 0) // stride)
    starts = numpy.arange(n_more + 1, dtype=numpy.int64) * stride
    ends = numpy.minimum(starts + room, n_pieces)
    # From here on a piece is nearer to the end of the window before.
    changes = (starts[1:] + ends[:-1] + 1) // 2
    owner = numpy.searchsorted(changes, numpy.arange(n_pieces), side="right")
    return Windows(starts=starts, ends=ends, owner=owner.astype(numpy.int64))


def pack(lengths: Ints, *, max_batch_pieces: int) -> Iterator[Ints]:
    """Group windows of similar length so that little of a batch is padding.

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
    sequences: list[PieceSequence],
    *,
    window: int,
    stride: int,
    max_batch_pieces: int,
    cls_id: int,
    sep_id: int,
    pad_id: int,
) -> Iterator[PaddedBatch]:
    """Turn sequences into padded batches of windows, mixed and sorted by length.

    sequences (list[PieceSequence]): Their rows follow each other in the result.
    window (int): Pieces in a window, with [CLS] and [SEP].
    stride (int): Pieces between the starts of two windows.
    max_batch_pieces (int): Most pieces in a batch, padding included.
    cls_id (int): Id of [CLS]; `sep_id` and `pad_id` likewise.
    YIELDS (PaddedBatch): On the CPU. Made one by one, when asked for.
    """
    if not sequences:
        return
    cuts = [cut_windows(len(s.ids), window=window, stride=stride) for s in sequences]
    contents = [
        s.ids[start:end]
        for s, cut in zip(sequences, cuts, strict=True)
        for start, end in zip(cut.starts, cut.ends, strict=True)
    ]
    lengths = numpy.array([len(ids) + N_SPECIALS for ids in contents], dtype="int64")
    links = _link(sequences, cuts)
    groups = list(pack(lengths, max_batch_pieces=max_batch_pieces))
    # Sort the links by batch once, instead of searching them for each batch.
    place, batch_of = numpy.empty_like(lengths), numpy.empty_like(lengths)
    for i, group in enumerate(groups):
        place[group], batch_of[group] = numpy.arange(len(group)), i
    order = numpy.argsort(batch_of[links.windows], kind="stable")
    ends = numpy.cumsum(numpy.bincount(batch_of[links.windows], minlength=len(groups)))
    for group, mine in zip(groups, numpy.split(order, ends[:-1]), strict=True):
        n_columns = int(lengths[group[0]])
        ids_BT = numpy.full((len(group), n_columns), pad_id, dtype="int64")
        ids_BT[:, 0] = cls_id
        for row, i in zip(ids_BT, group, strict=True):
            row[1 : lengths[i] - 1] = contents[i]
            row[lengths[i] - 1] = sep_id
        mask_BT = numpy.arange(n_columns) < lengths[group][:, None]
        positions = place[links.windows[mine]] * n_columns + links.columns[mine]
        yield PaddedBatch(
            ids_BT=torch.from_numpy(ids_BT),
            mask_BT=torch.from_numpy(mask_BT.astype("int64")),
            positions=torch.from_numpy(positions),
            rows=torch.from_numpy(links.rows[mine]),
            weights=torch.from_numpy(links.weights[mine]),
        )


def encode(
    network: nn.Module,
    batches: Iterable[PaddedBatch],
    *,
    n_rows: int,
    width: int,
    dtype: torch.dtype,
) -> Tensor:
    """Encode the batches one after the other and collect the wanted rows.

    Where gradients are off, no more than one batch is in memory at a time.

    network (nn.Module): A BERT that returns `last_hidden_state`.
    batches (Iterable[PaddedBatch]): All windows of all sequences.
    n_rows (int): Rows of the result.
    width (int): Width of the network's vectors.
    dtype (torch.dtype): In which matrices are multiplied, see `precision`.
    RETURNS (Tensor): Float32 [R, width], on the device of the network. A row
        without links is zero.
    """
    device = next(network.parameters()).device
    result = torch.zeros(n_rows, width, device=device)
    with computing_in(dtype, device):
        for batch in batches:
            hidden = network(
                input_ids=batch.ids_BT.to(device),
                attention_mask=batch.mask_BT.to(device),
            ).last_hidden_state
            chosen = hidden.reshape(-1, width)[batch.positions.to(device)].float()
            weights = batch.weights.to(device).unsqueeze(1)
            result.index_add_(0, batch.rows.to(device), chosen * weights)
    return result


@dataclass(frozen=True, slots=True)
class _Links:
    windows: Ints
    columns: Ints
    rows: Ints
    weights: Floats


def _link(sequences: list[PieceSequence], cuts: list[Windows]) -> _Links:
    """Say from which column of which window each row is fed, [CLS] included."""
    windows, columns, rows, weights = [], [], [], []
    first_window, first_row = 0, 0
    for sequence, cut in zip(sequences, cuts, strict=True):
        n_windows = len(cut.starts)
        owner = cut.owner[sequence.pieces]
        windows += [first_window + numpy.arange(n_windows), first_window + owner]
        columns += [
            numpy.zeros(n_windows, dtype="int64"),
            1 + sequence.pieces - cut.starts[owner],
        ]
        rows += [numpy.full(n_windows, first_row), first_row + sequence.rows]
        share = numpy.full(n_windows, 1 / n_windows, dtype="float32")
        weights += [share, sequence.weights]
        first_window += n_windows
        first_row += sequence.n_rows
    return _Links(
        windows=numpy.concatenate(windows),
        columns=numpy.concatenate(columns),
        rows=numpy.concatenate(rows),
        weights=numpy.concatenate(weights),
    )
