from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from spacy_biobert.pretraining.batches import plan_batches
from spacy_biobert.pretraining.building import build_store
from spacy_biobert.pretraining.config import read_config
from spacy_biobert.pretraining.feed import open_feed
from spacy_biobert.pretraining.losses import IGNORE
from spacy_biobert.types import Document, Section

from .runs import CONFIG, make, overrides, planned

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


@pytest.fixture
def feed(store, tiny_encoder):
    return open_feed(read_config(CONFIG, overrides(store, tiny_encoder)))


def take(feed, n_batches):
    return [make(batch) for batch in islice(planned(feed), n_batches)]


def test_the_feed_gives_the_same_batches_twice_and_others_in_the_next_epoch(feed):
    n_batches = next(i for i, b in enumerate(planned(feed), 1) if b.epochs == 1.0)
    first, again = take(feed, 2 * n_batches), take(feed, 2 * n_batches)
    for one, other in zip(first, again, strict=True):
        assert torch.equal(one.ids_BT, other.ids_BT)
        assert torch.equal(one.labels_BT, other.labels_BT)
    ids = [str(batch.labels_BT.tolist()) for batch in first]
    assert set(ids[:n_batches]).isdisjoint(ids[n_batches:])


def test_the_feed_hides_ordinary_pieces_only(feed):
    specials = set(feed.tokenizer.all_special_ids) - {feed.tokenizer.unk_token_id}
    for batch in take(feed, 20):
        hidden = batch.labels_BT[batch.labels_BT != IGNORE]
        assert batch.n_hidden == len(hidden) > 0
        assert specials.isdisjoint(hidden.tolist())
        assert batch.real_BT[batch.labels_BT != IGNORE].all()


def hidden_by_input(feed, epoch):
    """The labels of each input of an epoch, by its pieces before hiding."""
    found = {}
    for plan in planned(feed):
        if plan.epochs > epoch + 1:
            return found
        if plan.epochs > epoch:
            batch = make(plan)
            whole = batch.ids_BT.where(batch.labels_BT == IGNORE, batch.labels_BT)
            for pieces, labels in zip(whole, batch.labels_BT, strict=True):
                found[tuple(pieces[pieces > 0].tolist())] = labels[pieces > 0].tolist()
    raise AssertionError


@pytest.mark.parametrize("whole_words", [False, True])
def test_an_input_has_other_masks_in_each_epoch(store, tiny_encoder, whole_words):
    # Whole sentences of full length: the same inputs in each epoch.
    keys = {"objective__next_sentence": False, "objective__short_probability": 0.0}
    feed, again = (
        open_feed(
            read_config(
                CONFIG,
                overrides(
                    store, tiny_encoder, objective__whole_words=whole_words, **keys
                ),
            )
        )
        for _ in range(2)
    )
    first, second = hidden_by_input(feed, 0), hidden_by_input(feed, 1)
    assert first == hidden_by_input(again, 0)
    assert first.keys() == second.keys()
    n_same = sum(first[pieces] == second[pieces] for pieces in first)
    # Of two words in a short input one is chosen twice, now and then.
    assert n_same < 0.1 * len(first)


def test_the_feed_hides_whole_words(store, tiny_encoder):
    keys = overrides(store, tiny_encoder, objective__whole_words=True)
    feed = open_feed(read_config(CONFIG, keys))
    n_long_words = 0
    for pieces, labels in hidden_by_input(feed, 0).items():
        words, before = [], "[CLS]"
        names = feed.tokenizer.convert_ids_to_tokens(list(pieces))
        for name, label in zip(names, labels, strict=True):
            # The rest of a word that was cut is a word.
            if not name.startswith("##") or before in ("[CLS]", "[SEP]"):
                words.append([])
            words[-1].append(label != IGNORE)
            before = name
        assert all(all(word) or not any(word) for word in words)
        n_long_words += sum(all(word) and len(word) > 1 for word in words)
    assert n_long_words > 20


@pytest.mark.parametrize("compat", [None, "google"])
@pytest.mark.parametrize("max_pieces", [8, 32])
@pytest.mark.parametrize(
    "texts",
    [
        ["Aspirin causes headache."],
        ["Fever."] * 3,
        ["Aspirin causes headache. The liver failure is in patients. Fever."],
        ["a" * 10_000 + ".", "Fever. Headache."],
        ["aspirin, " * 3_400 + "headache.", "Fever."],
    ],
    ids=["one document", "one sentence each", "one text", "one word", "10k pieces"],
)
def test_odd_texts_give_batches_that_fit(
    tmp_path, tiny_encoder, texts, max_pieces, compat
):
    documents = [
        Document(str(number), "", (Section("", ""), Section("", text)))
        for number, text in enumerate(texts)
    ]
    tokenizer = Tokenizer.from_file(str(tiny_encoder / "tokenizer.json"))
    build_store(documents, tokenizer, tmp_path / "store", held_out=0.0)
    keys = {"objective__max_pieces": max_pieces, "objective__compat": compat}
    feed = open_feed(
        read_config(CONFIG, overrides(tmp_path / "store", tiny_encoder, **keys))
    )

    for batch in take(feed, 30):
        assert batch.ids_BT.shape[1] <= max_pieces
        n_hidden_B = (batch.labels_BT != IGNORE).sum(1)
        n_pieces_B = batch.real_BT.sum(1)
        # The builder counts the special pieces, we do not.
        n_counted_B = n_pieces_B if compat else n_pieces_B - 2
        if compat is None:
            n_counted_B = n_counted_B - (batch.nsp_labels_B != IGNORE).long()
        wanted_B = (n_counted_B.double() * 0.15).round().long().clamp(min=1)
        assert torch.equal(n_hidden_B, wanted_B)


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
