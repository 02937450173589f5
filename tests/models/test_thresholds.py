import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_biobert.models.thresholds import find_best_threshold

# Few different scores, so that many are the same.
ITEMS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0]), st.booleans()),
    max_size=12,
)


def f1_at(threshold, items, n_gold):
    found = [is_right for score, is_right in items if score >= threshold]
    return 2 * sum(found) / (n_gold + len(found)) if n_gold + len(found) else 0.0


def find(items, n_gold):
    scores = numpy.array([score for score, _ in items], "f")
    return find_best_threshold(
        scores, numpy.array([right for _, right in items], bool), n_gold
    )


@given(items=ITEMS, n_missed=st.integers(0, 5))
def test_no_threshold_has_a_better_f1(items, n_missed):
    n_gold = sum(is_right for _, is_right in items) + n_missed
    best = max(f1_at(step / 1000, items, n_gold) for step in range(1001))
    found = find(items, n_gold)
    if found is None:
        assert best == 0.0
    else:
        threshold, f1 = found
        assert 0 <= threshold <= 1
        assert f1 == pytest.approx(best)
        assert f1_at(threshold, items, n_gold) == pytest.approx(best)


def test_gold_items_that_are_no_candidates_lower_the_threshold():
    items = [(0.9, True), (0.5, False), (0.4, True)]
    assert find(items, 2)[0] == 0.2
    assert find(items[:2], 1)[0] == 0.7
    assert find(items, 2)[1] == pytest.approx(4 / 5)
    assert find(items, 4)[1] == pytest.approx(4 / 7)


def test_a_threshold_parts_scores_that_are_neighbours_in_float32():
    score = numpy.float32(0.7)
    below = numpy.nextafter(score, numpy.float32(0))
    threshold, f1 = find([(score, True), (below, False)], 1)
    assert f1 == 1.0
    # As numbers of 64 bits: in 32 there is nothing between the two.
    assert float(below) < threshold <= float(score)
