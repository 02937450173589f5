"""A layer with fixed outputs, in place of an encoder, and what layers are held to."""

import numpy
from numpy.testing import assert_allclose
from thinc.api import Model


def fixed_tok2vec(tokvecs, seen):
    """Give `tokvecs` for any docs, and keep the gradients that come back in `seen`."""

    def forward(model, docs, is_train):
        def backprop(d_tokvecs):
            seen[:] = [d_rows.copy() for d_rows in d_tokvecs]
            return []

        return tokvecs, backprop

    return Model("fixed_tok2vec", forward)


def check_gradients(model, docs, tokvecs, seen, *, dY, weigh, step=0.01, atol=1e-3):
    """Compare backprop with finite differences, for inputs and parameters.

    `weigh(Y)` is the sum of the outputs times `dY`.
    """
    backprop = model.begin_update(docs)[1]
    backprop(dY)

    def check(values, found):
        expected = numpy.zeros_like(values)
        for i in numpy.ndindex(*values.shape):
            for signed in (+step, -step):
                values[i] += signed
                expected[i] += weigh(model.predict(docs)) / (2 * signed)
                values[i] -= signed
        assert numpy.abs(expected).max() > 0.01
        assert_allclose(found, expected, atol=atol)

    for rows, d_rows in zip(tokvecs, seen, strict=True):
        assert d_rows.shape == rows.shape
        if rows.size:
            check(rows, d_rows)
    n_params = 0
    for node in model.walk():
        for name in node.param_names:
            values, found = node.get_param(name), node.get_grad(name).copy()
            check(values, found)
            n_params += 1
    assert n_params
