"""Sequences that stand in one row, as a rectangle, and back.

Shapes: B = sequences, T = pieces of the longest sequence, N = pieces of all sequences.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Padding:
    """Where the pieces of a row stand in a rectangle.

    `real_BT` is False for padding. `places_N` is the place of each piece in the
    flattened rectangle and `sources` the piece at each place, of which padding has the
    first; both are None where there is no padding.
    """

    real_BT: Tensor
    places_N: Tensor | None
    sources: Tensor | None

    def pad(self, X: Tensor) -> Tensor:
        """Make the rectangle [B, T, ...] of a row [N, ...].

        What stands in padding means nothing, and wants to be hidden from the rest.
        """
        if self.sources is not None:
            X = X.index_select(0, self.sources)
        return X.view(*self.real_BT.shape, *X.shape[1:])

    def flatten(self, X: Tensor) -> Tensor:
        """Make the row [N, ...] of a rectangle [B, T, ...]."""
        X = X.flatten(0, 1)
        return X if self.places_N is None else X.index_select(0, self.places_N)


def padding_of(bounds_S: Tensor, longest: int, *, n_pieces: int) -> Padding:
    """Say how sequences in a row are padded.

    bounds_S (Tensor): Where each sequence begins, and the end of the last, int32.
        None is empty.
    longest (int): Pieces of the longest sequence.
    n_pieces (int): Pieces of all sequences.
    RETURNS (Padding): On the device of `bounds_S`.
    """
    B, device = len(bounds_S) - 1, bounds_S.device
    real_BT = torch.arange(longest, device=device) < bounds_S.diff()[:, None]
    if n_pieces == B * longest:
        return Padding(real_BT, None, None)
    pieces_N = torch.arange(n_pieces, device=device)
    owner_N = torch.searchsorted(bounds_S[1:], pieces_N.to(bounds_S.dtype), right=True)
    places_N = owner_N * longest + pieces_N - bounds_S[owner_N]
    sources = torch.zeros(B * longest, dtype=torch.int64, device=device)
    return Padding(real_BT, places_N, sources.index_copy(0, places_N, pieces_N))
