"""The optimiser: which weights decay, and how long a step may be."""

import math

import torch
from torch import nn


def make_optimizer(
    model: nn.Module,
    *,
    learning_rate: float,
    weight_decay: float,
    beta1: float,
    beta2: float,
    epsilon: float,
) -> torch.optim.AdamW:
    """Make AdamW with weight decay on matrices only.

    model (nn.Module): All its parameters are trained.
    learning_rate (float): The highest rate; the schedule scales it.
    weight_decay (float): Decay per step and unit of rate; biases and the
        weights of LayerNorm, which are vectors, do not decay.
    beta1 (float): Decay of the mean of gradients, 0-1.
    beta2 (float): Decay of the mean of squared gradients, 0-1.
    epsilon (float): Added to the root of the mean of squares.
    RETURNS (AdamW): Two groups; each remembers its highest rate as "peak_lr".
    SOURCE: Loshchilov and Hutter (2019), https://arxiv.org/abs/1711.05101, and
        optimization.py of https://github.com/google-research/bert
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {
            "params": [p for p in parameters if p.ndim >= 2],
            "weight_decay": weight_decay,
        },
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [{**group, "peak_lr": learning_rate} for group in groups],
        lr=learning_rate,
        betas=(beta1, beta2),
        eps=epsilon,
        fused=True,
    )


def take_step(
    optimizer: torch.optim.Optimizer, *, rate: float, max_norm: float
) -> float:
    """Update the weights once, and forget the gradients.

    optimizer (Optimizer): As `make_optimizer` makes it, gradients computed.
    rate (float): Share 0-1 of the highest learning rate.
    max_norm (float): Longer gradients, over all weights, are cut to this norm.
    RETURNS (float): The norm before the cut. If it is not finite, nothing was
        updated.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    norm = float(nn.utils.clip_grad_norm_(parameters, max_norm))
    if math.isfinite(norm):
        for group in optimizer.param_groups:
            group["lr"] = group["peak_lr"] * rate
        optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return norm
