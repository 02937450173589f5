import torch
from torch.testing import assert_close

from spacy_biobert.encoder.attention import attend_padded
from spacy_biobert.encoder.softmax import LEAST, softmax

LEAST_NORMAL = torch.finfo(torch.float32).tiny


def spread_scores(*shape: int) -> torch.Tensor:
    """Scores as far apart as a trained attention has them."""
    generator = torch.Generator().manual_seed(0)
    return torch.empty(shape).uniform_(-90, 0, generator=generator)


def count_subnormal(X: torch.Tensor) -> int:
    return int(((X != 0) & (X.abs() < LEAST_NORMAL)).sum())


def test_weights_and_gradients_are_those_of_torch():
    scores = spread_scores(3, 8, 50).requires_grad_()
    d_weights = torch.randn(3, 8, 50)

    weights = softmax(scores)
    (found,) = torch.autograd.grad(weights, scores, d_weights)

    expected = scores.softmax(-1)
    (gradient,) = torch.autograd.grad(expected, scores, d_weights)
    assert_close(weights, expected, rtol=0, atol=LEAST)
    # Of what is 0 here the gradient is as small as the weight.
    assert_close(found, gradient, rtol=1e-5, atol=100 * LEAST)


def test_gradient_is_that_of_finite_differences():
    scores = spread_scores(2, 5).double().div(30).requires_grad_()
    assert torch.autograd.gradcheck(softmax, scores)


def test_what_is_hidden_weighs_nothing():
    scores = torch.tensor([[0.0, float("-inf"), 1.0]], requires_grad=True)
    weights = softmax(scores)
    (d_scores,) = torch.autograd.grad(weights[0, 2], scores)
    assert weights[0, 1] == d_scores[0, 1] == 0


def test_neither_weights_nor_gradients_are_subnormal():
    scores = spread_scores(8, 200).requires_grad_()
    d_weights = torch.randn(8, 200) * 1e-9

    weights = softmax(scores)
    (d_scores,) = torch.autograd.grad(weights, scores, d_weights)

    assert count_subnormal(weights) == count_subnormal(d_scores) == 0
    plain = scores.softmax(-1)
    (d_plain,) = torch.autograd.grad(plain, scores, d_weights)
    assert count_subnormal(plain) > 0  # The scores are such that it matters.
    assert count_subnormal(d_plain) > 0


def test_attention_learns_without_subnormal_numbers(monkeypatch):
    Q, K, V = (torch.randn(2, 40, 4, 16) * 9 for _ in "QKV")
    products = []
    multiply = torch.Tensor.__matmul__

    def noting(X: torch.Tensor, Y: torch.Tensor) -> torch.Tensor:
        products.append(X)
        return multiply(X, Y)

    monkeypatch.setattr(torch.Tensor, "__matmul__", noting)
    attend = attend_padded(torch.ones(2, 40, dtype=torch.bool))
    attend(Q.requires_grad_(), K, V, dropout=0.0)

    scores, weights = products
    assert count_subnormal((scores @ K.transpose(1, 2).transpose(-1, -2)).softmax(-1))
    assert count_subnormal(weights) == 0
