"""Our forward over the parameters of a Hugging Face BERT.

The network stays a `BertModel`, so that its folder loads anywhere; only the
way through it is ours: the fused attention, which the stock forward leaves
under compilation, or plain products where those are faster; and sequences
without padding, which it does not know.

Shapes: B = sequences, S = B + 1, T = pieces of the longest sequence, N = pieces
of all sequences, D = width of a vector.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from .attention import Attend, Backend, attend_flat, attend_padded, attend_varlen
from .dropout import dropout
from .hub import BertModel


def encode_padded(
    bert: BertModel,
    ids_BT: Tensor,
    segments_BT: Tensor,
    real_BT: Tensor,
    *,
    recompute: bool = False,
) -> Tensor:
    """Run a padded batch through the encoder.

    bert (BertModel): With or without pooler. Dropout follows its modules, and
        whether it is in training mode.
    ids_BT (Tensor): Piece ids, int64.
    segments_BT (Tensor): 0 for the first segment, 1 for the second, int64.
    real_BT (Tensor): False for padding, bool. No sequence is all padding.
    recompute (bool): Keep the vectors between the layers alone for the backward
        pass, and compute the rest again: less memory, a third more time.
    RETURNS (Tensor): The last layer, [B, T, D]. Rows of padding mean nothing.
    """
    X_BTD = bert.embeddings(input_ids=ids_BT, token_type_ids=segments_BT)
    return _run_layers(bert, X_BTD, attend_padded(real_BT), recompute=recompute)


def encode_flat(
    bert: BertModel,
    ids_N: Tensor,
    segments_N: Tensor,
    positions_N: Tensor,
    *,
    bounds_S: Tensor,
    longest: int,
    backend: Backend,
    recompute: bool = False,
) -> Tensor:
    """Run sequences that stand in one row, without padding, through the encoder.

    bert (BertModel): As for `encode_padded`.
    ids_N (Tensor): Piece ids, int64.
    segments_N (Tensor): 0 for the first segment, 1 for the second, int64.
    positions_N (Tensor): Place of each piece in its sequence, from 0, int64.
    bounds_S (Tensor): Where each sequence begins, and the end of the last, int32.
        No sequence is empty.
    longest (int): Pieces of the longest sequence.
    backend (str): "varlen", or any other to pad inside the attention alone.
    recompute (bool): As for `encode_padded`.
    RETURNS (Tensor): The last layer, [N, D].
    """
    attend = (
        attend_varlen(bounds_S, longest)
        if backend == "varlen"
        else attend_flat(bounds_S, longest, n_pieces=len(ids_N))
    )
    X_1ND = bert.embeddings(
        input_ids=ids_N[None],
        token_type_ids=segments_N[None],
        position_ids=positions_N[None],
    )
    return _run_layers(bert, X_1ND.squeeze(0), attend, recompute=recompute)


def encode_reference(
    bert: BertModel, ids_BT: Tensor, segments_BT: Tensor, real_BT: Tensor
) -> Tensor:
    """Run a padded batch through the stock forward, to compare with.

    The arguments and the result are those of `encode_padded`.
    """
    X_BTD: Tensor = bert(
        input_ids=ids_BT, token_type_ids=segments_BT, attention_mask=real_BT.long()
    ).last_hidden_state
    return X_BTD


def _run_layers(
    bert: BertModel, X: Tensor, attend: Attend, *, recompute: bool
) -> Tensor:
    """Run all layers over [B, T, D] or [N, D]."""
    for layer in bert.encoder.layer:
        if recompute and torch.is_grad_enabled():
            X = checkpoint(_run_layer, layer, X, attend, use_reentrant=False)
        else:
            X = _run_layer(layer, X, attend)
    return X


def _run_layer(layer: Any, X: Tensor, attend: Attend) -> Tensor:
    attention = layer.attention.self

    def heads(linear: nn.Module) -> Tensor:
        Y: Tensor = linear(X)
        return Y.view(*X.shape[:-1], attention.num_attention_heads, -1)

    context = attend(
        heads(attention.query),
        heads(attention.key),
        heads(attention.value),
        dropout=attention.dropout.p if attention.training else 0.0,
    )
    Y = _add(layer.attention.output, context.flatten(-2), X)
    return _add(layer.output, layer.intermediate(Y), Y)


def _add(output: Any, Y: Tensor, X: Tensor) -> Tensor:
    """Add what attention or the feed-forward network found to what it read."""
    Y = dropout(output.dense(Y), output.dropout.p if output.training else 0.0)
    Z: Tensor = output.LayerNorm(Y + X)
    return Z


def set_dropout(bert: nn.Module, *, vectors: float, attention: float) -> None:
    """Set the dropout rates of a network in place; its `config.json` keeps its own.

    bert (nn.Module): A BERT, with or without heads.
    vectors (float): Rate 0-1 after embeddings, attention and feed-forward.
    attention (float): Rate 0-1 on the attention weights.
    """
    for name, module in bert.named_modules():
        if isinstance(module, nn.Dropout):
            module.p = attention if name.endswith("attention.self.dropout") else vectors
        elif hasattr(module, "dropout_prob"):
            module.dropout_prob = attention  # the stock forward's own copy of the rate
