"""What the encoder says of a batch: the hidden pieces, and the next sentence.

Shapes: B = sequences, T = pieces of the longest, N = pieces of the batch, with its
padding if it has any, D = width of a vector, M = hidden pieces in the batch,
V = pieces in the vocabulary.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from ..encoder.attention import Backend
from ..encoder.forward import encode_flat, encode_padded, encode_reference
from ..encoder.hub import BertForPreTraining
from ..errors import Errors
from .flat import FlatBatch, Padded
from .losses import IGNORE


class Guesses(NamedTuple):
    """Logits of both heads, and the pieces that were hidden."""

    mlm_MV: Tensor
    hidden_M: Tensor
    nsp_B2: Tensor


class _Vectors(NamedTuple):
    """The last layer, and which of its rows the heads read."""

    X_ND: Tensor
    rows_M: Tensor
    hidden_M: Tensor
    firsts_B: Tensor


def guess(
    model: BertForPreTraining,
    batch: Padded | FlatBatch,
    *,
    backend: Backend = "sdpa",
    recompute: bool = False,
) -> Guesses:
    """Guess the hidden pieces, and whether the second segment follows the first.

    The vocabulary's logits are computed for the hidden pieces only, a seventh
    of all, which gives the same loss as the stock forward.

    model (BertForPreTraining): In training mode with dropout.
    batch (Padded | FlatBatch): On the device of the model.
    backend (str): As `choose_backend` gives it: "varlen" for flat batches,
        "reference" for padded ones, "sdpa" for both.
    recompute (bool): Save memory for time, see `encode_padded`.
    RETURNS (Guesses): Logits [M, V] and [B, 2], and the M hidden piece ids in
        the order of the rows of the batch.
    RAISES (ValueError): If the backend does not take this kind of batch.
    """
    if isinstance(batch, FlatBatch):
        found = _read_flat(model, batch, backend, recompute=recompute)
    else:
        found = _read_padded(model, batch, backend, recompute=recompute)
    pooler = model.bert.pooler
    assert pooler is not None  # BertForPreTraining always has one
    first_B1D = found.X_ND.index_select(0, found.firsts_B)[:, None]
    return Guesses(
        mlm_MV=model.cls.predictions(found.X_ND.index_select(0, found.rows_M)),
        hidden_M=found.hidden_M,
        nsp_B2=model.cls.seq_relationship(pooler(first_B1D)),
    )


def _read_flat(
    model: BertForPreTraining, batch: FlatBatch, backend: Backend, *, recompute: bool
) -> _Vectors:
    if backend == "reference":
        raise ValueError(Errors.B171.format(backend=backend, found="flat"))
    X_ND = encode_flat(
        model.bert,
        batch.ids_N,
        batch.segments_N,
        batch.positions_N,
        bounds_S=batch.bounds_S,
        longest=batch.longest,
        backend=backend,
        recompute=recompute,
    )
    return _Vectors(X_ND, batch.rows_M, batch.hidden_M, batch.bounds_S[:-1])


def _read_padded(
    model: BertForPreTraining, batch: Padded, backend: Backend, *, recompute: bool
) -> _Vectors:
    if backend == "varlen":
        raise ValueError(Errors.B171.format(backend=backend, found="padded"))
    inputs = batch.ids_BT, batch.segments_BT, batch.real_BT
    if backend == "reference":
        X_BTD = encode_reference(model.bert, *inputs)
    else:
        X_BTD = encode_padded(model.bert, *inputs, recompute=recompute)
    B, T, D = X_BTD.shape
    labels_N = batch.labels_BT.reshape(-1)
    rows_M = torch.nonzero(labels_N != IGNORE).squeeze(1)
    firsts_B = torch.arange(0, B * T, T, device=X_BTD.device)
    return _Vectors(
        X_BTD.reshape(-1, D), rows_M, labels_N.index_select(0, rows_M), firsts_B
    )


def warm_start(
    model: BertForPreTraining, embeddings_VD: Tensor, log_unigram_V: Tensor
) -> None:
    """Start from word vectors and frequencies counted in the corpus, in place.

    A small network then skips the long plateau at the unigram loss.

    model (BertForPreTraining): Its word embeddings, which are the output
        weights of the MLM head too, and the bias of that head are replaced.
    embeddings_VD (Tensor): A row per piece, float32.
    log_unigram_V (Tensor): Natural logarithm of the pieces' frequencies.
    SOURCE: Levy and Goldberg (2014), "Neural Word Embedding as Implicit Matrix
        Factorization", for the vectors.
    """
    words = model.bert.embeddings.word_embeddings
    with torch.no_grad():
        words.weight.copy_(embeddings_VD)
        if words.padding_idx is not None:
            words.weight[words.padding_idx] = 0.0
        model.cls.predictions.bias.copy_(log_unigram_V)
