"""Train a network with a torch optimizer by the settings of thinc's.

spaCy's config describes an optimizer of thinc, which goes from weight to weight.
Its rate, schedules and constants are taken from it at each step; the step itself
is torch's, over all weights at once.
"""

import math
import warnings
from dataclasses import dataclass
from typing import Any

import torch
from thinc.api import Optimizer, torch2xp, xp2torch
from torch import Tensor

from ..encoder.optimizer import group_parameters, take_step
from ..encoder.rates import PartRates
from ..errors import Errors, Warnings

# As thinc's `update_averages`.
_MOST_KEPT = 0.9999


@dataclass(slots=True)
class Updates:
    """What a network has of one optimizer: moments, and the number of steps.

    settings (Optimizer): The optimizer of spaCy's config.
    stepper (torch.optim.Optimizer): Of the kind that `settings` describes.
    n_taken (int): Steps so far.
    """

    settings: Optimizer
    stepper: torch.optim.Optimizer
    n_taken: int = 0


def start_updates(network: Any, settings: Optimizer, rates: PartRates) -> Updates:
    """Begin to train a network with an optimizer.

    network (BertModel): The network.
    settings (Optimizer): Adam is AdamW, with the decay beside the gradient; RAdam
        and SGD are what they are called.
    rates (PartRates): Of the parts of the network.
    RETURNS (Updates): Without any moments yet.
    RAISES (TypeError): If the optimizer is none of thinc's.
    """
    if not isinstance(settings, Optimizer):
        raise TypeError(Errors.B352.format(found=type(settings).__name__))
    n_layers = len(network.encoder.layer)
    groups = group_parameters(
        network, lambda name: rates.factor_of(name, n_layers=n_layers)
    )
    stepper: torch.optim.Optimizer
    if settings.use_radam:
        stepper = torch.optim.RAdam(groups, decoupled_weight_decay=True)
    elif settings.b2 > 0:
        stepper = torch.optim.AdamW(groups, fused=True)
    else:
        stepper = torch.optim.SGD(groups)
    return Updates(settings, stepper)


def take_update(updates: Updates, network: Any, *, owner: int) -> None:
    """Take one step with the gradients of a network, and forget them.

    The gradient is cut to `grad_clip` over all weights together; biases and the
    weights of LayerNorm do not decay. Weights without gradient stay as they are.
    If the gradient is no number all do, and there is a warning.

    updates (Updates): Of this network.
    network (BertModel): The network, with gradients.
    owner (int): Under `(owner, name)` its averages stand in the optimizer.
    """
    settings, stepper = updates.settings, updates.stepper
    _follow(stepper)
    decay = settings.L2 if settings.L2_is_weight_decay else 0.0
    for group in stepper.param_groups:
        group["betas"] = (settings.b1, settings.b2)
        group["eps"] = settings.eps
        group["weight_decay"] = decay if group["decays"] else 0.0
    if not settings.L2_is_weight_decay:
        _add_weights_to_gradients(stepper, settings.L2)
    trained = {
        name: parameter.data
        for name, parameter in network.named_parameters()
        if parameter.grad is not None
    }
    norm = take_step(stepper, rate=settings.learn_rate, max_norm=settings.grad_clip)
    if not math.isfinite(norm):
        warnings.warn(Warnings.B355.format(norm=norm), stacklevel=2)
        return
    updates.n_taken += 1
    if settings.averages is not None:
        _average(settings.averages, trained, n_taken=updates.n_taken, owner=owner)


def _follow(stepper: torch.optim.Optimizer) -> None:
    """Bring the moments to the device of the weights."""
    for parameter, state in stepper.state.items():
        moment = state.get("exp_avg")
        if moment is not None and moment.device != parameter.device:
            stepper.load_state_dict(stepper.state_dict())
            return


def _add_weights_to_gradients(stepper: torch.optim.Optimizer, L2: float) -> None:
    for group in stepper.param_groups:
        if group["decays"]:
            learning = [p for p in group["params"] if p.grad is not None]
            torch._foreach_add_(
                [p.grad for p in learning], [p.data for p in learning], alpha=L2
            )


def _average(
    averages: dict[tuple[int, str], Any],
    trained: dict[str, Tensor],
    *,
    n_taken: int,
    owner: int,
) -> None:
    """Move the averages towards the weights, as thinc does for its own."""
    means = []
    for name, weight in trained.items():
        if (owner, name) in averages:
            means.append(xp2torch(averages[owner, name], device=weight.device))
        else:
            means.append(weight.clone())
    kept = min((1 + n_taken) / (10 + n_taken), _MOST_KEPT)
    torch._foreach_lerp_(means, list(trained.values()), 1 - kept)
    for name, mean in zip(trained, means, strict=True):
        averages[owner, name] = torch2xp(mean)
