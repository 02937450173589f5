import random
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

import pytest
import torch

from benchmarks import table_parts, tables
from benchmarks.interleaving import Tally
from benchmarks.our_loop import OurLearner
from benchmarks.preparation import (
    FIRST_DOCUMENTS,
    Prepared,
    read_documents,
    read_vocabulary,
    reference_settings,
)
from benchmarks.pretraining import make_learners, measure
from benchmarks.reference_builder import Instance, create_instances
from benchmarks.speed_setting import Setting
from benchmarks.stock_loop import StockBatch, StockLearner, batch_instances
from spacy_biobert.pretraining.feed import Feed, open_feed
from spacy_biobert.pretraining.making import HiddenBatch

from ..pretraining.runs import CONFIG, make, make_store, overrides, planned

LENGTH = 32


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Setting:
    store = make_store(tmp_path_factory.mktemp("store") / "store", tiny_encoder)
    changed = overrides(
        store,
        tiny_encoder,
        # Inputs of all lengths side by side, so that there is padding.
        objective__short_probability=0.5,
        training__bucket_instances=4,
        training__dropout=0.0,
        training__attention_dropout=0.0,
    )
    return Setting(CONFIG, store, tiny_encoder, [16, LENGTH], 2, 0.05, changed)


@pytest.fixture(scope="module")
def feed(setting: Setting) -> Feed:
    return open_feed(setting.read(LENGTH))


@pytest.fixture(scope="module")
def instances(feed: Feed) -> list[Instance]:
    vocabulary = read_vocabulary(feed)
    documents = read_documents(feed.store.documents("train"), vocabulary)
    dice = random.Random(0)
    return create_instances(documents, vocabulary, reference_settings(feed), dice)


def prepared_from(
    feed: Feed, instances: list[Instance], *, planning: float = 0.0
) -> Prepared:
    ids, training = feed.tokenizer.get_vocab(), feed.config.training
    batches = batch_instances(instances, ids, batch_pieces=training.batch_pieces)
    return Prepared({}, planning, batches)


def as_stock(batch: HiddenBatch) -> StockBatch:
    return StockBatch(
        batch.ids_BT,
        batch.segments_BT,
        batch.real_BT.long(),
        batch.labels_BT,
        batch.nsp_labels_B,
    )


def test_all_learn_from_the_same_weights_and_find_the_same_loss(
    setting: Setting, feed: Feed, instances: list[Instance], tmp_path: Path
) -> None:
    prepared = prepared_from(feed, instances)
    first = make(next(planned(feed, FIRST_DOCUMENTS)))

    with ExitStack() as stack:
        learners = make_learners(setting, LENGTH, prepared, tmp_path, stack)
        ours, *stock = learners
        assert isinstance(ours, OurLearner)
        assert [learner.name for learner in learners] == [
            "ours, float32", "stock, float32", "stock, bfloat16",
        ]  # fmt: skip
        for peer in stock:
            assert isinstance(peer, StockLearner)
            weights = peer.model.state_dict()
            assert weights.keys() == ours.run.model.state_dict().keys()
            for name, weight in ours.run.model.state_dict().items():
                assert torch.equal(weight, weights[name])
                assert weight.data_ptr() != weights[name].data_ptr()
        ours.step()
        losses = [float(peer.learn_from(as_stock(first))) for peer in stock]

    means = ours.loss.means()
    loss = means["mlm_loss"] + means["nsp_loss"]
    assert losses[0] == pytest.approx(loss, abs=1e-5)
    assert losses[1] == pytest.approx(loss, abs=0.05)
    assert losses[1] != losses[0]
    assert ours.tally.pieces == as_stock(first).n_pieces
    assert ours.tally.positions == as_stock(first).n_positions > ours.tally.pieces


def test_stock_counts_the_pieces_it_learned_from(
    setting: Setting, feed: Feed, instances: list[Instance], tmp_path: Path
) -> None:
    with ExitStack() as stack:
        prepared = prepared_from(feed, instances[:3])
        learners = make_learners(setting, LENGTH, prepared, tmp_path, stack)
        stock = learners[1]
        before = [p.clone() for p in stock.model.parameters()]
        stock.step()

    # Three inputs fit into 4 times 32 positions.
    assert stock.tally.pieces == sum(len(i.pieces) for i in instances[:3])
    assert stock.tally.positions == 3 * max(len(i.pieces) for i in instances[:3])
    assert stock.tally.positions > stock.tally.pieces
    changed = zip(before, stock.model.parameters(), strict=True)
    assert not all(torch.equal(old, new) for old, new in changed)


def test_planning_is_added_by_the_piece(
    setting: Setting, feed: Feed, instances: list[Instance], tmp_path: Path
) -> None:
    with ExitStack() as stack:
        prepared = prepared_from(feed, instances, planning=0.5)
        ours, *_ = make_learners(setting, LENGTH, prepared, tmp_path, stack)
        ours.step()

    assert ours.tally.seconds == 0.5 * ours.tally.pieces > 0


def test_batches_hold_every_instance_within_the_budget(
    feed: Feed, instances: list[Instance]
) -> None:
    ids = feed.tokenizer.get_vocab()

    batches = batch_instances(instances, ids, batch_pieces=100)

    assert max(batch.n_positions for batch in batches) <= 100
    assert min(batch.attention_mask.sum(0).min() for batch in batches) > 0
    rows = chain.from_iterable(zip(*batch, strict=True) for batch in batches)
    for instance, row in zip(instances, rows, strict=True):
        pieces, segments, real, labels, label = row
        n_pieces, places = len(instance.pieces), torch.tensor(instance.places)
        assert real.tolist() == [1] * n_pieces + [0] * (len(real) - n_pieces)
        assert (
            feed.tokenizer.convert_ids_to_tokens(pieces[:n_pieces]) == instance.pieces
        )
        assert (pieces[n_pieces:] == feed.special.pad).all()
        assert segments[:n_pieces].tolist() == instance.segments
        assert feed.tokenizer.convert_ids_to_tokens(labels[places]) == instance.hidden
        assert int((labels >= 0).sum()) == len(places)
        assert bool(label) == instance.is_random


def test_measure_gives_what_the_table_shows(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures, settings = measure(setting)

    for length in ("16", "32"):
        learning = figures["learning"][length]
        for repeats in learning["speeds"].values():
            assert len(repeats) == setting.repeats
            assert all(0 < repeat["fill"] <= 1 for repeat in repeats)
        for peer, found in learning["faster"]["ours, float32"].items():
            ours = learning["speeds"]["ours, float32"]
            theirs = learning["speeds"][peer]
            assert found["ratios"] == pytest.approx(
                [
                    a["pieces_per_second"] / b["pieces_per_second"]
                    for a, b in zip(ours, theirs, strict=True)
                ],
                rel=0.01,
            )
    assert settings["store"]["pieces"] > 0
    assert str(setting.store) not in str(settings)
    result = {
        "figures": figures | {"fast_in_bfloat16": False},
        "settings": settings,
        "machine": {"cores": 2, "processor": "Abacus"},
        "commit": "abc",
        "command": "count",
    }
    monkeypatch.setattr(table_parts, "read_result", lambda name: result)

    table = tables.pretraining_speed()

    lines = [line for line in table.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in lines}) == 1
    assert len(lines) == 2 + 2 * 3 + 2 * 3
    assert "bfloat16 is not fast on this processor" in table
    assert "<sub>2 cores (Abacus), commit abc, `count`</sub>" in table


def test_tally_adds_up_before_it_divides() -> None:
    tally = Tally(pieces=30, positions=40, seconds=2.0, waited=0.5)
    tally.add(Tally(pieces=10, positions=10, seconds=2.0))

    assert tally.figures() == {
        "pieces": 40,
        "seconds": 4.0,
        "pieces_per_second": 10.0,
        "fill": 0.8,
        "waited": 0.125,
    }
