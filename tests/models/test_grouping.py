import math

import numpy
import pytest
from numpy.testing import assert_allclose
from thinc.api import NumpyOps

from spacy_biobert.models.grouping import Grouping, pool_scores

OPS = NumpyOps()
# Row 1 is in two groups, row 4 in none.
GROUPING = Grouping(
    rows=numpy.array([0, 1, 2, 1, 3], "int64"), lengths=numpy.array([3, 1, 1], "int64")
)
MEMBERS = [[0, 1, 2], [1], [3]]


def make_scores(n_columns=3):
    return numpy.random.default_rng(0).normal(size=(5, n_columns))


def pool_by_definition(X, pooling, exclusive):
    pooled = []
    for members in MEMBERS:
        row = []
        for column in range(X.shape[1]):
            if exclusive and column == 0:
                row.append(0.0)
                continue
            values = [X[i, column] - (X[i, 0] if exclusive else 0) for i in members]
            row.append(
                max(values)
                if pooling == "max"
                else math.log(sum(math.exp(value) for value in values))
            )
        pooled.append(row)
    return pooled


@pytest.mark.parametrize("pooling", ["logsumexp", "max"])
@pytest.mark.parametrize("exclusive", [True, False])
def test_pooled_scores_are_what_the_definition_says(pooling, exclusive):
    X = make_scores()
    Y, _ = pool_scores(OPS, X, GROUPING, pooling=pooling, exclusive=exclusive)
    assert_allclose(Y, pool_by_definition(X, pooling, exclusive), atol=1e-9)


@pytest.mark.parametrize("pooling", ["logsumexp", "max"])
@pytest.mark.parametrize("exclusive", [True, False])
def test_pooled_scores_gradient_matches_finite_differences(pooling, exclusive):
    X = make_scores()

    def pool():
        return pool_scores(OPS, X, GROUPING, pooling=pooling, exclusive=exclusive)

    Y, backprop = pool()
    dY = numpy.random.default_rng(1).normal(size=Y.shape)
    found = backprop(dY)
    expected = numpy.zeros_like(X)
    for i in numpy.ndindex(*X.shape):
        for step in (+1e-4, -1e-4):
            X[i] += step
            expected[i] += (pool()[0] * dY).sum() / (2 * step)
            X[i] -= step
    assert_allclose(found, expected, atol=1e-6)
    assert not found[4].any()


@pytest.mark.parametrize("pooling", ["logsumexp", "max"])
def test_a_group_of_one_row_has_the_probabilities_of_the_row(pooling):
    X = make_scores()
    for exclusive, to_chances in ((True, OPS.softmax), (False, OPS.sigmoid)):
        Y, _ = pool_scores(OPS, X, GROUPING, pooling=pooling, exclusive=exclusive)
        assert_allclose(to_chances(Y)[1:], to_chances(X[[1, 3]]), atol=1e-9)


def test_pooling_takes_scores_that_would_overflow():
    X = numpy.array([[1000.0, -1000.0]] * 5)
    Y, backprop = pool_scores(OPS, X, GROUPING, pooling="logsumexp", exclusive=False)
    assert_allclose(Y[0], [1000 + math.log(3), -1000 + math.log(3)])
    assert_allclose(backprop(numpy.ones_like(Y))[0], [1 / 3, 1 / 3])


def test_pooling_of_nothing_is_nothing():
    nothing = numpy.zeros(0, "int64")
    X = numpy.zeros((0, 2), "f")
    Y, backprop = pool_scores(
        OPS, X, Grouping(nothing, nothing), pooling="max", exclusive=True
    )
    assert Y.shape == backprop(Y).shape == (0, 2)
