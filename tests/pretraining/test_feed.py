"""The order of a run's batches: the same from wherever it is taken up."""

import shutil
from itertools import chain, islice

import pytest
import torch
from tokenizers import Tokenizer

from spacy_biobert.pretraining import feed as feed_module
from spacy_biobert.pretraining import shards
from spacy_biobert.pretraining.building import append_to_store
from spacy_biobert.pretraining.config import read_config
from spacy_biobert.pretraining.feed import open_feed

from .runs import CONFIG, make, make_documents, make_store, overrides, planned


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


def names_of(store):
    documents = store.documents("train")
    return [documents.name(index) for index in range(len(documents))]


def same(batch, other):
    return torch.equal(make(batch).ids_BT, make(other).ids_BT)


def test_the_store_is_visited_in_groups_of_its_parts(feed):
    assert feed.store.n_parts > 4
    groups = feed._groups(0, feed.store.n_parts)
    assert len(groups) > 2
    assert sorted(chain.from_iterable(groups)) == list(range(feed.store.n_parts))
    assert groups != feed._groups(1, feed.store.n_parts)


def test_an_epoch_reads_every_document(feed):
    found = {name for batch in first_epoch(feed) for name in batch.documents()}
    assert found == set(names_of(feed.store))


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


def test_parts_that_were_added_come_with_the_next_epoch(feed, tiny_encoder, tmp_path):
    n_parts = feed.store.n_parts
    folder = shutil.copytree(feed.store.folder, tmp_path / "store")
    tokenizer = Tokenizer.from_file(str(tiny_encoder / "tokenizer.json"))
    added = make_documents(range(40, 60), seed=1)
    append_to_store(added, tokenizer, folder, held_out=0.25)
    grown = open_feed(read_config(CONFIG, overrides(folder, tiny_encoder)))
    assert grown.store.n_parts > n_parts
    new = set(names_of(grown.store)) - set(names_of(feed.store))
    assert new < {document.id for document in added}

    old = first_epoch(feed)
    batches = planned(grown, old[0].after)
    for expected in old[1:]:
        batch = next(batches)
        assert same(batch, expected)
        assert batch.after.parts == n_parts or batch.epochs == 1.0
    later = [batch for batch in islice(batches, 500) if batch.epochs <= 2]
    assert {batch.after.parts for batch in later} == {grown.store.n_parts, None}
    found = {name for batch in later for name in batch.documents()}
    assert found == set(names_of(grown.store))


def test_held_out_questions_come_from_no_more_than_a_group(
    feed, tiny_encoder, monkeypatch
):
    keys = overrides(feed.store.folder, tiny_encoder, evaluation__max_instances=10_000)
    asking = open_feed(read_config(CONFIG, keys))
    n_pieces = []
    for group_pieces in (100, 10_000):
        monkeypatch.setattr(feed_module, "GROUP_PIECES", group_pieces)
        n_pieces.append(sum(batch.n_pieces for batch in asking.held_out_batches()))
    assert 0 < n_pieces[0] < 0.75 * n_pieces[1]


def test_what_a_batch_is_planned_with_is_what_it_has(feed):
    for plan in first_epoch(feed):
        batch = make(plan)
        lengths = batch.real_BT.sum(1)
        assert plan.n_pieces == batch.n_pieces == int(lengths.sum())
        assert plan.n_positions == batch.ids_BT.numel()
        assert plan.n_squares == int((lengths**2).sum())
