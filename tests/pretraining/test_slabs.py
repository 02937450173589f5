"""Batches made at once, against a plain way to make them row by row."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spacy_biobert.pretraining import feed as feed_module
from spacy_biobert.pretraining.config import read_config
from spacy_biobert.pretraining.documents import Part, StoredDocuments
from spacy_biobert.pretraining.feed import Feed, Place, make_own, open_feed
from spacy_biobert.pretraining.losses import IGNORE
from spacy_biobert.pretraining.making import Inputs, make_batches
from spacy_biobert.pretraining.pairs import Instances, plan_epoch
from spacy_biobert.pretraining.ranges import join_ranges
from spacy_biobert.pretraining.slabs import SpecialIds, make_slab

from .runs import CONFIG, make, overrides
from .texts import Texts, segments

SPECIAL = SpecialIds(pad=0, cls=2, sep=3, mask=4)
TEXTS = st.lists(
    st.lists(st.lists(st.integers(5, 99), min_size=1, max_size=9), min_size=1),
    min_size=1,
)


def by_rows(instances: Instances, rows: np.ndarray, texts: Texts) -> dict[str, Any]:
    """A batch, piece by piece."""
    found: dict[str, Any] = {"ids": [], "segments": [], "real": [], "ordinary": []}
    for index in rows.tolist():
        a, b = segments(instances, texts, index)
        ids = [SPECIAL.cls, *a.tolist(), SPECIAL.sep]
        ordinary = [False, *[True] * len(a), False]
        n_first = len(ids)
        if len(b):
            ids += [*b.tolist(), SPECIAL.sep]
            ordinary += [*[True] * len(b), False]
        found["ids"].append(ids)
        found["segments"].append([int(at >= n_first) for at in range(len(ids))])
        found["real"].append([True] * len(ids))
        found["ordinary"].append(ordinary)
    width = max(map(len, found["ids"]))
    for values in found.values():
        for row in values:
            row.extend([type(row[0])(0)] * (width - len(row)))
    return found


def test_slab_has_cls_a_sep_b_sep_and_padding() -> None:
    table = [[0, 0, 2, 1, 1, 2, 1], [1, 1, 2, 1, 0, 0, IGNORE], [1, 1, 2, 1, 1, 2, 0]]
    texts = Texts([[[10, 11]], [[13, 12]]])
    slab = make_slab(
        Instances(np.array(table, np.int32)), [np.arange(3)], texts, SPECIAL
    )
    assert slab.ids_P.reshape(3, 6).tolist() == [
        [2, 10, 11, 3, 12, 3],
        [2, 12, 3, 0, 0, 0],
        [2, 12, 3, 12, 3, 0],
    ]
    assert slab.segments_P.reshape(3, 6).tolist() == [
        [0, 0, 0, 0, 1, 1],
        [0] * 6,
        [0, 0, 0, 1, 1, 0],
    ]
    assert slab.real_P.reshape(3, 6).sum(1).tolist() == [6, 3, 5]
    assert slab.nsp_labels_R.tolist() == [1, IGNORE, 0]
    assert slab.lengths_R.tolist() == [6, 3, 5]
    rows, places = slab.find(np.arange(6))
    assert rows.tolist() == [0, 0, 0, 1, 2, 2]
    assert places.tolist() == [1, 2, 4, 1, 1, 3]


@given(texts=TEXTS.map(Texts), max_pieces=st.integers(5, 40), data=st.data())
def test_slab_is_what_rows_give_one_by_one(
    texts: Texts, max_pieces: int, data: st.DataObject
) -> None:
    instances = plan_epoch(
        texts, max_pieces=max_pieces, short_probability=0.5, next_sentence=True,
        seed=0, epoch=0,
    )  # fmt: skip
    numbers = st.integers(0, len(instances) - 1)
    batch = st.lists(numbers, min_size=1, max_size=5).map(np.array)
    batches = data.draw(st.lists(batch, min_size=1, max_size=4))

    slab = make_slab(instances, batches, texts, SPECIAL)

    rows, places = slab.find(np.arange(slab.n_ordinary_R.sum()))
    ordinary = np.zeros(len(slab.ids_P), dtype=bool)
    ordinary[slab.starts_R[rows] + places] = True
    start = 0
    for chosen in batches:
        expected = by_rows(instances, chosen, texts)
        stretch = slice(start, start + np.size(expected["ids"]))
        start = stretch.stop
        for name, found in (
            ("ids", slab.ids_P), ("segments", slab.segments_P), ("real", slab.real_P),
            ("ordinary", ordinary),
        ):  # fmt: skip
            assert found[stretch].reshape(len(chosen), -1).tolist() == expected[name]
    assert start == len(slab.ids_P)
    assert np.array_equal(slab.nsp_labels_R, instances.labels[np.concatenate(batches)])


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5)), max_size=9))
def test_join_ranges_gives_one_range_after_another(
    ranges: list[tuple[int, int]],
) -> None:
    begins, sizes = np.array(ranges, np.int64).reshape(-1, 2).T
    expected = [n for begin, size in ranges for n in range(begin, begin + size)]
    assert join_ranges(begins, sizes).tolist() == expected


@pytest.fixture
def stored() -> StoredDocuments:
    """Three parts; every third document is held out."""
    rng, parts = np.random.default_rng(0), []
    for n_documents in (7, 1, 12):
        starts = np.cumsum([0, *rng.integers(1, 5, n_documents)], dtype=np.int32)
        bounds = np.cumsum([0, *rng.integers(1, 9, starts[-1])], dtype=np.int32)
        pieces = rng.integers(5, 1000, bounds[-1]).astype(np.uint16)
        held_out = np.arange(n_documents) % 3 == 1
        parts.append(Part(None, pa.array(held_out), starts, bounds, pieces))
    return StoredDocuments(parts, "train")


def test_stored_documents_are_copied_from_all_parts(stored: StoredDocuments) -> None:
    rng = np.random.default_rng(1)
    chosen = rng.integers(0, len(stored), 200)
    lengths = np.array([len(stored.pieces(index)) for index in chosen.tolist()])
    begins = rng.integers(0, lengths)
    sizes = rng.integers(0, lengths - begins + 1)
    # In another order, with gaps.
    gap = rng.permutation(200)
    targets = np.zeros(200, np.int64)
    targets[gap] = np.cumsum(sizes[gap] + 2) - sizes[gap]
    ids = np.full(targets.max() + 50, -1)

    stored.copy_to(ids, targets, chosen=chosen, begins=begins, sizes=sizes)

    expected = np.full_like(ids, -1)
    for target, index, begin, size in zip(
        targets, chosen.tolist(), begins, sizes, strict=True
    ):
        stretch = stored.pieces(index)[begin : begin + size]
        expected[target : target + size] = stretch
    assert ids.tolist() == expected.tolist()
    assert (ids > 0).sum() == sizes.sum() > 0


def test_the_outline_of_stored_documents_is_theirs(stored: StoredDocuments) -> None:
    outline = stored.outline()
    assert len(outline) == len(stored) == 5 + 1 + 8
    for index in range(len(stored)):
        first, end = outline.firsts[index : index + 2]
        bounds = outline.bounds[first : end + 1]
        assert (bounds - bounds[0]).tolist() == stored.bounds(index).tolist()


def open_with(store: Any, encoder: Any, **keys: object) -> Feed:
    return open_feed(read_config(CONFIG, overrides(store, encoder, **keys)))


KINDS = {
    "pieces": {},
    "words": {"objective__whole_words": True},
    "alone": {"objective__next_sentence": False},
    "google": {"objective__compat": "google"},
    "packs": {"training__packing": "packs"},
}


@pytest.mark.parametrize("keys", KINDS.values(), ids=KINDS)
def test_a_batch_is_the_same_whatever_is_made_with_it(
    store: Any, tiny_encoder: Any, keys: dict[str, object]
) -> None:
    planned = next(open_with(store, tiny_encoder, **keys).groups(Place()))
    assert len(planned) > 10
    together = make_batches(planned[0].inputs, [batch.chosen for batch in planned])
    for one, other in zip(together, map(make, planned), strict=True):
        assert_same(one, other)
        assert one.n_hidden == int((one.labels_BT != IGNORE).sum()) > 0
        assert one.n_pairs == int((one.nsp_labels_B != IGNORE).sum())
        assert one.n_pieces == int(one.real_BT.sum())


def assert_same(one: Any, other: Any) -> None:
    for name in ("ids_BT", "segments_BT", "real_BT", "labels_BT", "nsp_labels_B"):
        found, expected = getattr(one, name), getattr(other, name)
        assert found.dtype == expected.dtype
        assert torch.equal(found, expected), name
    for name in ("n_pieces", "n_hidden", "n_pairs"):
        assert getattr(one, name) == getattr(other, name)


@pytest.mark.parametrize("whole_words", [False, True])
def test_what_is_hidden_in_an_input_does_not_depend_on_its_neighbours(
    store: Any, tiny_encoder: Any, whole_words: bool
) -> None:
    feed = open_with(store, tiny_encoder, objective__whole_words=whole_words)
    planned = next(feed.groups(Place()))
    inputs: Inputs = planned[0].inputs
    numbers = np.random.default_rng(0).permutation(len(inputs.instances))
    alone = [make_batches(inputs, [numbers[i : i + 1]])[0] for i in range(len(numbers))]
    (all_in_one,) = make_batches(inputs, [numbers])
    for row, batch in enumerate(alone):
        width = batch.ids_BT.shape[1]
        assert torch.equal(all_in_one.ids_BT[row, :width], batch.ids_BT[0])
        assert torch.equal(all_in_one.labels_BT[row, :width], batch.labels_BT[0])
        assert (all_in_one.labels_BT[row, width:] == IGNORE).all()


@pytest.mark.parametrize("slab_positions", [1, 300, 1 << 17])
@pytest.mark.parametrize("size", [1, 3])
def test_each_process_makes_its_own_batches_only(
    store: Any,
    tiny_encoder: Any,
    monkeypatch: pytest.MonkeyPatch,
    size: int,
    slab_positions: int,
) -> None:
    monkeypatch.setattr(feed_module, "SLAB_POSITIONS", slab_positions)
    made_at_once: list[int] = []

    def counting(inputs: Inputs, rows: list[np.ndarray]) -> Any:
        made_at_once.append(len(rows))
        return make_batches(inputs, rows)

    monkeypatch.setattr(feed_module, "make_batches", counting)
    feed = open_with(store, tiny_encoder)
    groups = feed.groups(Place())
    two_epochs = [next(groups), next(groups)]
    numbered = list(enumerate(planned for group in two_epochs for planned in group))
    for rank in range(size):
        made_at_once.clear()
        turns = list(make_own(two_epochs, lambda number, r=rank: number % size == r))
        assert [planned for planned, _ in turns] == [batch for _, batch in numbered]
        for (number, planned), (_, batch) in zip(numbered, turns, strict=True):
            assert (batch is not None) == (number % size == rank)
            if batch is not None:
                assert_same(batch, make(planned))
        n_own = len(range(rank, len(numbered), size))
        assert sum(made_at_once) == n_own
        if slab_positions == 1:
            assert set(made_at_once) == {1}
        elif slab_positions > 300:
            assert len(made_at_once) == 2  # one for each group


def test_the_next_group_is_not_waited_for(store: Any, tiny_encoder: Any) -> None:
    feed = open_with(store, tiny_encoder)
    group = next(feed.groups(Place()))

    def one_group() -> Any:
        yield group
        raise AssertionError("the next group was asked for")

    own = make_own(one_group(), lambda number: True)
    assert [next(own)[0] for _ in group] == group
    with pytest.raises(AssertionError, match="the next group"):
        next(own)
