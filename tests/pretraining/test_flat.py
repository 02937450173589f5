import dataclasses

import pytest
import torch

from spacy_biobert.encoder.forward import encode_flat, set_dropout
from spacy_biobert.encoder.precision import computing_in
from spacy_biobert.pretraining.flat import flatten
from spacy_biobert.pretraining.losses import IGNORE
from spacy_biobert.pretraining.model import guess

from .padded import gradients, loss_of, loss_of_transformers, make_padded


@pytest.fixture
def padded(model):
    return make_padded(model.config.vocab_size)


def test_flatten_takes_out_the_padding_and_nothing_else(padded):
    flat = flatten(padded)
    assert flat.bounds_S.tolist() == [0, 20, 27, 39, 42, 58]
    assert flat.bounds_S.dtype == torch.int32
    assert (flat.longest, flat.n_pieces, flat.n_pairs) == (20, 58, 4)
    for row, (start, end) in enumerate(flat.bounds_S.unfold(0, 2, 1).tolist()):
        n_pieces = end - start
        assert torch.equal(flat.ids_N[start:end], padded.ids_BT[row, :n_pieces])
        segments = padded.segments_BT[row, :n_pieces]
        assert torch.equal(flat.segments_N[start:end], segments)
        assert flat.positions_N[start:end].tolist() == list(range(n_pieces))
    assert flat.nsp_labels_B.tolist() == [0, 1, IGNORE, 1, 0]


def test_flatten_says_where_something_is_hidden_and_what(padded):
    flat = flatten(padded)
    labels = padded.labels_BT[padded.real_BT]
    assert flat.n_hidden == len(flat.rows_M) == int((labels != IGNORE).sum())
    assert torch.equal(labels[flat.rows_M], flat.hidden_M)
    assert (flat.hidden_M != IGNORE).all()


def test_flatten_refuses_a_sequence_without_pieces(padded):
    real = padded.real_BT.clone()
    real[3] = False
    with pytest.raises(ValueError, match=r"\[B170\].*row 3"):
        flatten(dataclasses.replace(padded, real_BT=real))


def test_a_flat_batch_moves_whole(padded):
    flat = flatten(padded)
    assert flat.to(torch.device("cpu")) is flat
    moved = flat.to(torch.device("meta"))
    tensors = [
        v for v in map(moved.__getattribute__, flat.__slots__) if hasattr(v, "device")
    ]
    assert len(tensors) == 7
    assert all(tensor.device.type == "meta" for tensor in tensors)
    assert (moved.longest, moved.n_hidden) == (flat.longest, flat.n_hidden)


@pytest.mark.parametrize("kind", ["flat", "padded"])
def test_loss_and_gradients_equal_those_of_transformers(model, padded, kind):
    theirs = loss_of_transformers(model, padded)
    expected = gradients(model, theirs)
    ours = loss_of(model, flatten(padded) if kind == "flat" else padded)
    assert abs(ours.item() - theirs.item()) < 1e-6
    for name, found in gradients(model, ours).items():
        assert torch.allclose(found, expected[name], rtol=0, atol=1e-6), name


def test_the_reference_is_the_stock_forward(model, padded):
    calls = []
    model.bert.register_forward_hook(lambda *_: calls.append(1))
    ours = loss_of(model, padded, backend="reference")
    assert calls == [1]
    theirs = loss_of_transformers(model, padded)
    assert abs(ours.item() - theirs.item()) < 1e-6


@pytest.mark.parametrize("learning", [False, True])
def test_a_sequence_does_not_see_the_others(model, padded, learning):
    """Bit by bit, whatever stands beside it in the row."""
    flat = flatten(padded)
    others = flat.ids_N.clone()
    others[20:27] = 7
    with torch.set_grad_enabled(learning):
        before, after = (
            encode_flat(
                model.bert, ids, flat.segments_N, flat.positions_N,
                bounds_S=flat.bounds_S, longest=flat.longest, backend="sdpa",
            )
            for ids in (flat.ids_N, others)
        )  # fmt: skip
    assert torch.equal(before[:20], after[:20])
    assert torch.equal(before[27:], after[27:])
    assert not torch.equal(before[20:27], after[20:27])


@pytest.mark.parametrize(
    ("kind", "backend"), [("flat", "reference"), ("padded", "varlen")]
)
def test_a_backend_refuses_the_other_kind_of_batch(model, padded, kind, backend):
    batch = flatten(padded) if kind == "flat" else padded
    with pytest.raises(ValueError, match=rf"\[B171\] Backend '{backend}'.*{kind}"):
        guess(model, batch, backend=backend)


@pytest.mark.parametrize("kind", ["flat", "padded"])
def test_recomputing_changes_neither_loss_nor_gradients(model, padded, kind):
    set_dropout(model, vectors=0.2, attention=0.2)
    batch = flatten(padded) if kind == "flat" else padded
    found = []
    for recompute in (False, True):
        torch.manual_seed(0)
        loss = loss_of(model, batch, recompute=recompute)
        found.append((loss.item(), gradients(model, loss)))
    (loss, kept), (again, recomputed) = found
    assert loss == again
    for name, gradient in kept.items():
        assert torch.equal(gradient, recomputed[name]), name


def test_recomputing_runs_each_layer_again(model, padded):
    calls = []
    layer = model.bert.encoder.layer[0]
    layer.intermediate.register_forward_hook(lambda *_: calls.append(1))
    loss_of(model, padded, recompute=True).backward()
    assert len(calls) == 2


@pytest.mark.gpu
@pytest.mark.parametrize("recompute", [False, True])
def test_varlen_equals_padding_on_a_gpu(model, recompute):
    model.to("cuda")
    padded = make_padded(model.config.vocab_size)
    flat = flatten(padded).pin_memory().to(torch.device("cuda"))
    found = []
    for backend in ("sdpa", "varlen"):
        with computing_in(torch.bfloat16, torch.device("cuda")):
            loss = loss_of(model, flat, backend=backend, recompute=recompute)
        found.append((loss.item(), gradients(model, loss)))
    (expected, theirs), (loss, ours) = found
    assert abs(loss - expected) < 1e-2
    for name, gradient in theirs.items():
        assert torch.allclose(ours[name], gradient, rtol=0, atol=1e-2), name


@pytest.mark.gpu
def test_guessing_from_a_flat_batch_never_waits_for_the_gpu(model):
    model.to("cuda")
    flat = flatten(make_padded(model.config.vocab_size)).to(torch.device("cuda"))
    guess(model, flat)
    torch.cuda.set_sync_debug_mode("error")
    try:
        with computing_in(torch.bfloat16, torch.device("cuda")):
            guess(model, flat, backend="varlen").mlm_MV.sum().backward()
    finally:
        torch.cuda.set_sync_debug_mode("default")
