from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spacy_biobert.pretraining.batches import SpecialIds, make_batch, plan_batches
from spacy_biobert.pretraining.config import read_config
from spacy_biobert.pretraining.feed import open_feed
from spacy_biobert.pretraining.losses import IGNORE

from .runs import CONFIG, overrides

SPECIAL = SpecialIds(pad=0, cls=2, sep=3, mask=4)
LENGTHS = st.lists(st.integers(3, 60), max_size=80).map(np.array)


def plan(lengths, **changes):
    options = {"batch_pieces": 64, "bucket_instances": 16, "seed": 0, "epoch": 0}
    return plan_batches(lengths.astype(np.int64), **options | changes)


@given(LENGTHS)
def test_plan_batches_gives_each_sequence_once(lengths):
    chosen = [i for batch in plan(lengths) for i in batch.tolist()]
    assert sorted(chosen) == list(range(len(lengths)))


@given(LENGTHS)
def test_plan_batches_keeps_the_budget_with_padding(lengths):
    for batch in plan(lengths):
        assert len(batch) * lengths[batch].max() <= 64


@given(LENGTHS, st.integers(0, 9), st.integers(0, 9))
def test_plan_batches_is_a_function_of_seed_and_epoch(lengths, seed, epoch):
    first, again = (plan(lengths, seed=seed, epoch=epoch) for _ in range(2))
    assert [b.tolist() for b in first] == [b.tolist() for b in again]


def test_plan_batches_differs_between_epochs_and_seeds():
    lengths = np.arange(3, 60)
    orders = {
        str([b.tolist() for b in plan(lengths, seed=seed, epoch=epoch)])
        for seed in (0, 1)
        for epoch in (0, 1)
    }
    assert len(orders) == 4


def test_plan_batches_fills_batches_with_sequences_of_like_length():
    lengths = np.random.default_rng(0).integers(5, 128, 8192)
    batches = plan(lengths, batch_pieces=2048, bucket_instances=4096)
    positions = sum(len(batch) * lengths[batch].max() for batch in batches)
    assert lengths.sum() / positions > 0.96


def test_a_sequence_beyond_the_budget_stands_alone():
    assert sorted(map(len, plan(np.array([100, 5, 5])))) == [1, 2]


def test_make_batch_writes_cls_a_sep_b_sep_and_padding():
    a, b, none = np.array([10, 11]), np.array([12], np.uint16), np.array([], int)
    batch = make_batch([(a, b, 1), (b, none, 0), (b, b, 0)], SPECIAL)
    assert batch.ids_BT.tolist() == [
        [2, 10, 11, 3, 12, 3],
        [2, 12, 3, 0, 0, 0],
        [2, 12, 3, 12, 3, 0],
    ]
    assert batch.segments_BT.tolist() == [
        [0, 0, 0, 0, 1, 1],
        [0] * 6,
        [0, 0, 0, 1, 1, 0],
    ]
    assert batch.real_BT.sum(1).tolist() == [6, 3, 5]
    assert batch.ordinary_BT.long().tolist() == [
        [0, 1, 1, 0, 1, 0],
        [0, 1, 0, 0, 0, 0],
        [0, 1, 0, 1, 0, 0],
    ]
    assert batch.nsp_labels_B.tolist() == [1, IGNORE, 0]
    assert (batch.n_pieces, batch.n_positions) == (14, 18)


@pytest.fixture
def feed(store, tiny_encoder):
    return open_feed(read_config(CONFIG, overrides(store, tiny_encoder)))


def take(feed, n_batches):
    return list(islice(feed.stream(), n_batches))


def test_the_feed_gives_the_same_batches_twice_and_others_in_the_next_epoch(feed):
    n_batches = next(i for i, b in enumerate(feed.stream(), 1) if b.epochs == 1.0)
    first, again = take(feed, 2 * n_batches), take(feed, 2 * n_batches)
    for one, other in zip(first, again, strict=True):
        assert torch.equal(one.ids_BT, other.ids_BT)
        assert torch.equal(one.labels_BT, other.labels_BT)
    assert first[n_batches - 1].epochs == 1.0
    assert first[n_batches].epochs > 1.0
    ids = [str(batch.labels_BT.tolist()) for batch in first]
    assert set(ids[:n_batches]).isdisjoint(ids[n_batches:])


def test_the_feed_hides_ordinary_pieces_only(feed):
    specials = set(feed.tokenizer.all_special_ids) - {feed.tokenizer.unk_token_id}
    for batch in take(feed, 20):
        hidden = batch.labels_BT[batch.labels_BT != IGNORE]
        assert batch.n_hidden == len(hidden) > 0
        assert specials.isdisjoint(hidden.tolist())
        assert batch.real_BT[batch.labels_BT != IGNORE].all()


def test_held_out_questions_do_not_depend_on_the_seed_of_the_run(store, tiny_encoder):
    first, other = (
        open_feed(
            read_config(CONFIG, overrides(store, tiny_encoder, training__seed=seed))
        ).held_out_batches()
        for seed in (0, 1)
    )
    assert sum(len(batch.ids_BT) for batch in first) == 8
    for one, two in zip(first, other, strict=True):
        assert torch.equal(one.ids_BT, two.ids_BT)
