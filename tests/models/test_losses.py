import math

import numpy
import pytest
from numpy.testing import assert_allclose
from thinc.api import NumpyOps

from spacy_biobert.models.losses import sigmoid_cross_entropy, softmax_cross_entropy

OPS = NumpyOps()


def differentiate(loss, logits, *, step=1e-3):
    gradient = numpy.zeros_like(logits)
    for i in numpy.ndindex(*logits.shape):
        for signed in (+step, -step):
            moved = logits.copy()
            moved[i] += signed
            gradient[i] += loss(moved) / (2 * signed)
    return gradient


def test_softmax_cross_entropy_gradient_matches_finite_differences():
    logits = numpy.random.default_rng(0).normal(size=(4, 3))
    classes = numpy.array([2, -1, 0, 0])
    _, d_logits = softmax_cross_entropy(OPS, logits, classes)
    expected = differentiate(
        lambda X: softmax_cross_entropy(OPS, X, classes)[0], logits
    )
    assert_allclose(d_logits, expected, atol=1e-6)
    assert (d_logits[1] == 0).all()


def test_sigmoid_cross_entropy_gradient_matches_finite_differences():
    rng = numpy.random.default_rng(0)
    logits = rng.normal(size=(4, 3))
    truths, known = (rng.random((2, 4, 3)) < 0.5).astype("f")
    _, d_logits = sigmoid_cross_entropy(OPS, logits, truths, known)
    expected = differentiate(
        lambda X: sigmoid_cross_entropy(OPS, X, truths, known)[0], logits
    )
    assert_allclose(d_logits, expected, atol=1e-6)
    assert (d_logits[known == 0] == 0).all()


def test_softmax_cross_entropy_is_the_mean_over_known_rows():
    logits = numpy.array([[0.0, math.log(3)], [0.0, 0.0], [7.0, 0.0]])
    loss, _ = softmax_cross_entropy(OPS, logits, numpy.array([1, 0, -1]))
    assert loss == pytest.approx((math.log(4 / 3) + math.log(2)) / 2)


def test_sigmoid_cross_entropy_is_the_mean_over_known_cells():
    logits = numpy.array([[0.0, math.log(3), 5.0]])
    truths, known = numpy.array([[1.0, 0, 1]]), numpy.array([[1.0, 1, 0]])
    loss, _ = sigmoid_cross_entropy(OPS, logits, truths, known)
    assert loss == pytest.approx((math.log(2) + math.log(4)) / 2)


def test_losses_without_annotation_are_zero():
    logits, nothing = numpy.ones((2, 3), "f"), numpy.zeros((2, 3), "f")
    for loss, d_logits in (
        softmax_cross_entropy(OPS, logits, numpy.array([-1, -1])),
        sigmoid_cross_entropy(OPS, logits, nothing, nothing),
    ):
        assert loss == 0.0
        assert d_logits.tolist() == nothing.tolist()


def test_losses_stay_finite_on_extreme_scores():
    logits = numpy.array([[1e4, -1e4]], "f")
    loss, _ = softmax_cross_entropy(OPS, logits, numpy.array([1]))
    assert loss == pytest.approx(2e4)
    loss, _ = sigmoid_cross_entropy(OPS, logits, 1 - (logits > 0), logits > -1e9)
    assert loss == pytest.approx(1e4)


@pytest.mark.parametrize("total", [None, 3.0])
def test_softmax_loss_weighs_rows(total):
    logits = numpy.random.default_rng(0).normal(size=(4, 3))
    classes = numpy.array([0, 2, -1, 1], "i")
    weights = numpy.array([1.0, 3.0, 5.0, 0.5], "f")

    def compute(X):
        return softmax_cross_entropy(OPS, X, classes, weights=weights, total=total)

    log_probs = logits - numpy.log(numpy.exp(logits).sum(axis=1, keepdims=True))
    by_hand = -(log_probs[0, 0] + 3 * log_probs[1, 2] + 0.5 * log_probs[3, 1])
    loss, d_logits = compute(logits)
    assert loss == pytest.approx(by_hand / (total or 4.5), rel=1e-6)
    expected = differentiate(lambda X: compute(X)[0], logits)
    assert_allclose(d_logits, expected, atol=1e-6)


def test_sigmoid_loss_is_divided_by_the_total():
    X, ones = numpy.zeros((2, 2), "f"), numpy.ones((2, 2), "f")
    loss, d_logits = sigmoid_cross_entropy(OPS, X, ones, ones)
    tenth, d_tenth = sigmoid_cross_entropy(OPS, X, ones, ones, total=40.0)
    assert tenth == pytest.approx(loss / 10)
    assert_allclose(d_tenth, d_logits / 10)
