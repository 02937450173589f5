"""The documents of a token store, read from the mapped shards when asked for."""

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .outline import Outline, make_outline
from .ranges import IntArray, join_ranges

Split = Literal["train", "held_out"]
Pieces = NDArray[np.uint16] | NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Part:
    """A record batch of a mapped shard."""

    names: pa.StringArray
    # Packed to bits: what is unpacked is no part of the mapped file.
    held_out: pa.BooleanArray
    # Sentence at which each document starts [n_documents + 1].
    starts: NDArray[np.int32]
    # Piece at which each sentence starts [n_sentences + 1].
    bounds: NDArray[np.int32]
    pieces: Pieces

    def rows(self, split: Split) -> NDArray[np.int32]:
        """Give the places of a split's documents in the batch."""
        held_out = self.held_out.to_numpy(zero_copy_only=False)
        return np.flatnonzero(held_out == (split == "held_out")).astype(np.int32)

    def n_pieces(self, split: Split) -> int:
        """Count the pieces in the documents of a split."""
        rows = self.rows(split)
        begins, ends = (
            self.bounds[self.starts[rows]],
            self.bounds[self.starts[rows + 1]],
        )
        return int((ends - begins).sum())


class StoredDocuments:
    """The documents of one split, in one order."""

    def __init__(self, parts: list[Part], split: Split) -> None:
        self._parts = parts
        self._rows = [part.rows(split) for part in parts]
        self._ends = list(accumulate(len(rows) for rows in self._rows))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def pieces(self, index: int) -> Pieces:
        """Give the pieces of a document, a view of the mapped file.

        index (int): Place of the document in the split.
        RETURNS (NDArray): Piece ids [n_pieces].
        """
        part, bounds = self._find(index)
        return part.pieces[bounds[0] : bounds[-1]]

    def bounds(self, index: int) -> IntArray:
        """Give where the sentences of a document begin and end.

        index (int): Place of the document in the split.
        RETURNS (IntArray): Offsets [n_sentences + 1] into `pieces(index)`.
        """
        _, bounds = self._find(index)
        return bounds.astype(np.int64) - bounds[0]

    def name(self, index: int) -> str:
        """Give the id of a document.

        index (int): Place of the document in the split.
        """
        number = bisect_right(self._ends, index)
        row = self._rows[number][index - self._ends[number] + len(self._rows[number])]
        found: str = self._parts[number].names[int(row)].as_py()
        return found

    def outline(self) -> Outline:
        """Give where all documents and their sentences begin."""
        n_sentences, n_pieces = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for part, rows in zip(self._parts, self._rows, strict=True):
            firsts = part.starts[rows]
            n_sentences.append(part.starts[rows + 1].astype(np.int64) - firsts)
            sentences = join_ranges(firsts.astype(np.int64), n_sentences[-1])
            n_pieces.append(np.diff(part.bounds)[sentences].astype(np.int64))
        return make_outline(np.concatenate(n_sentences), np.concatenate(n_pieces))

    def copy_to(
        self,
        ids: IntArray,
        targets: IntArray,
        *,
        chosen: IntArray,
        begins: IntArray,
        sizes: IntArray,
    ) -> None:
        """Copy stretches of documents to some places.

        ids (IntArray): Modified: gets the piece ids.
        targets (IntArray): Place in `ids` of the first piece of each stretch [n].
        chosen (IntArray): Place in the split of the document of each [n].
        begins (IntArray): Its first piece, counted in the document [n].
        sizes (IntArray): Its number of pieces [n].
        """
        numbers = np.searchsorted(self._ends, chosen, side="right")
        # Part by part; each is an array of its own.
        order = np.argsort(numbers, kind="stable")
        sizes = sizes[order]
        sources = join_ranges((self._first_pieces[chosen] + begins)[order], sizes)
        places = join_ranges(targets[order], sizes)
        n_pieces = np.bincount(numbers[order], sizes).astype(np.int64)
        for number in np.flatnonzero(n_pieces).tolist():
            end = int(n_pieces[: number + 1].sum())
            stretch = slice(end - int(n_pieces[number]), end)
            pieces = self._parts[number].pieces
            ids[places[stretch]] = pieces[sources[stretch]]

    @cached_property
    def _first_pieces(self) -> NDArray[np.int32]:
        """The piece of its part at which each document starts."""
        return np.concatenate(
            [
                part.bounds[part.starts[rows]]
                for part, rows in zip(self._parts, self._rows, strict=True)
            ]
        )

    def _find(self, index: int) -> tuple[Part, NDArray[np.int32]]:
        """Give the part of a document, and its sentences' bounds in it."""
        number = bisect_right(self._ends, index)
        part, rows = self._parts[number], self._rows[number]
        row = rows[index - self._ends[number] + len(rows)]
        return part, part.bounds[part.starts[row] : part.starts[row + 1] + 1]
