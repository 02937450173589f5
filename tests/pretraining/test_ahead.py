import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_biobert.pretraining.ahead import Ahead


@given(st.lists(st.integers()), st.integers(1, 4))
def test_items_come_in_their_order(items, n_items):
    assert list(Ahead(iter(items), n_items=n_items)) == items


def test_an_error_comes_where_its_item_would_have_come():
    def broken():
        yield 1
        yield 2
        raise ValueError("the third")

    items = Ahead(broken(), n_items=8)
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(ValueError, match="the third"):
        next(items)


def test_no_more_is_made_ahead_than_asked_for():
    made = []

    def endless():
        number = 0
        while True:
            made.append(number)
            yield number
            number += 1

    items = Ahead(endless(), n_items=2)
    next(items)
    time.sleep(0.3)
    # One was taken, two wait, one is in the thread's hand.
    assert len(made) <= 4
    items.close()


def test_close_ends_the_thread_even_when_it_waits_to_hand_over():
    before = threading.active_count()
    items = Ahead(iter(range(1000)), n_items=1)
    next(items)
    items.close()
    assert threading.active_count() == before
