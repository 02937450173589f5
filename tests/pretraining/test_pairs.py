from collections import Counter
from collections.abc import Sequence
from itertools import count, islice, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from spacy_biobert.pretraining.pairs import (
    FOLLOWS,
    NO_PARTNER,
    RANDOM,
    Instances,
    plan_epoch,
)

from .texts import Texts, segments


class Lengths(Texts):
    """Documents given by the lengths of their sentences; each piece is unlike others."""

    def __init__(self, documents: Sequence[Sequence[int]]) -> None:
        pieces = count()
        super().__init__(
            [[list(islice(pieces, n)) for n in lengths] for lengths in documents]
        )


def make_abstracts(n_documents: int, seed: int = 0) -> Lengths:
    """Titles and sentences as long as those of PubMed: 22 and 30 pieces, 10 sentences."""
    rng = np.random.default_rng(seed)

    def draw(mean: float, n: int) -> NDArray[np.int64]:
        return 3 + rng.gamma(4, (mean - 3) / 4, n).astype(np.int64)

    n_sentences = rng.negative_binomial(8, 0.45, n_documents)
    return Lengths([[*draw(22, 1), *draw(30, n)] for n in n_sentences])


def plan(documents: Lengths, max_pieces: int = 128, **changed: object) -> Instances:
    asked = {"short_probability": 0.1, "next_sentence": True, "seed": 0, "epoch": 0}
    return plan_epoch(documents, max_pieces=max_pieces, **{**asked, **changed})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def abstracts() -> Lengths:
    return make_abstracts(4000)


@pytest.fixture(scope="module")
def instances(abstracts: Lengths) -> Instances:
    return plan(abstracts)


def test_labelled_pairs_are_half_and_half(instances: Instances) -> None:
    labelled = instances.labels[instances.labels != NO_PARTNER]
    n = len(labelled)
    assert n > 10_000
    assert abs(np.count_nonzero(labelled == RANDOM) - n / 2) < 4 * (n / 4) ** 0.5


def test_pair_that_follows_is_adjacent_in_its_document(instances: Instances) -> None:
    table = instances.table[instances.labels == FOLLOWS]
    assert (table[:, 0] == table[:, 3]).all()
    assert (table[:, 2] == table[:, 4]).all()
    assert (table[:, 5] > table[:, 4]).all()


def test_segments_meet_at_the_end_of_a_sentence(
    abstracts: Lengths, instances: Instances
) -> None:
    for a_doc, _, a_end, b_doc, b_begin, _, label in instances.table.tolist():
        if label != NO_PARTNER:
            assert a_end in abstracts.bounds(a_doc)
            assert b_begin in abstracts.bounds(b_doc)


def test_stranger_is_never_of_the_same_document(instances: Instances) -> None:
    table = instances.table[instances.labels == RANDOM]
    assert (table[:, 0] != table[:, 3]).all()
    assert (table[:, 5] > table[:, 4]).all()


def test_stranger_never_is_the_first_sentence_which_never_follows(
    instances: Instances, abstracts: Lengths
) -> None:
    single = [len(abstracts.bounds(i)) == 2 for i in range(len(abstracts))]
    labelled = instances.table[instances.labels != NO_PARTNER]
    begins = labelled[~np.array(single)[labelled[:, 3]], 4]
    assert (begins > 0).all()


def test_strangers_are_uniform_over_the_other_documents() -> None:
    documents = Lengths([[10] * 9] * 40)
    table = np.concatenate([plan(documents, 64, epoch=e).table for e in range(200)])
    table = table[table[:, 6] == RANDOM]

    # How far the stranger's document is from A's, around the circle.
    counts = np.bincount((table[:, 3] - table[:, 0]) % 40, minlength=40)
    assert counts[0] == 0
    expected = len(table) / 39
    chi2 = ((counts[1:] - expected) ** 2 / expected).sum()
    # 38 degrees of freedom, four deviations.
    assert chi2 < 38 + 4 * (2 * 38) ** 0.5


@pytest.mark.parametrize("max_pieces", [64, 128, 512])
def test_each_piece_is_used_once_but_for_what_is_cut(
    abstracts: Lengths, max_pieces: int
) -> None:
    found = plan(abstracts, max_pieces)
    used: Counter[int] = Counter()
    for index, label in enumerate(found.labels):
        a, b = segments(found, abstracts, index)
        used.update(a.tolist())
        if label == FOLLOWS:
            used.update(b.tolist())
    n_pieces = sum(len(abstracts.pieces(i)) for i in range(len(abstracts)))

    assert max(used.values()) == 1
    lost = 1 - len(used) / n_pieces
    assert lost < {64: 0.2, 128: 0.12, 512: 0.01}[max_pieces]


def test_nothing_is_lost_where_everything_fits() -> None:
    documents = make_abstracts(200)
    found = plan(documents, 10_000, short_probability=0.0)
    used = set()
    for index, label in enumerate(found.labels):
        a, b = segments(found, documents, index)
        used.update(a.tolist())
        if label == FOLLOWS:
            used.update(b.tolist())
    assert len(used) == sum(len(documents.pieces(i)) for i in range(200))


@pytest.mark.parametrize("max_pieces", [8, 64, 128, 512])
def test_what_is_lost_was_cut_from_an_outer_end_of_a_pair_that_is_full(
    abstracts: Lengths, max_pieces: int
) -> None:
    found = plan(abstracts, max_pieces)
    own: list[list[tuple[int, int, bool, bool]]] = [[] for _ in range(len(abstracts))]
    for row, length in zip(found.table.tolist(), found.lengths, strict=True):
        document, a_begin, a_end, _, _, b_end, label = row
        front = length == max_pieces and label != NO_PARTNER
        back = front and label == FOLLOWS
        end = b_end if label == FOLLOWS else a_end
        own[document].append((a_begin, end, front, back))

    for document, stretches in enumerate(own):
        n_pieces = len(abstracts.pieces(document))
        edges = [
            (0, 0, False, False),
            *sorted(stretches),
            (n_pieces, n_pieces, False, False),
        ]
        for (_, end, _, back_cut), (begin, _, front_cut, _) in pairwise(edges):
            assert end <= begin
            assert end == begin or back_cut or front_cut


@pytest.mark.parametrize("max_pieces", [64, 128, 256, 512])
def test_lengths_do_not_give_the_label_away(max_pieces: int) -> None:
    # Learned on the abstracts of even number, tested on the others.
    documents = make_abstracts(5000)
    # Many pairs, so that chance gives less than half a percent.
    epochs = range(max_pieces // 32)
    table = np.concatenate([plan(documents, max_pieces, epoch=e).table for e in epochs])
    table = table[table[:, 6] != NO_PARTNER]
    assert len(table) > 40_000
    is_even, is_random = table[:, 0] % 2 == 0, table[:, 6] == RANDOM
    n_a, n_b = table[:, 2] - table[:, 1], table[:, 5] - table[:, 4]
    step = max_pieces // 16
    for feature in (n_a, n_b, (n_a + n_b) // 4, n_a // step * 100 + n_b // step):
        n_values = feature.max() + 1
        learned, total = (
            np.bincount(feature[rows], minlength=n_values)
            for rows in (is_even & is_random, is_even)
        )
        guess = (learned > total / 2)[feature[~is_even]]
        accuracy = (guess == is_random[~is_even]).mean()
        assert accuracy < 0.52


def test_no_input_is_longer_than_asked(instances: Instances) -> None:
    assert instances.lengths.max() == 128
    assert instances.lengths.min() > 2


def test_lengths_count_the_special_pieces() -> None:
    table = np.array([[0, 0, 5, 1, 10, 14, RANDOM], [0, 0, 5, 0, 0, 0, NO_PARTNER]])
    assert Instances(table).lengths.tolist() == [5 + 4 + 3, 5 + 2]


def test_short_inputs_are_as_many_as_asked() -> None:
    documents = Lengths([[1] * 2000] * 20)
    long = plan(documents, 128, short_probability=0.0, next_sentence=False)
    mixed = plan(documents, 128, short_probability=0.5, next_sentence=False)

    # All but the last of each document.
    assert np.count_nonzero(long.lengths < 128) <= 20
    n, n_short = len(mixed), np.count_nonzero(mixed.lengths < 128)
    assert abs(n_short - 0.5 * n) < 4 * (n / 4) ** 0.5 + 20


def test_plan_depends_on_seed_and_epoch_alone(abstracts: Lengths) -> None:
    found = plan(abstracts, seed=3, epoch=2)
    assert np.array_equal(found.table, plan(abstracts, seed=3, epoch=2).table)
    for other in (plan(abstracts, seed=3, epoch=1), plan(abstracts, seed=2, epoch=2)):
        assert not np.array_equal(
            np.unique(found.table, axis=0), np.unique(other.table, axis=0)
        )


def test_order_is_random(instances: Instances) -> None:
    n = len(instances)
    correlation = np.corrcoef(np.arange(n), instances.table[:, 0])[0, 1]
    assert abs(correlation) < 4 / n**0.5


def test_without_pairs_whole_sentences_fill_the_input() -> None:
    documents = make_abstracts(300)
    found = plan(documents, 128, short_probability=0.0, next_sentence=False)

    assert (found.labels == NO_PARTNER).all()
    assert found.lengths.max() <= 128
    for document, begin, end, *_ in found.table.tolist():
        bounds = documents.bounds(document).tolist()
        longest = max(b - a for a, b in pairwise(bounds))
        if longest <= 126:
            assert {begin, end} <= set(bounds)
            # The next sentence would not have fitted.
            assert end == bounds[-1] or bounds[bounds.index(end) + 1] - begin > 126


@pytest.mark.parametrize("next_sentence", [True, False])
def test_one_document_gives_inputs_without_partner(next_sentence: bool) -> None:
    found = plan(Lengths([[5, 6, 7, 8]]), 512, next_sentence=next_sentence)
    assert (found.labels == NO_PARTNER).all()
    assert sum(found.table[:, 2] - found.table[:, 1]) == 26


def test_no_documents_give_no_inputs() -> None:
    assert len(plan(Lengths([]))) == 0


def test_sentence_alone_in_its_document_has_no_partner() -> None:
    found = plan(Lengths([[5], [9], [7]]))
    assert found.labels.tolist() == [NO_PARTNER] * 3
    assert sorted(found.lengths) == [7, 9, 11]


def test_too_small_an_input_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\[B120\].*at least 5 .*found 4"):
        plan(Lengths([[5]]), 4)


@pytest.mark.parametrize("max_pieces", [5, 8, 128])
@pytest.mark.parametrize("next_sentence", [True, False])
def test_endless_sentence_fits(max_pieces: int, next_sentence: bool) -> None:
    documents = Lengths([[10_000], [4, 10_000, 4, 10_000], [3, 3]])
    found = plan(documents, max_pieces, next_sentence=next_sentence)

    assert found.lengths.max() == max_pieces
    alone = found.table[found.table[:, 0] == 0]
    assert (alone[:, 2] - alone[:, 1]).sum() == 10_000


@settings(max_examples=60)
@given(
    documents=st.lists(
        st.lists(
            st.one_of(st.integers(1, 40), st.integers(100, 300)), min_size=1, max_size=6
        ),
        min_size=1,
        max_size=5,
    ),
    max_pieces=st.sampled_from([5, 8, 31, 128]),
    short_probability=st.sampled_from([0.0, 0.5, 1.0]),
    next_sentence=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_any_documents_give_inputs_that_hold(
    documents: list[list[int]],
    max_pieces: int,
    short_probability: float,
    next_sentence: bool,
    seed: int,
) -> None:
    corpus = Lengths(documents)
    found = plan(
        corpus,
        max_pieces,
        short_probability=short_probability,
        next_sentence=next_sentence,
        seed=seed,
    )

    assert {row[0] for row in found.table.tolist()} == set(range(len(documents)))
    for index, label in enumerate(found.labels):
        a, b = segments(found, corpus, index)
        assert len(a)
        assert (
            len(a) + len(b) + (3 if len(b) else 2) == found.lengths[index] <= max_pieces
        )
        assert (len(b) == 0) == (label == NO_PARTNER)
        if label == FOLLOWS:
            assert a[-1] + 1 == b[0]
        a_doc, b_doc = found.table[index, [0, 3]]
        assert (a_doc != b_doc) == (label == RANDOM)
        assert set(b.tolist()) <= set(corpus.pieces(b_doc).tolist())
    if not next_sentence:
        n_used = (found.table[:, 2] - found.table[:, 1]).sum()
        assert n_used == sum(map(sum, documents))
