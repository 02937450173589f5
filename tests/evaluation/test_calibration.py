import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_biobert.evaluation.calibration import expected_calibration_error, make_bins


def test_calibration_error_is_that_counted_by_hand():
    # Three at 0.9, two of them right; two at 0.3, none right; 15 bins.
    bins = make_bins([0.9, 0.9, 0.9, 0.3, 0.3], [True, True, False, False, False])
    assert [found["n"] for found in bins] == [2, 3]
    assert [found["accuracy"] for found in bins] == [0.0, pytest.approx(2 / 3)]
    assert bins[0]["low"] == pytest.approx(4 / 15)
    expected = (3 * (0.9 - 2 / 3) + 2 * 0.3) / 5
    assert expected_calibration_error(bins) == pytest.approx(expected)


def test_calibration_error_does_not_cancel_within_a_bin_only():
    # Over- and underconfident in two bins: the error does not average out.
    two = make_bins([0.25, 0.75], [True, False], n_bins=2)
    one = make_bins([0.25, 0.75], [True, False], n_bins=1)
    assert expected_calibration_error(two) == pytest.approx(0.75)
    assert expected_calibration_error(one) == pytest.approx(0.0)


def test_calibration_bins_hold_their_borders():
    bins = make_bins([0.0, 0.5, 1.0], [True] * 3, n_bins=2)
    assert [found["n"] for found in bins] == [1, 2]


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1), st.integers(1, 20)
)
def test_calibration_error_is_that_of_numpy(judged, n_bins):
    confidences, are_right = map(list, zip(*judged, strict=True))
    c, r = numpy.array(confidences), numpy.array(are_right)
    index = numpy.minimum((c * n_bins).astype(int), n_bins - 1)
    expected = sum(abs((c[index == k] - r[index == k]).sum()) for k in range(n_bins))
    found = expected_calibration_error(make_bins(confidences, are_right, n_bins=n_bins))
    assert found == pytest.approx(expected / len(c))
