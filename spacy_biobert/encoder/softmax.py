"""Softmax that leaves no numbers which a processor is slow with.

A trained attention looks at many pieces with weights below 1e-30. Their products with
gradients are subnormal (below 1e-38), and Intel's processors take a hundred times as long
for each product of such a number.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

# Smaller weights are 0. A sum of weights, which is 1, knows 6e-8 at best.
LEAST = 1e-20


def softmax(scores: Tensor) -> Tensor:
    """Turn scores into weights that sum to 1, over the last axis.

    scores (Tensor): Any shape, floating point; minus infinity for weight 0.
    RETURNS (Tensor): As scores. What would be below LEAST is 0, and without a gradient.
    """
    weights: Tensor = _Softmax.apply(scores)  # type: ignore[no-untyped-call]
    return weights


class _Softmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, scores: Tensor) -> Tensor:
        """Give the weights."""
        weights = functional.threshold(scores.softmax(-1), LEAST, 0.0, inplace=True)
        ctx.save_for_backward(weights)
        return weights

    @staticmethod
    def backward(ctx: Any, *d_weights: Tensor) -> Tensor:
        """Give the gradient of the scores."""
        (weights,) = ctx.saved_tensors
        (d,) = d_weights
        return torch.ops.aten._softmax_backward_data(d, weights, -1, weights.dtype)
