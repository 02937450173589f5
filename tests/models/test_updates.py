"""The encoder's steps, against AdamW written out by hand and against torch's."""

import copy
import pickle

import numpy
import pytest
import spacy
import torch
from numpy.testing import assert_allclose
from thinc.api import SGD, Adam, RAdam, warmup_linear

from spacy_biobert.models.encoder import build_biobert_model_v1
from spacy_biobert.models.shim import EncoderShim

NLP = spacy.blank("en")
SETTINGS = {"learn_rate": 0.01, "L2": 0.1, "use_averages": False, "grad_clip": 0.0}


def make_shim(name, **rates) -> EncoderShim:
    model = build_biobert_model_v1(name=str(name), window=64, stride=48, **rates)
    model.initialize(X=[NLP("hello")])
    return model.layers[0].shims[0]


def fill_gradients(shim, seed, *, scale=1.0) -> dict[str, torch.Tensor]:
    """Give each parameter that learns a random gradient; returns them."""
    generator = torch.Generator().manual_seed(seed)
    gradients = {}
    for name, parameter in shim._model.named_parameters():
        gradient = torch.randn(parameter.shape, generator=generator) * scale
        if parameter.requires_grad:
            parameter.grad = gradient.clone()
            gradients[name] = gradient
    return gradients


def weights(shim) -> dict[str, numpy.ndarray]:
    return {
        n: p.detach().cpu().numpy().copy() for n, p in shim._model.named_parameters()
    }


def is_vector(name):
    return name.endswith("bias") or "LayerNorm" in name


def adamw(steps, start, *, rate, b1=0.9, b2=0.999, eps=1e-8, L2=0.0, clip=0.0):
    """AdamW of Loshchilov and Hutter, algorithm 2, in float64; `rate` per name."""
    w = {name: start[name].astype("d") for name in start}
    m = dict.fromkeys(start, 0.0)
    v = dict.fromkeys(start, 0.0)
    for t, gradients in enumerate(steps, start=1):
        g = {name: found.numpy().astype("d") for name, found in gradients.items()}
        norm = numpy.sqrt(sum((found**2).sum() for found in g.values()))
        cut = min(1.0, clip / norm) if clip else 1.0
        for name in g:
            m[name] = b1 * m[name] + (1 - b1) * g[name] * cut
            v[name] = b2 * v[name] + (1 - b2) * (g[name] * cut) ** 2
            step = m[name] / (1 - b1**t) / (numpy.sqrt(v[name] / (1 - b2**t)) + eps)
            decay = 0.0 if is_vector(name) else L2
            w[name] = w[name] - rate(name) * (step + decay * w[name])
    return w


def assert_equal(found, expected, **tolerance):
    assert found.keys() == expected.keys()
    for name in found:
        assert_allclose(found[name], expected[name], err_msg=name, **tolerance)


def run(shim, optimizer, n_steps, *, scale=1.0):
    steps = []
    for seed in range(n_steps):
        steps.append(fill_gradients(shim, seed, scale=scale))
        shim.finish_update(optimizer)
        optimizer.step_schedules()
    return steps


@pytest.mark.parametrize("clip", [0.0, 0.5, 1e6])
def test_steps_are_those_of_adamw_with_one_norm_for_all_weights(tiny_encoder, clip):
    shim = make_shim(tiny_encoder)
    start = weights(shim)
    optimizer = Adam(**SETTINGS | {"grad_clip": clip, "eps": 1e-4, "beta2": 0.9})
    steps = run(shim, optimizer, 3)
    expected = adamw(
        steps, start, rate=lambda name: 0.01, L2=0.1, clip=clip, eps=1e-4, b2=0.9
    )
    assert_equal(weights(shim), expected, atol=1e-6)
    assert_moved(shim, start)


def assert_moved(shim, start):
    for name, found in weights(shim).items():
        assert not numpy.allclose(found, start[name], atol=1e-4), name


def test_rate_follows_the_schedule_of_the_config(tiny_encoder):
    shim = make_shim(tiny_encoder)
    before = weights(shim)
    optimizer = Adam(**SETTINGS | {"learn_rate": warmup_linear(0.01, 4, 8), "L2": 0.0})
    lengths = []
    for _ in range(8):
        for parameter in shim._model.parameters():
            parameter.grad = torch.ones_like(parameter)
        shim.finish_update(optimizer)
        optimizer.step_schedules()
        after = weights(shim)
        name = "encoder.layer.0.output.dense.weight"
        lengths.append((before[name] - after[name]).mean())
        before = after
    # Adam moves by the rate where all gradients are equal.
    expected = [0, 0.0025, 0.005, 0.0075, 0.01, 0.0075, 0.005, 0.0025]
    assert_allclose(lengths, expected, atol=1e-6)


def test_rates_of_parts_are_factors_on_that_of_the_config(tiny_encoder):
    shim = make_shim(
        tiny_encoder, encoder_rate=0.5, layer_decay=0.4, embeddings_rate=0.25
    )
    start = weights(shim)
    steps = run(shim, Adam(**SETTINGS), 3)

    def rate(name):
        if name.startswith("encoder.layer.1."):  # the last one
            return 0.005
        if name.startswith("encoder.layer.0."):
            return 0.002
        assert name.startswith("embeddings.")
        return 0.0002

    assert_equal(weights(shim), adamw(steps, start, rate=rate, L2=0.1), atol=1e-6)


def test_L2_that_is_no_decay_goes_into_the_gradient_before_it_is_cut(tiny_encoder):
    settings = SETTINGS | {"grad_clip": 0.5, "L2_is_weight_decay": False}
    shim = make_shim(tiny_encoder)
    start = weights(shim)
    steps = run(shim, Adam(**settings), 1)
    for name, gradient in steps[0].items():
        if not is_vector(name):
            gradient += 0.1 * torch.from_numpy(start[name])
    expected = adamw(steps, start, rate=lambda name: 0.01, clip=0.5)
    assert_equal(weights(shim), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("optimizer", "theirs"),
    [
        (RAdam(**SETTINGS), (torch.optim.RAdam, {"decoupled_weight_decay": True})),
        (SGD(**SETTINGS), (torch.optim.SGD, {})),
    ],
)
def test_radam_and_sgd_are_those_of_torch(tiny_encoder, optimizer, theirs):
    shim = make_shim(tiny_encoder)
    network = copy.deepcopy(shim._model)
    kind, options = theirs
    parts = dict(network.named_parameters())
    other = kind(
        [
            {"params": [p for n, p in parts.items() if is_vector(n)]},
            {
                "params": [p for n, p in parts.items() if not is_vector(n)],
                "weight_decay": 0.1,
            },
        ],
        lr=0.01,
        **options,
    )
    start = weights(shim)
    for gradients in run(shim, optimizer, 8):
        for name, gradient in gradients.items():
            parts[name].grad = gradient
        other.step()
    expected = {name: p.detach().numpy() for name, p in parts.items()}
    assert_equal(weights(shim), expected, atol=1e-6)
    assert_moved(shim, start)


def test_frozen_parts_neither_move_nor_have_gradients(tiny_encoder):
    docs = [NLP("Aspirin causes headache")]
    model = build_biobert_model_v1(
        name=str(tiny_encoder), window=64, stride=48, frozen_layers=1
    )
    model.initialize(X=docs)
    shim = model.layers[0].shims[0]
    start = weights(shim)
    optimizer = Adam(**SETTINGS | {"L2": 10.0})
    for _ in range(2):
        Y, backprop = model(docs, is_train=True)
        backprop(
            Y.unsplit_by_doc([[numpy.ones_like(d.tensors[0])] for d in Y.doc_data])
        )
        learning = {n for n, p in shim._model.named_parameters() if p.grad is not None}
        assert learning == {n for n in start if n.startswith("encoder.layer.1.")}
        shim.finish_update(optimizer)
    moments = shim._updates.stepper.state
    assert len(moments) == len(learning)
    for name, found in weights(shim).items():
        assert numpy.array_equal(found, start[name]) == (name not in learning), name


def test_embeddings_can_be_frozen_alone_and_everything_can(tiny_encoder):
    shim = make_shim(tiny_encoder, frozen_embeddings=True)
    frozen = {n for n, p in shim._model.named_parameters() if not p.requires_grad}
    assert frozen == {n for n in weights(shim) if n.startswith("embeddings.")}

    docs = [NLP("Aspirin causes headache")]
    model = build_biobert_model_v1(
        name=str(tiny_encoder), window=64, stride=48, frozen_layers=2
    )
    model.initialize(X=docs)
    Y, backprop = model(docs, is_train=True)
    backprop(Y.unsplit_by_doc([[numpy.ones_like(d.tensors[0])] for d in Y.doc_data]))
    model.finish_update(Adam(**SETTINGS))


def test_what_is_thawed_during_training_learns_from_then_on(tiny_encoder):
    shim = make_shim(tiny_encoder, frozen_layers=1)
    optimizer = Adam(**SETTINGS)
    run(shim, optimizer, 1)
    start = weights(shim)
    shim._model.requires_grad_(True)
    run(shim, optimizer, 1)
    assert_moved(shim, start)


def test_nothing_happens_without_gradients(tiny_encoder):
    shim = make_shim(tiny_encoder)
    start, optimizer = weights(shim), Adam(**SETTINGS)
    run(shim, optimizer, 1)
    after = weights(shim)
    shim.finish_update(optimizer)  # Adam's momentum would move all
    assert_equal(weights(shim), after, atol=0)
    assert not numpy.allclose(after["embeddings.LayerNorm.bias"], start["embeddings.LayerNorm.bias"])  # fmt: skip


def test_gradient_that_is_no_number_leaves_the_weights_and_warns(tiny_encoder):
    shim = make_shim(tiny_encoder)
    start, optimizer = weights(shim), Adam(**SETTINGS | {"use_averages": True})
    fill_gradients(shim, 0)
    next(shim._model.parameters()).grad[0] = torch.nan
    with pytest.warns(UserWarning, match="B355.*norm of the gradient is nan"):
        shim.finish_update(optimizer)
    assert_equal(weights(shim), start, atol=0)
    assert all(p.grad is None for p in shim._model.parameters())
    assert not optimizer.averages


def test_averages_are_thincs_and_stand_in_for_the_weights(tiny_encoder):
    shim = make_shim(tiny_encoder, frozen_embeddings=True)
    optimizer = Adam(**SETTINGS | {"use_averages": True})
    expected, history = {}, []
    for seed in range(5):
        fill_gradients(shim, seed)
        shim.finish_update(optimizer)
        history.append(weights(shim))
        kept = (1 + seed + 1) / (10 + seed + 1)
        for name, weight in history[-1].items():
            mean = expected.get(name, weight)
            expected[name] = kept * mean + (1 - kept) * weight
    keys = {(shim.id, name) for name in expected if not name.startswith("embeddings.")}
    assert optimizer.averages.keys() == keys
    last = weights(shim)
    with shim.use_params(optimizer.averages):
        assert_equal(weights(shim), expected, atol=1e-6)
        saved = shim.to_bytes()
    assert_equal(weights(shim), last, atol=0)
    loaded = EncoderShim(shim.rates).from_bytes(saved)
    assert_equal(weights(loaded), expected, atol=1e-6)
    with pytest.raises(RuntimeError), shim.use_params(optimizer.averages):
        raise RuntimeError
    assert_equal(weights(shim), last, atol=0)


def test_two_encoders_and_two_optimizers_do_not_share_moments(tiny_encoder):
    first, second = make_shim(tiny_encoder), make_shim(tiny_encoder)
    start, optimizer = weights(first), Adam(**SETTINGS)
    steps = run(first, optimizer, 2)
    run(second, optimizer, 1)
    assert_equal(
        weights(second), adamw(steps[:1], start, rate=lambda n: 0.01, L2=0.1), atol=1e-6
    )
    middle = weights(first)
    again = run(first, Adam(**SETTINGS), 1)
    assert_equal(
        weights(first), adamw(again, middle, rate=lambda n: 0.01, L2=0.1), atol=1e-6
    )


@pytest.mark.parametrize(
    "renew",
    [
        lambda shim: shim.copy(),
        lambda shim: pickle.loads(pickle.dumps(shim)),
        lambda shim: EncoderShim(shim.rates).from_bytes(shim.to_bytes()),
        lambda shim: shim.from_bytes(shim.to_bytes()),
    ],
)
def test_copied_and_loaded_encoders_keep_rates_and_begin_without_moments(
    tiny_encoder, renew
):
    shim = make_shim(tiny_encoder, encoder_rate=0.5, frozen_embeddings=True)
    optimizer = Adam(**SETTINGS)
    run(shim, optimizer, 2)
    renewed = renew(shim)
    start = weights(renewed)
    assert_equal(start, weights(shim), atol=0)
    steps = run(renewed, optimizer, 1)
    assert not [name for name in steps[0] if name.startswith("embeddings.")]
    expected = adamw(steps, start, rate=lambda name: 0.005, L2=0.1)
    assert_equal(weights(renewed), expected, atol=1e-6)


def test_neither_moments_nor_schedules_go_along_with_an_encoder(tiny_encoder):
    """A schedule cannot be copied, and moments are twice as large as the weights."""
    shim = make_shim(tiny_encoder)
    n_bytes = len(pickle.dumps(shim))
    optimizer = Adam(**SETTINGS | {"learn_rate": warmup_linear(0.01, 2, 10)})
    run(shim, optimizer, 2)
    with pytest.raises(TypeError):
        pickle.dumps(optimizer)

    sent = pickle.dumps(shim)

    assert abs(len(sent) - n_bytes) < 1000
    for renewed in (shim.copy(), copy.deepcopy(shim), pickle.loads(sent)):
        assert_equal(weights(renewed), weights(shim), atol=0)
        assert renewed._updates is None
    # Its own are where they were.
    assert shim._updates.n_taken == 2


@pytest.mark.gpu
def test_moments_and_averages_move_with_the_network(tiny_encoder):
    moved, stayed = make_shim(tiny_encoder), make_shim(tiny_encoder)
    for shim in (moved, stayed):
        optimizer = Adam(**SETTINGS | {"use_averages": True})
        run(shim, optimizer, 2)
        if shim is moved:
            shim._model.cuda()
        for parameter in shim._model.parameters():
            parameter.grad = torch.ones_like(parameter)
        shim.finish_update(optimizer)
        assert len(optimizer.averages) == len(weights(shim))
    assert_equal(weights(moved), weights(stayed), atol=1e-5)


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        ({"encoder_rate": 0.0}, "B350.*encoder_rate to be above 0, found 0.0"),
        ({"embeddings_rate": -1.0}, "B350.*embeddings_rate"),
        ({"layer_decay": 1.5}, "B350.*layer_decay to be above 0 and at most 1.*1.5"),
        ({"layer_decay": 0.0}, "B350.*layer_decay"),
        ({"frozen_layers": -1}, "B350.*frozen_layers to be 0 or more"),
        ({"frozen_layers": 3}, "B351.*at most 2.*found 3"),
    ],
)
def test_rates_that_make_no_sense_are_refused(tiny_encoder, rates, message):
    with pytest.raises(ValueError, match=message):
        make_shim(tiny_encoder, **rates)


def test_optimizers_of_others_are_refused(tiny_encoder):
    shim = make_shim(tiny_encoder)
    fill_gradients(shim, 0)
    with pytest.raises(TypeError, match=r"B352.*found function"):
        shim.finish_update(adamw)
