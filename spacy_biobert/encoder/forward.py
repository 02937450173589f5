"""Our forward over the parameters of a Hugging Face BERT.

The network stays a `BertModel`, so that its folder loads anywhere; only the
way through it is ours: the fused attention, which the stock forward leaves
under compilation, or plain products where those are faster.

Shapes: B = sequences, T = pieces per sequence, H = attention heads,
D = width of a vector, K = width per head.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.functional import scaled_dot_product_attention

from .hub import BertModel

# Up to this length the plain products learn faster on a CPU than the fused
# attention, whose backward pass is slow there: 12 against 29 ms of one core for
# 16 x 128 pieces, 4 heads of 64, bfloat16, torch 2.13. A step of 4 layers x 256
# gains about a tenth.
SHORT = 256


def encode_padded(
    bert: BertModel, ids_BT: Tensor, segments_BT: Tensor, real_BT: Tensor
) -> Tensor:
    """Run a padded batch through the encoder.

    bert (BertModel): With or without pooler. Dropout follows its modules, and
        whether it is in training mode.
    ids_BT (Tensor): Piece ids, int64.
    segments_BT (Tensor): 0 for the first segment, 1 for the second, int64.
    real_BT (Tensor): False for padding, bool. No sequence is all padding.
    RETURNS (Tensor): The last layer, [B, T, D]. Rows of padding mean nothing.
    """
    X_BTD = bert.embeddings(input_ids=ids_BT, token_type_ids=segments_BT)
    mask_B11T = real_BT[:, None, None, :]
    for layer in bert.encoder.layer:
        X_BTD = _run_layer(layer, X_BTD, mask_B11T)
    return X_BTD


def _run_layer(layer: Any, X_BTD: Tensor, mask_B11T: Tensor) -> Tensor:
    attention = layer.attention.self
    B, T, _ = X_BTD.shape

    def heads(linear: nn.Module) -> Tensor:
        Y: Tensor = linear(X_BTD)
        return Y.view(B, T, attention.num_attention_heads, -1).transpose(1, 2)

    Y_BHTK = _attend(
        heads(attention.query),
        heads(attention.key),
        heads(attention.value),
        mask_B11T,
        dropout=attention.dropout.p if attention.training else 0.0,
    )
    context_BTD = Y_BHTK.transpose(1, 2).reshape(B, T, -1)
    Y_BTD = layer.attention.output(context_BTD, X_BTD)
    return layer.output(layer.intermediate(Y_BTD), Y_BTD)


def _attend(
    Q_BHTK: Tensor, K_BHTK: Tensor, V_BHTK: Tensor, mask_B11T: Tensor, *, dropout: float
) -> Tensor:
    n_pieces, width = Q_BHTK.shape[-2:]
    learning = torch.is_grad_enabled()
    if not (learning and Q_BHTK.device.type == "cpu" and n_pieces <= SHORT):
        return scaled_dot_product_attention(
            Q_BHTK, K_BHTK, V_BHTK, attn_mask=mask_B11T, dropout_p=dropout
        )
    scores_BHTT = (Q_BHTK * width**-0.5) @ K_BHTK.transpose(-1, -2)
    scores_BHTT = scores_BHTT.masked_fill(~mask_B11T, float("-inf"))
    return functional.dropout(scores_BHTT.softmax(-1), dropout) @ V_BHTK


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
