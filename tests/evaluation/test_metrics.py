import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_biobert.evaluation.metrics import (
    Counts,
    count_by_label,
    macro_f1,
    sum_all,
    sum_by_label,
)

GOLD = [(1, "A"), (2, "A"), (3, "A"), (4, "B")]
FOUND = [(1, "A"), (2, "A"), (2, "A"), (4, "A"), (9, "C")]


def test_counts_are_those_counted_by_hand():
    by_label = count_by_label(GOLD, FOUND)
    assert by_label == {
        "A": Counts(2, 3, 3),
        "B": Counts(0, 1, 0),
        "C": Counts(0, 0, 1),
    }
    assert sum_all(by_label) == Counts(2, 4, 4)


def test_scores_are_those_computed_by_hand():
    counts = Counts(n_right=2, n_gold=5, n_predicted=3)
    assert counts.precision == pytest.approx(2 / 3)
    assert counts.recall == pytest.approx(2 / 5)
    assert counts.f1 == pytest.approx(2 * (2 / 3) * (2 / 5) / (2 / 3 + 2 / 5))


def test_macro_f1_weighs_each_label_the_same():
    by_label = {"A": Counts(10, 10, 10), "B": Counts(0, 1, 0), "C": Counts(1, 1, 3)}
    assert macro_f1(by_label) == pytest.approx((1 + 0 + 0.5) / 3)


def test_scores_without_items_are_zero():
    assert count_by_label([], []) == {}
    assert macro_f1({}) == 0.0
    nothing = sum_all({})
    assert (nothing.precision, nothing.recall, nothing.f1) == (0.0, 0.0, 0.0)
    assert Counts(0, 3, 0).precision == 0.0
    assert Counts(0, 0, 3).recall == 0.0


def test_counts_of_documents_add_up():
    total = sum_by_label([count_by_label(GOLD, FOUND), count_by_label(GOLD, GOLD)])
    assert total == {"A": Counts(5, 6, 6), "B": Counts(1, 2, 1), "C": Counts(0, 0, 1)}


ITEMS = st.sets(st.tuples(st.integers(0, 5), st.sampled_from("AB")))


@given(gold=ITEMS, found=ITEMS)
def test_swapping_gold_and_predicted_swaps_precision_and_recall(gold, found):
    one = sum_all(count_by_label(gold, found))
    other = sum_all(count_by_label(found, gold))
    assert (one.precision, one.recall, one.f1) == (
        other.recall,
        other.precision,
        other.f1,
    )
    assert one == Counts(len(gold & found), len(gold), len(found))
