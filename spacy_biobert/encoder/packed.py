"""A BERT for reading alone on a CPU, its matrices packed once for oneDNN.

A network that learns keeps its matrices as they are and multiplies them as torch does.
One that only reads can do better where the processor has AVX-512: oneDNN's products of
packed matrices take half the time of MKL's in float32 on an AMD processor, and a tenth
less than torch's own in bfloat16; GELU comes with the product, and query, key and value
are one.

Shapes: N = pieces of all windows, B = windows, T = pieces of the longest, H = attention
heads, K = width per head, D = width of a vector.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .attention import attend_padded
from .hub import BertModel
from .padding import Padding, padding_of

# Rows that a matrix is packed for; more or fewer are only slower.
ROWS = 2048
# Up to this length products of bfloat16 are faster than the fused attention, 18 against
# 41 ms for 4 x 512 pieces, 12 heads of 64 (one core, AVX512-BF16, torch 2.13). Longer,
# the scores take much memory. In float32 the fused attention is always faster.
SCORED_PIECES = 512

Product = Callable[[Tensor], Tensor]


def can_pack(bert: BertModel, dtype: torch.dtype) -> bool:
    """Say whether a network can be packed, and would be faster.

    bert (BertModel): The network.
    dtype (torch.dtype): In which matrices are multiplied, see `precision`.
    RETURNS (bool): False off the CPU, without AVX-512, or with a torch that has not
        got the products.
    """
    return (
        bert.device.type == "cpu"
        and dtype in (torch.float32, torch.bfloat16)
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and torch.cpu._is_avx512_supported()
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


class PackedBert:
    """A network that reads, with packed matrices; see `can_pack`.

    It shares the network's embeddings. Later changes of the layers do not reach it.

    bert (BertModel): The network, on the CPU.
    dtype (torch.dtype): In which matrices are multiplied. What goes from layer to
        layer is float32.
    """

    def __init__(self, bert: BertModel, dtype: torch.dtype) -> None:
        gelu = bert.config.hidden_act == "gelu"
        self.embeddings = bert.embeddings
        self.layers = [
            _PackedLayer(layer, dtype, gelu=gelu) for layer in bert.encoder.layer
        ]

    def encode_flat(
        self, ids_N: Tensor, positions_N: Tensor, *, bounds_S: Tensor, longest: int
    ) -> Tensor:
        """Run windows that stand in one row through the network.

        ids_N (Tensor): Piece ids, int64.
        positions_N (Tensor): Place of each piece in its window, from 0, int64.
        bounds_S (Tensor): Where each window begins, and the end of the last, int32.
        longest (int): Pieces of the longest window.
        RETURNS (Tensor): The last layer, float32 [N, D].
        """
        X_1ND = self.embeddings(
            input_ids=ids_N[None],
            token_type_ids=torch.zeros_like(ids_N)[None],
            position_ids=positions_N[None],
        )
        X_ND = X_1ND.squeeze(0)
        padding = padding_of(bounds_S, longest, n_pieces=len(ids_N))
        for layer in self.layers:
            X_ND = layer.run(X_ND, padding)
        return X_ND


class _PackedLayer:
    def __init__(self, layer: Any, dtype: torch.dtype, *, gelu: bool) -> None:
        own, attended = layer.attention.self, layer.attention.output
        self.n_heads = own.num_attention_heads
        self.to_heads = _pack([own.query, own.key, own.value], dtype)
        self.from_heads = _pack([attended.dense], dtype)
        self.widen = _pack([layer.intermediate.dense], dtype, gelu=gelu)
        self.activate = None if gelu else layer.intermediate.intermediate_act_fn
        self.narrow = _pack([layer.output.dense], dtype)
        self.norms = _copy_norm(attended.LayerNorm), _copy_norm(layer.output.LayerNorm)

    def run(self, X_ND: Tensor, padding: Padding) -> Tensor:
        """Give what comes out of the layer for what goes in, both float32 [N, D]."""
        after_attention, after_all = self.norms
        context = padding.flatten(self._attend(self.to_heads(X_ND), padding))
        Y_ND = after_attention(X_ND + self.from_heads(context))
        inner = self.widen(Y_ND)
        if self.activate is not None:
            inner = self.activate(inner)
        return after_all(Y_ND + self.narrow(inner))

    def _attend(self, QKV: Tensor, padding: Padding) -> Tensor:
        """Attend; [N, 3D] to [B, T, D]."""
        B, T = padding.real_BT.shape
        Q, K, V = padding.pad(QKV).view(B, T, 3, self.n_heads, -1).unbind(2)
        if QKV.dtype == torch.bfloat16 and T <= SCORED_PIECES:
            return _attend_in_products(Q, K, V, padding)
        return attend_padded(padding.real_BT)(Q, K, V, dropout=0.0).flatten(2)


def _attend_in_products(Q: Tensor, K: Tensor, V: Tensor, padding: Padding) -> Tensor:
    """Attend by products of matrices, head by head; [B, T, H, K] to [B, T, D]."""
    B, T, H, width = Q.shape

    def by_head(X_BTHK: Tensor) -> Tensor:
        return X_BTHK.transpose(1, 2).reshape(B * H, T, width)

    scores = torch.bmm(by_head(Q * width**-0.5), by_head(K).transpose(1, 2))
    if padding.sources is not None:
        # To add is three times as fast as to fill by a mask.
        hidden_BT = torch.zeros_like(padding.real_BT, dtype=scores.dtype)
        hidden_BT.masked_fill_(~padding.real_BT, float("-inf"))
        scores.view(B, H, T, T).add_(hidden_BT[:, None, None, :])
    context = torch.bmm(scores.softmax(-1), by_head(V))
    return context.view(B, H, T, width).transpose(1, 2).reshape(B, T, H * width)


def _pack(
    linears: list[nn.Linear], dtype: torch.dtype, *, gelu: bool = False
) -> Product:
    """Pack linear layers with the same input into one that may end in GELU."""
    weight = torch.cat([linear.weight.detach() for linear in linears]).to(dtype)
    bias = torch.cat([linear.bias.detach() for linear in linears]).to(dtype)
    packed = torch.ops.mkldnn._reorder_linear_weight(weight, ROWS)
    multiply, then = torch.ops.mkldnn._linear_pointwise, "gelu" if gelu else "none"

    def run(X: Tensor) -> Tensor:
        Y: Tensor = multiply(X.to(dtype), packed, bias, then, [], "none")
        return Y

    return run


def _copy_norm(norm: nn.LayerNorm) -> Product:
    weight, bias = norm.weight.detach().clone(), norm.bias.detach().clone()
    shape, eps = tuple(norm.normalized_shape), norm.eps
    return lambda X: functional.layer_norm(X, shape, weight, bias, eps)
