"""The order of a run's batches: the same from wherever it is taken up."""

from itertools import chain, islice

import pytest
import torch

from spacy_biobert.pretraining import feed as feed_module
from spacy_biobert.pretraining import shards
from spacy_biobert.pretraining.config import read_config
from spacy_biobert.pretraining.feed import Place, open_feed

from .runs import CONFIG, make, make_store, overrides, planned


@pytest.fixture(scope="module")
def feed(tmp_path_factory, tiny_encoder):
    """A store of several record batches, planned in several groups."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "BATCH_PIECES", 400)
        patch.setattr(feed_module, "GROUP_PIECES", 500)
        store = make_store(tmp_path_factory.mktemp("parts") / "store", tiny_encoder)
        yield open_feed(read_config(CONFIG, overrides(store, tiny_encoder)))


def first_epoch(feed):
    return [batch for batch in islice(planned(feed), 500) if batch.epochs <= 1]


def same(batch, other):
    return torch.equal(make(batch).ids_BT, make(other).ids_BT)


def test_the_store_is_visited_in_groups_of_its_parts(feed):
    assert feed.store.n_parts > 4
    groups = feed._groups(0, feed.store.n_parts)
    assert len(groups) > 2
    assert sorted(chain.from_iterable(groups)) == list(range(feed.store.n_parts))
    assert groups != feed._groups(1, feed.store.n_parts)


def test_an_epoch_reads_every_document(feed):
    documents = feed.store.documents("train")
    expected = {documents.name(index) for index in range(len(documents))}
    found = {name for batch in first_epoch(feed) for name in batch.documents()}
    assert found == expected


def test_a_run_goes_on_at_any_place(feed):
    n_batches = len(first_epoch(feed)) + 3
    whole = list(islice(planned(feed), n_batches))
    for number in range(n_batches - 1):
        after = whole[number].after
        again = next(planned(feed, after))
        assert same(again, whole[number + 1]), (number, after)
        assert again.epochs == whole[number + 1].epochs


def test_epochs_count_up_to_the_whole_and_on(feed):
    shares = [batch.epochs for batch in islice(planned(feed), 200)]
    assert shares == sorted(shares)
    assert 1.0 in shares


def test_parts_that_were_added_come_with_the_next_epoch(feed, monkeypatch):
    n_parts = feed.store.n_parts
    first = list(islice(planned(feed), 2))
    monkeypatch.setattr(feed.store, "_parts", feed.store._parts * 2)
    again = next(planned(feed, first[0].after))
    assert same(again, first[1])
    assert again.after.parts == n_parts
    later = next(planned(feed, Place(epoch=1)))
    assert later.after.parts == 2 * n_parts


def test_what_a_batch_is_planned_with_is_what_it_has(feed):
    for plan in first_epoch(feed):
        batch = make(plan)
        lengths = batch.real_BT.sum(1)
        assert plan.n_pieces == batch.n_pieces == int(lengths.sum())
        assert plan.n_positions == batch.ids_BT.numel()
        assert plan.n_squares == int((lengths**2).sum())
