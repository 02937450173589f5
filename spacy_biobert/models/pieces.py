"""Tokenise documents into the pieces that the encoder reads."""

from typing import Any, Literal

import numpy
from spacy.attrs import IDX
from spacy.tokens import Doc

from ..encoder.batches import PieceSequences
from ..encoder.tokenizing import PlacedPieces, memory_of
from ..encoder.windows import Ints, Windows, cut_windows
from .alignment import Pooling, align, pool

Boundaries = Literal["anywhere", "sentences"]


def to_sequences(
    docs: list[Doc],
    tokenizer: Any,
    *,
    pooling: Pooling,
    window: int,
    stride: int,
    boundaries: Boundaries,
) -> tuple[PieceSequences, Windows]:
    """Tokenise whole documents, link their pieces to rows, and cut them into windows.

    Row 0 of a document is [CLS], row 1 + i is token i. A token without pieces, such as
    a line break, takes the vector of the piece before it, or else [CLS].

    docs (list[Doc]): Each has at least one token.
    tokenizer (Any): A fast tokenizer of transformers. Its truncation and padding
        are switched off for good: the windows do both, without a loss.
    pooling (Pooling): What a token is of its pieces.
    window (int): Pieces in a window, with [CLS] and [SEP].
    stride (int): Pieces between the starts of two windows.
    boundaries (Boundaries): Whether windows end with sentences, where a document has
        them.
    RETURNS (tuple[PieceSequences, Windows]): 1 + n_tokens rows per document.
    """
    texts = [doc.text for doc in docs]
    placed = memory_of(tokenizer).place(texts)
    n_tokens = numpy.array([len(doc) for doc in docs], dtype="int64")
    doc_of_token = numpy.repeat(numpy.arange(len(docs)), n_tokens)
    places = [doc.to_array(IDX).astype("int64") for doc in docs]
    token_starts = numpy.concatenate([*places, numpy.zeros(0, "int64")])
    token_starts += placed.text_starts[doc_of_token]

    doc_of_piece = numpy.searchsorted(placed.text_starts, placed.starts, "right") - 1
    n_pieces = numpy.bincount(doc_of_piece, minlength=len(docs))
    tokens, pieces, weights = pool(
        *align(token_starts, placed.starts, placed.ends), pooling=pooling
    )
    # The slot of a piece is after one of [CLS] per document up to its own.
    slots = pieces + doc_of_piece[pieces] + 1
    bare = numpy.flatnonzero(numpy.bincount(tokens, minlength=len(token_starts)) == 0)
    sequences = PieceSequences(
        ids=placed.ids,
        n_pieces=n_pieces,
        rows=_rows(numpy.concatenate([tokens, bare]), doc_of_token),
        slots=numpy.concatenate(
            [slots, _slots_before(token_starts[bare], placed, doc_of_token[bare])]
        ),
        weights=numpy.concatenate([weights, numpy.ones(len(bare), dtype="float32")]),
        cls_rows=numpy.cumsum(n_tokens + 1) - n_tokens - 1,
        n_rows=len(token_starts) + len(docs),
    )
    marks = None
    if boundaries == "sentences":
        marks = _sentence_pieces(docs, places, placed, n_pieces)
    return sequences, cut_windows(
        n_pieces, window=window, stride=stride, boundaries=marks
    )


def _rows(tokens: Ints, doc_of_token: Ints) -> Ints:
    return tokens + doc_of_token[tokens] + 1


def _slots_before(places: Ints, placed: PlacedPieces, docs: Ints) -> Ints:
    """Give the slots of the last pieces that start before places: else that of [CLS]."""
    n_before = numpy.searchsorted(placed.starts, places, side="left")
    return n_before + docs


def _sentence_pieces(
    docs: list[Doc], places: list[Ints], placed: PlacedPieces, n_pieces: Ints
) -> list[Ints | None]:
    """Give the pieces with which the sentences of each document start."""
    marks: list[Ints | None] = []
    first_pieces = numpy.cumsum(n_pieces) - n_pieces
    for i, doc in enumerate(docs):
        if not doc.has_annotation("SENT_START"):
            marks.append(None)
            continue
        is_start = doc.to_array("SENT_START").astype("int64") == 1
        starts = places[i][is_start] + placed.text_starts[i]
        found = numpy.searchsorted(placed.starts, starts, side="left")
        marks.append(found - first_pieces[i])
    return marks
