import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_biobert.pretraining.packs import plan_packs

LENGTHS = st.lists(st.integers(1, 60), max_size=120).map(np.array)


def plan(lengths, **changes):
    options = {"batch_pieces": 64, "seed": 0, "epoch": 0}
    return plan_packs(lengths.astype(np.int64), **options | changes)


@given(LENGTHS)
def test_plan_packs_gives_each_sequence_once_and_splits_none(lengths):
    chosen = [i for pack in plan(lengths) for i in pack.tolist()]
    assert sorted(chosen) == list(range(len(lengths)))


@given(LENGTHS)
def test_plan_packs_keeps_the_budget_of_real_pieces(lengths):
    sizes = [lengths[pack].sum() for pack in plan(lengths)]
    assert all(0 < size <= 64 for size in sizes)
    assert sum(sizes) == lengths.sum()


@given(LENGTHS, st.integers(0, 9), st.integers(0, 9))
def test_plan_packs_is_a_function_of_seed_and_epoch(lengths, seed, epoch):
    first, again = (plan(lengths, seed=seed, epoch=epoch) for _ in range(2))
    assert [p.tolist() for p in first] == [p.tolist() for p in again]


def test_plan_packs_differs_between_epochs_and_seeds():
    lengths = np.arange(1, 60)
    orders = {
        str([p.tolist() for p in plan(lengths, seed=seed, epoch=epoch)])
        for seed in (0, 1)
        for epoch in (0, 1)
    }
    assert len(orders) == 4


@pytest.mark.parametrize("longest", [128, 512])
def test_packs_are_full(longest):
    lengths = np.random.default_rng(0).integers(20, longest + 1, 10_000)
    packs = plan(lengths, batch_pieces=16_384)
    # The last pack takes what is left.
    filled = sum(lengths[pack].sum() for pack in packs[:-1])
    assert filled / (16_384 * (len(packs) - 1)) >= 0.998


def test_a_sequence_beyond_the_budget_stands_alone():
    packs = plan(np.array([100, 5, 5]))
    assert sorted(map(len, packs)) == [1, 2]


def test_sequences_without_pieces_are_in_no_pack():
    assert [p.tolist() for p in plan(np.array([0, 7, 0]))] == [[1]]


def test_no_sequence_waits_until_the_end():
    """Two of 32 fill a pack, so that the one of 1 fits nowhere but at the front."""
    lengths = np.array([32] * 200 + [1])
    packs = plan(lengths)
    order = np.random.default_rng((0, 0)).permutation(201).tolist()
    with_it = next(i for i, pack in enumerate(packs) if 200 in pack)
    assert abs(with_it - order.index(200) / 2) <= 1 < len(packs) - with_it
