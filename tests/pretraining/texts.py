"""Documents in memory, as plans and batches read them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spacy_biobert.pretraining.outline import Outline, make_outline
from spacy_biobert.pretraining.pairs import Instances


class Texts:
    """Documents given as the ids of the pieces of their sentences."""

    def __init__(self, documents: Sequence[Sequence[Sequence[int]]]) -> None:
        self._pieces = [
            np.array([piece for sentence in document for piece in sentence], np.uint32)
            for document in documents
        ]
        self._bounds = [np.cumsum([0, *map(len, document)]) for document in documents]

    def __len__(self) -> int:
        return len(self._pieces)

    def pieces(self, index: int) -> NDArray[np.uint32]:
        return self._pieces[index]

    def bounds(self, index: int) -> NDArray[np.int64]:
        return self._bounds[index]

    def outline(self) -> Outline:
        n_pieces = [np.diff(bounds) for bounds in self._bounds]
        n_sentences = [len(numbers) for numbers in n_pieces]
        nothing = np.zeros(0, np.int64)
        return make_outline(
            np.array(n_sentences, np.int64), np.concatenate([nothing, *n_pieces])
        )

    def copy_to(
        self,
        ids: NDArray[np.int64],
        targets: NDArray[np.int64],
        *,
        chosen: NDArray[np.int64],
        begins: NDArray[np.int64],
        sizes: NDArray[np.int64],
    ) -> None:
        for target, index, begin, size in zip(
            targets, chosen, begins, sizes, strict=True
        ):
            ids[target : target + size] = self._pieces[index][begin : begin + size]


def segments(
    instances: Instances, documents: Texts, index: int
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """The pieces of an input: of A, and of B, which may be none."""
    a_doc, a_begin, a_end, b_doc, b_begin, b_end, _ = instances.table[index].tolist()
    a = documents.pieces(a_doc)[a_begin:a_end]
    return a, documents.pieces(b_doc)[b_begin:b_end]
