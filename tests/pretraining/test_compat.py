import random
from itertools import islice

import numpy as np
import pytest
import torch

from spacy_biobert.pretraining.config import read_config
from spacy_biobert.pretraining.feed import (
    MAX_GROUPS,
    Feed,
    open_feed,
)
from spacy_biobert.pretraining.google import GooglePlan, GoogleRecipe, plan_google
from spacy_biobert.pretraining.losses import IGNORE
from spacy_biobert.pretraining.making import HiddenBatch
from spacy_biobert.pretraining.train import pretrain

from .runs import CONFIG, make, overrides, planned
from .texts import segments

Rows = list[tuple[list[int], list[int], int]]


@pytest.fixture
def make_feed(store, tiny_encoder):
    def make_one(**keys: object) -> Feed:
        keys = {"objective__compat": "google", **keys}
        return open_feed(read_config(CONFIG, overrides(store, tiny_encoder, **keys)))

    return make_one


def epochs(feed: Feed, n_epochs: int) -> list[list[HiddenBatch]]:
    found: list[list[HiddenBatch]] = [[]]
    for batch in planned(feed):
        found[-1].append(make(batch))
        if batch.epochs == len(found):
            if len(found) == n_epochs:
                break
            found.append([])
    return found


def rows(batches: list[HiddenBatch]) -> Rows:
    """What is fed, the labels, and whether B is random, sorted."""
    return sorted(
        (ids[real].tolist(), labels[real].tolist(), int(label))
        for batch in batches
        for ids, real, labels, label in zip(
            batch.ids_BT,
            batch.real_BT,
            batch.labels_BT,
            batch.nsp_labels_B,
            strict=True,
        )
    )


def expected_rows(feed: Feed, plan: GooglePlan) -> Rows:
    documents, special = feed.store.documents("train"), feed.special
    found = []
    for index, (start, end) in enumerate(
        zip(plan.starts, plan.starts[1:], strict=False)
    ):
        a, b = segments(plan.instances, documents, index)
        ids = [special.cls, *a.tolist(), special.sep, *b.tolist(), special.sep]
        labels = [IGNORE] * len(ids)
        for place, shown in zip(
            plan.places[start:end].tolist(), plan.shown[start:end].tolist(), strict=True
        ):
            labels[place], ids[place] = ids[place], shown
        found.append((ids, labels, int(plan.instances.labels[index])))
    return sorted(found)


@pytest.mark.parametrize("whole_words", [False, True])
def test_an_epoch_of_batches_is_a_pass_of_the_builder(make_feed, whole_words):
    feed = make_feed(objective__whole_words=whole_words)
    pieces = feed.tokenizer.convert_ids_to_tokens(list(range(len(feed.tokenizer))))
    goes_on = np.array([piece.startswith("##") for piece in pieces])
    recipe = GoogleRecipe(
        max_pieces=32, short_probability=0.1, mask_fraction=0.15, max_hidden=5,
        mask_id=feed.special.mask, n_vocab=len(pieces),
        goes_on_V=goes_on if whole_words else None,
    )  # fmt: skip
    for epoch, batches in enumerate(epochs(feed, 2)):
        plan = plan_google(
            feed.store.documents("train"),
            recipe,
            random.Random(f"0 {epoch * MAX_GROUPS}"),
        )
        assert rows(batches) == expected_rows(feed, plan)
        assert sum(batch.n_hidden for batch in batches) == len(plan.places)
        assert sum(batch.n_pairs for batch in batches) == len(plan.instances)


def test_a_chunk_of_one_sentence_is_labelled_random(make_feed):
    # Sentences here are longer than 8 pieces, so that each chunk has one.
    (batches,) = epochs(make_feed(objective__max_pieces=8), 1)
    labels = torch.cat([batch.nsp_labels_B for batch in batches])
    assert (labels != IGNORE).all()
    assert (labels == 1).float().mean() > 0.75


def test_inputs_come_in_random_order(make_feed):
    feed = make_feed()
    inputs, _ = feed._plan(feed.store.documents("train"), 0, 0)
    documents = inputs.instances.table[:, 0]
    assert abs(np.corrcoef(np.arange(len(documents)), documents)[0, 1]) < 0.3


def test_held_out_questions_are_planned_in_the_same_manner(make_feed):
    feed = make_feed(objective__max_pieces=8)
    labels = torch.cat([batch.nsp_labels_B for batch in feed.held_out_batches()])
    assert len(labels) == 8
    assert (labels != IGNORE).all()


def test_null_leaves_the_chunks_without_partner(make_feed):
    feed = make_feed(objective__compat=None, objective__max_pieces=8)
    labels = torch.cat(
        [make(batch).nsp_labels_B for batch in islice(planned(feed), 20)]
    )
    assert (labels == IGNORE).any()


def test_a_run_learns_from_the_builder_s_inputs(store, tiny_encoder, tmp_path):
    keys = overrides(store, tiny_encoder, objective__compat="google")
    outcome = pretrain(CONFIG, tmp_path / "run", overrides=keys)
    assert outcome.figures["mlm_loss"] > 0
    assert outcome.folder.model.is_dir()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"objective.compat": "bert"},
            r"\[B144\].*objective.compat = 'bert'.*'google'",
        ),
        (
            {"objective.compat": "google", "objective.next_sentence": False},
            r"\[B145\].*objective: .*makes pairs.*next_sentence",
        ),
    ],
)
def test_a_plan_that_cannot_be_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        read_config(CONFIG, changes)
