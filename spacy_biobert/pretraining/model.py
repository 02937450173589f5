"""What the encoder says of a batch: the hidden pieces, and the next sentence.

Shapes: B = sequences, T = pieces per sequence, D = width of a vector,
M = hidden pieces in the batch, V = pieces in the vocabulary.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from ..encoder.forward import encode_padded
from ..encoder.hub import BertForPreTraining
from .losses import IGNORE


class Guesses(NamedTuple):
    """Logits of both heads, and the pieces that were hidden."""

    mlm_MV: Tensor
    hidden_M: Tensor
    nsp_B2: Tensor


def guess(
    model: BertForPreTraining,
    ids_BT: Tensor,
    segments_BT: Tensor,
    real_BT: Tensor,
    labels_BT: Tensor,
) -> Guesses:
    """Guess the hidden pieces, and whether the second segment follows the first.

    The vocabulary's logits are computed for the hidden pieces only, a seventh
    of all, which gives the same loss as the stock forward.

    model (BertForPreTraining): In training mode with dropout.
    ids_BT (Tensor): Piece ids with some hidden, int64.
    segments_BT (Tensor): 0 or 1, int64.
    real_BT (Tensor): False for padding, bool.
    labels_BT (Tensor): The piece to guess, IGNORE elsewhere, int64.
    RETURNS (Guesses): Logits [M, V] and [B, 2], and the M hidden piece ids in
        the order of the rows of the batch.
    """
    X_BTD = encode_padded(model.bert, ids_BT, segments_BT, real_BT)
    flat_labels = labels_BT.reshape(-1)
    rows_M = torch.nonzero(flat_labels != IGNORE).squeeze(1)
    X_MD = X_BTD.reshape(-1, X_BTD.shape[-1]).index_select(0, rows_M)
    pooler = model.bert.pooler
    assert pooler is not None  # BertForPreTraining always has one
    return Guesses(
        mlm_MV=model.cls.predictions(X_MD),
        hidden_M=flat_labels.index_select(0, rows_M),
        nsp_B2=model.cls.seq_relationship(pooler(X_BTD)),
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
