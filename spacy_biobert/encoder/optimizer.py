"""The optimiser: which weights decay, how fast they learn, how long a step may be."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn


def group_parameters(
    network: nn.Module, factor_of: Callable[[str], float]
) -> list[dict[str, Any]]:
    """Put parameters that are treated alike into a group for a torch optimizer.

    network (nn.Module): All its parameters get into a group; those without a
        gradient stay as they are in a step.
    factor_of (Callable): From the name of a parameter to what the rate of a step
        is multiplied by for it.
    RETURNS (list[dict]): Groups with "params", "factor", and "decays": False for
        biases and the weights of LayerNorm, which are vectors.
    """
    groups: dict[tuple[float, bool], dict[str, Any]] = {}
    for name, parameter in network.named_parameters():
        factor, decays = factor_of(name), parameter.ndim >= 2
        group = groups.setdefault(
            (factor, decays), {"params": [], "factor": factor, "decays": decays}
        )
        group["params"].append(parameter)
    return list(groups.values())


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
    RETURNS (AdamW): Two groups, as `take_step` needs them.
    SOURCE: Loshchilov and Hutter (2019), https://arxiv.org/abs/1711.05101, and
        optimization.py of https://github.com/google-research/bert
    """
    groups = group_parameters(model, lambda name: learning_rate)
    for group in groups:
        group["weight_decay"] = weight_decay if group["decays"] else 0.0
    return torch.optim.AdamW(
        groups, lr=learning_rate, betas=(beta1, beta2), eps=epsilon, fused=True
    )


def take_step(
    optimizer: torch.optim.Optimizer, *, rate: float, max_norm: float
) -> float:
    """Update the weights once, and forget the gradients.

    optimizer (Optimizer): Its groups are those of `group_parameters`, gradients
        computed.
    rate (float): Times the "factor" of a group, this is its learning rate.
    max_norm (float): Longer gradients, over all weights, are cut to this norm;
        0 cuts none.
    RETURNS (float): The norm before the cut. If it is not finite, nothing was
        updated.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    norm = float(nn.utils.clip_grad_norm_(parameters, max_norm or math.inf))
    if math.isfinite(norm):
        for group in optimizer.param_groups:
            group["lr"] = group["factor"] * rate
        optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return norm
