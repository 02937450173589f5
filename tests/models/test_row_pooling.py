import math

import numpy
import pytest
from numpy.testing import assert_allclose

from spacy_biobert.models.row_pooling import build_row_pooling

ROWS = [numpy.array([[9.0, 8.0], [1.0, 6.0], [3.0, 2.0]], "f")]


def test_pooling_puts_its_parts_side_by_side_in_their_order():
    pooling = build_row_pooling(["max", "cls", "mean"])
    pooling.initialize(X=ROWS)
    assert pooling.predict(ROWS).tolist() == [[3, 6, 9, 8, 2, 4]]


def test_attention_begins_as_the_mean():
    pooling = build_row_pooling(["attention"])
    pooling.initialize(X=ROWS)
    assert_allclose(pooling.predict(ROWS), [[2, 4]])


def test_attention_weighs_the_tokens_by_the_softmax_of_their_products():
    pooling = build_row_pooling(["attention"])
    pooling.initialize(X=ROWS)
    # The products are log(3) and 3 * log(3), over the root of the width.
    pooling.set_param("query", numpy.array([math.sqrt(2) * math.log(3), 0], "f"))
    # Weights 3 : 27; [CLS] has none.
    assert_allclose(pooling.predict(ROWS), [[0.1 + 2.7, 0.6 + 1.8]], rtol=1e-6)


def test_attention_stays_finite_on_extreme_products():
    pooling = build_row_pooling(["attention"])
    pooling.initialize(X=ROWS)
    pooling.set_param("query", numpy.array([1e6, 0], "f"))
    assert_allclose(pooling.predict(ROWS), [[3, 2]])


def test_pooling_gives_zeros_for_what_a_doc_does_not_have():
    pooling = build_row_pooling(["cls", "attention", "max"])
    pooling.initialize(X=ROWS)
    rows = [numpy.ones((1, 2), "f"), numpy.zeros((0, 2), "f")]
    Y, backprop = pooling.begin_update(rows)
    assert Y.tolist() == [[1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]]
    dXs = backprop(numpy.ones_like(Y))
    assert [dX.tolist() for dX in dXs] == [[[1, 1]], []]


@pytest.mark.parametrize("pooling", [[], ["cls", "cls"], ["cls", "median"]])
def test_pooling_refuses_other_parts(pooling):
    with pytest.raises(ValueError, match=r"^\[B413\] .*cls, mean, max, attention"):
        build_row_pooling(pooling)
