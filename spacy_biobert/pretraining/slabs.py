"""Some padded batches at once, end to end, before anything is hidden. No I/O.

In arrays this size numpy's work outweighs the calls; one small batch costs nearly as
much.

Shapes: P = positions of all batches, padding included; R = sequences of all batches.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .pairs import Instances
from .ranges import IntArray


class Pieces(Protocol):
    """Documents as pieces; `documents.StoredDocuments` is one."""

    def copy_to(
        self,
        ids: IntArray,
        targets: IntArray,
        *,
        chosen: IntArray,
        begins: IntArray,
        sizes: IntArray,
    ) -> None:
        """Copy stretches of documents to some places."""


@dataclass(frozen=True, slots=True)
class SpecialIds:
    """Ids of the special pieces of a tokenizer."""

    pad: int
    cls: int
    sep: int
    mask: int


@dataclass(frozen=True, slots=True)
class Slab:
    """Sequences `[CLS] A [SEP] B [SEP]` and their padding, row after row.

    A row begins at `starts_R` with [CLS], and has `lengths_R` pieces; those of A and of B
    are its ordinary ones, `n_a_R` and the rest of `n_ordinary_R`.
    """

    ids_P: IntArray
    segments_P: IntArray
    real_P: NDArray[np.bool_]
    nsp_labels_R: IntArray
    starts_R: IntArray
    lengths_R: IntArray
    n_ordinary_R: IntArray
    n_a_R: IntArray

    def find(self, numbers: IntArray) -> tuple[IntArray, IntArray]:
        """Say where some ordinary pieces are.

        numbers (IntArray): In ascending order; they count the ordinary pieces of all
            rows, without what is between [n].
        RETURNS (tuple[IntArray, IntArray]): The row of each, and its place in the row,
            where 0 is [CLS] [n].
        """
        ends_R = np.cumsum(self.n_ordinary_R)
        rows = np.arange(len(ends_R)).repeat(
            np.diff(np.searchsorted(numbers, ends_R), prepend=0)
        )
        places = numbers - (ends_R - self.n_ordinary_R)[rows]
        # [CLS] comes before A, [SEP] between A and B.
        return rows, places + 1 + (places >= self.n_a_R[rows])


def make_slab(
    instances: Instances,
    rows: list[IntArray],
    documents: Pieces,
    special: SpecialIds,
) -> Slab:
    """Put the sequences of some batches side by side, each batch padded to its longest.

    instances (Instances): All there are.
    rows (list[IntArray]): Their numbers, per batch, at least one in each.
    documents (Pieces): Those the instances were planned from.
    special (SpecialIds): Ids of the special pieces.
    RETURNS (Slab): The batches in their order; the label of one without B is -100.
    """
    table = instances.table[np.concatenate(rows)].astype(np.int64)
    n_a, n_b = table[:, 2] - table[:, 1], table[:, 5] - table[:, 4]
    n_segment_b = n_b + (n_b > 0)
    lengths_R = n_a + 2 + n_segment_b
    n_rows = np.array([len(batch) for batch in rows])
    widths = np.maximum.reduceat(lengths_R, np.cumsum(n_rows) - n_rows)
    widths_R = np.repeat(widths, n_rows)
    starts_R = np.cumsum(widths_R) - widths_R
    ids_P = np.full(widths_R.sum(), special.pad, dtype=np.int64)
    documents.copy_to(
        ids_P,
        _in_turn(starts_R + 1, starts_R + n_a + 2),
        chosen=table[:, (0, 3)].ravel(),
        begins=table[:, (1, 4)].ravel(),
        sizes=_in_turn(n_a, n_b),
    )
    ids_P[starts_R] = special.cls
    ids_P[starts_R + n_a + 1] = special.sep
    ids_P[starts_R + lengths_R - 1] = special.sep
    stretches = _in_turn(n_a + 2, n_segment_b, widths_R - lengths_R)
    return Slab(
        ids_P=ids_P,
        segments_P=np.repeat(np.tile([0, 1, 0], len(table)), stretches),
        real_P=np.repeat(np.tile([True, True, False], len(table)), stretches),
        nsp_labels_R=table[:, 6].copy(),
        starts_R=starts_R,
        lengths_R=lengths_R,
        n_ordinary_R=n_a + n_b,
        n_a_R=n_a,
    )


def _in_turn(*columns: IntArray) -> IntArray:
    """Give the first of each, then the second of each."""
    return np.stack(columns, axis=1).ravel()
