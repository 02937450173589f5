"""Tokenise documents into the pieces that the encoder reads."""

from typing import Any

import numpy
from spacy.tokens import Doc

from ..encoder.batches import PieceSequence
from .alignment import Pooling, align, pool


def to_sequences(
    docs: list[Doc], tokenizer: Any, *, pooling: Pooling
) -> list[PieceSequence]:
    """Tokenise whole documents and link their pieces to rows, token i to row 1 + i.

    docs (list[Doc]): Each has at least one token.
    tokenizer (Any): A fast tokenizer of transformers. Its truncation and padding
        are switched off for good: `make_batches` does both, without a loss.
    pooling (Pooling): What a token is of its pieces.
    RETURNS (list[PieceSequence]): One per document, with 1 + n_tokens rows.
    """
    backend = tokenizer.backend_tokenizer
    if backend.truncation is not None:
        backend.no_truncation()
    if backend.padding is not None:
        backend.no_padding()
    texts = [doc.text for doc in docs]
    encodings = backend.encode_batch(texts, add_special_tokens=False)
    return [
        _to_sequence(doc, encoding, pooling)
        for doc, encoding in zip(docs, encodings, strict=True)
    ]


def _to_sequence(doc: Doc, encoding: Any, pooling: Pooling) -> PieceSequence:
    offsets = numpy.array(encoding.offsets, dtype="int64").reshape(-1, 2)
    token_starts = doc.to_array("IDX").astype("int64")
    tokens, pieces, weights = pool(*align(token_starts, offsets), pooling=pooling)
    return PieceSequence(
        ids=numpy.array(encoding.ids, dtype="int64"),
        rows=1 + tokens,
        pieces=pieces,
        weights=weights,
        n_rows=1 + len(doc),
    )
