"""Ways to attend: what a layer does differently for padded and for flat sequences.

A padded batch is a rectangle; a flat one has the pieces of all sequences in one row,
none of them padding, and the bounds between the sequences.

Shapes: B = sequences, S = B + 1, T = pieces of the longest sequence, N = pieces of all
sequences, H = attention heads, K = width per head.
"""

from collections.abc import Callable
from typing import Any, Literal, Protocol

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from ..errors import Errors
from .dropout import dropout as drop
from .padding import padding_of
from .precision import fast_in_bfloat16
from .softmax import softmax

varlen_attn: Callable[..., Any] | None
try:
    from torch.nn.attention.varlen import varlen_attn
except ImportError:  # an older torch
    varlen_attn = None

Backend = Literal["varlen", "sdpa", "reference"]
BackendChoice = Literal["auto", "varlen", "sdpa", "reference"]

# Up to this length the plain products learn faster on a CPU than the fused
# attention, whose backward pass is slow there: 12 against 29 ms of one core for
# 16 x 128 pieces, 4 heads of 64, bfloat16, torch 2.13. A step of 4 layers x 256
# gains about a tenth.
SHORT = 256


class Attend(Protocol):
    """Attention of pieces to those of their own sequence.

    It takes and returns [B, T, H, K] of a padded batch, or [N, H, K] of a flat one.
    """

    def __call__(self, Q: Tensor, K: Tensor, V: Tensor, *, dropout: float) -> Tensor:
        """Attend; `dropout` is the rate 0-1 on the weights."""


def choose_backend(
    name: BackendChoice,
    device: torch.device,
    dtype: torch.dtype,
    *,
    attention_dropout: float,
) -> Backend:
    """Choose the way through the encoder.

    name (str): "varlen", the fastest, for flat batches on a GPU; "sdpa" anywhere;
        "reference", the stock forward, to compare with; "auto" for "varlen" where it
        works and "sdpa" elsewhere.
    device (torch.device): Where the encoder is.
    dtype (torch.dtype): In which matrices are multiplied, see `precision`.
    attention_dropout (float): Rate 0-1 on the attention weights while learning.
    RETURNS (str): "varlen", "sdpa" or "reference".
    RAISES (ValueError): If "varlen" is asked for and does not work here.
    """
    obstacle = _obstacle_to_varlen(device, dtype, attention_dropout)
    if name == "auto":
        return "sdpa" if obstacle else "varlen"
    if name == "varlen" and obstacle:
        raise ValueError(Errors.B340.format(obstacle=obstacle))
    return name


def _obstacle_to_varlen(
    device: torch.device, dtype: torch.dtype, attention_dropout: float
) -> str | None:
    if device.type != "cuda":
        return f"a CUDA GPU, found the device {device}"
    if varlen_attn is None:
        return f"a torch with torch.nn.attention.varlen, found {torch.__version__}"
    if dtype not in (torch.bfloat16, torch.float16):
        return f"products in bfloat16 or float16, found {dtype}"
    # The kernel wants the generation that brought bfloat16, for float16 too.
    if not fast_in_bfloat16(device):
        return "a GPU of compute capability 8 or more, found an older one"
    if attention_dropout:
        return f"no dropout on attention, found a rate of {attention_dropout}"
    return None


def attend_padded(real_BT: Tensor) -> Attend:
    """Make the attention of a padded batch.

    real_BT (Tensor): False for padding, bool. No sequence is all padding.
    RETURNS (Attend): For [B, T, H, K].
    """
    # On a CPU to look costs nothing, and a mask costs the learning more than it shows.
    is_full = real_BT.device.type == "cpu" and bool(real_BT.all())
    mask_B11T = None if is_full else real_BT[:, None, None, :]

    def attend(Q: Tensor, K: Tensor, V: Tensor, *, dropout: float) -> Tensor:
        Y_BHTK = _attend_by_head(
            Q.transpose(1, 2),
            K.transpose(1, 2),
            V.transpose(1, 2),
            mask_B11T,
            dropout=dropout,
        )
        return Y_BHTK.transpose(1, 2)

    return attend


def attend_flat(bounds_S: Tensor, longest: int, *, n_pieces: int) -> Attend:
    """Make the attention of a flat batch on any device, padded inside alone.

    bounds_S (Tensor): Where each sequence begins, and the end of the last, int32.
    longest (int): Pieces of the longest sequence.
    n_pieces (int): Pieces of all sequences.
    RETURNS (Attend): For [N, H, K].
    """
    padding = padding_of(bounds_S, longest, n_pieces=n_pieces)
    attend_rectangle = attend_padded(padding.real_BT)

    def attend(Q: Tensor, K: Tensor, V: Tensor, *, dropout: float) -> Tensor:
        rectangles = (padding.pad(X) for X in (Q, K, V))
        return padding.flatten(attend_rectangle(*rectangles, dropout=dropout))

    return attend


def attend_varlen(bounds_S: Tensor, longest: int) -> Attend:
    """Make the attention of a flat batch on a GPU, without any padding.

    bounds_S (Tensor): Where each sequence begins, and the end of the last, int32, on
        the GPU. No sequence is empty.
    longest (int): Pieces of the longest sequence.
    RETURNS (Attend): For [N, H, K] in bfloat16 or float16.
    """

    def attend(Q: Tensor, K: Tensor, V: Tensor, *, dropout: float) -> Tensor:
        obstacle = _obstacle_to_varlen(Q.device, Q.dtype, dropout)
        if obstacle or varlen_attn is None:
            raise ValueError(Errors.B340.format(obstacle=obstacle))
        Y_NHK: Tensor = varlen_attn(Q, K, V, bounds_S, bounds_S, longest, longest)
        return Y_NHK

    return attend


def _attend_by_head(
    Q_BHTK: Tensor,
    K_BHTK: Tensor,
    V_BHTK: Tensor,
    mask_B11T: Tensor | None,
    *,
    dropout: float,
) -> Tensor:
    n_pieces, width = Q_BHTK.shape[-2:]
    learning = torch.is_grad_enabled()
    if not (learning and Q_BHTK.device.type == "cpu" and n_pieces <= SHORT):
        return scaled_dot_product_attention(
            Q_BHTK, K_BHTK, V_BHTK, attn_mask=mask_B11T, dropout_p=dropout
        )
    scores_BHTT = (Q_BHTK * width**-0.5) @ K_BHTK.transpose(-1, -2)
    if mask_B11T is not None:
        scores_BHTT = scores_BHTT.masked_fill(~mask_B11T, float("-inf"))
    return drop(softmax(scores_BHTT), dropout) @ V_BHTK
