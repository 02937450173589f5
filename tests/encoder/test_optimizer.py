import math

import pytest
import torch

from spacy_biobert.encoder.hub import open_pretraining_model
from spacy_biobert.encoder.optimizer import make_optimizer, take_step


def optimizer_of(model, **changes):
    options = {
        "learning_rate": 0.1, "weight_decay": 0.5, "beta1": 0.9, "beta2": 0.98,
        "epsilon": 1e-6,
    }  # fmt: skip
    return make_optimizer(model, **options | changes)


def test_matrices_decay_and_biases_and_layer_norms_do_not(tiny_encoder):
    model = open_pretraining_model(tiny_encoder).model
    decayed, kept = optimizer_of(model).param_groups
    names = {id(p): name for name, p in model.named_parameters()}
    assert decayed["weight_decay"] == 0.5
    assert kept["weight_decay"] == 0.0
    for p in kept["params"]:
        assert names[id(p)].endswith("bias") or "LayerNorm" in names[id(p)]
    for p in decayed["params"]:
        assert names[id(p)].endswith("weight")
        assert "LayerNorm" not in names[id(p)]
    assert len(decayed["params"]) + len(kept["params"]) == len(names)


def test_take_step_scales_the_rate_and_forgets_the_gradients():
    linear = torch.nn.Linear(2, 1, bias=False)
    before = linear.weight.detach().clone()
    optimizer = optimizer_of(linear, weight_decay=0.0)
    linear(torch.ones(1, 2)).sum().backward()
    take_step(optimizer, rate=0.5, max_norm=1.0)
    # The first step of Adam is as long as the rate.
    assert torch.allclose(before - linear.weight, torch.full((1, 2), 0.05), atol=1e-4)
    assert linear.weight.grad is None


def test_take_step_cuts_gradients_over_all_weights():
    linear = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(
        [{"params": linear.parameters(), "factor": 1.0}], lr=1.0
    )
    before = [p.detach().clone() for p in linear.parameters()]
    linear(torch.tensor([[30.0, 40.0]])).sum().backward()
    norm = take_step(optimizer, rate=1.0, max_norm=1.0)
    moved = torch.cat(
        [(p - b).flatten() for p, b in zip(linear.parameters(), before, strict=True)]
    )
    assert norm == pytest.approx(math.sqrt(2501), rel=1e-4)
    assert moved.norm().item() == pytest.approx(1.0, rel=1e-4)


def test_take_step_leaves_the_weights_when_the_gradient_is_no_number():
    linear = torch.nn.Linear(2, 1)
    before = linear.weight.detach().clone()
    (linear(torch.ones(1, 2)).sum() * math.nan).backward()
    norm = take_step(optimizer_of(linear), rate=1.0, max_norm=1.0)
    assert math.isnan(norm)
    assert torch.equal(linear.weight, before)
