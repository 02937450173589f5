import numpy
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import approx_fprime

from spacy_biobert.models.calibration import NEAREST, Calibration, fit_calibration


def sigmoid(z):
    return 1 / (1 + numpy.exp(-z))


def test_calibration_finds_the_distortion_that_was_made():
    rng = numpy.random.default_rng(0)
    logits = rng.normal(size=40_000) * 2
    are_right = rng.random(len(logits)) < sigmoid(logits / 1.7 - 0.6)
    found = fit_calibration(sigmoid(logits), are_right)
    assert found.temperature == pytest.approx(1.7, abs=0.08)
    assert found.bias == pytest.approx(-0.6, abs=0.05)


def test_calibration_is_the_minimum_of_the_likelihood():
    rng = numpy.random.default_rng(1)
    chances, are_right = rng.random(300), rng.random(300) < 0.6
    n_right = are_right.sum()
    targets = numpy.where(
        are_right, (n_right + 1) / (n_right + 2), 1 / (300 - n_right + 2)
    )
    found = fit_calibration(chances, are_right)

    def loss(weights):
        z = weights[0] * numpy.log(chances / (1 - chances)) + weights[1]
        p = sigmoid(z)
        return -(targets * numpy.log(p) + (1 - targets) * numpy.log(1 - p)).mean()

    at = numpy.array([max(1 / found.temperature, 0.05), found.bias])
    slope = approx_fprime(at, loss, 1e-6)
    assert abs(slope[1]) < 1e-4
    # the first weight may stand at its limit, where only smaller ones are better
    assert abs(slope[0]) < 1e-4 or (at[0] == pytest.approx(0.05) and slope[0] > 0)


@pytest.mark.parametrize("is_right", [True, False])
def test_calibration_of_one_verdict_alone_stays_finite(is_right):
    found = fit_calibration(numpy.array([1.0, 0.5, 0.9]), numpy.full(3, is_right))
    chances = found.apply(numpy.array([0.0, 0.5, 1.0]))
    assert ((chances > 0) & (chances < 1)).all()


def test_calibration_that_does_nothing_changes_no_bit():
    chances = numpy.array([0.0, 0.1, 1 / 3, 1.0])
    assert Calibration().apply(chances).tolist() == chances.tolist()


@given(
    chance=st.floats(0.001, 0.999),
    temperature=st.floats(0.3, 3.0),
    bias=st.floats(-2.0, 2.0),
)
def test_calibration_is_undone(chance, temperature, bias):
    found = Calibration(temperature, bias)
    own = found.undo(chance)
    assume(NEAREST < own < 1 - NEAREST)
    assert_allclose(found.apply(numpy.array([own])), [chance], atol=1e-6)


def test_calibration_keeps_the_order():
    chances = numpy.linspace(0.01, 0.99, 50)
    assert (numpy.diff(Calibration(2.5, -1.0).apply(chances)) > 0).all()
