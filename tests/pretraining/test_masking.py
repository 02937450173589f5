from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from spacy_biobert.pretraining.dice import make_key, roll
from spacy_biobert.pretraining.masking import Masking, choose_pieces, hide_pieces
from spacy_biobert.pretraining.pairs import NO_PARTNER, RANDOM, Instances
from spacy_biobert.pretraining.slabs import Slab, SpecialIds, make_slab

from .texts import Texts

MASK = 4
N_VOCAB = 105
ORDINARY_IDS = np.arange(5, N_VOCAB)
SPECIAL = SpecialIds(pad=0, cls=2, sep=3, mask=MASK)

Bools = NDArray[np.bool_]


def keys(n: int, seed: int = 0) -> NDArray[np.uint64]:
    return roll(make_key("test", seed), np.arange(n))


def rolls(n: int, seed: int = 0) -> NDArray[np.uint64]:
    return roll(make_key("rolls", seed), np.arange(n))


def choose(
    lengths: list[int], *, seed: int = 0, starts: Bools | None = None, **options: Any
) -> list[Bools]:
    """Which pieces of each sequence are chosen."""
    chosen = choose_pieces(
        keys(len(lengths), seed), np.array(lengths, np.int64),
        starts_word_N=starts, **{"probability": 0.15, **options},
    )  # fmt: skip
    return np.split(chosen, np.cumsum(lengths)[:-1].astype(int))


def words_of(starts: list[bool]) -> list[list[int]]:
    """The places of each word of a sequence."""
    words: list[list[int]] = []
    for at, begins in enumerate(starts):
        if begins:
            words.append([])
        words[-1].append(at)
    return words


@pytest.mark.parametrize("probability", [0.01, 0.15, 0.4, 0.9, 1.0])
def test_number_of_chosen_pieces_is_exact(probability: float) -> None:
    lengths = [*range(200), 511]
    chosen = choose(lengths, probability=probability)

    expected = [min(n, max(1, round(probability * n))) for n in lengths]
    assert [int(row.sum()) for row in chosen] == expected


def test_sequence_without_ordinary_pieces_has_none_chosen() -> None:
    for starts in (None, np.zeros(0, bool)):
        assert len(choose_pieces(keys(2), np.zeros(2, np.int64), probability=0.15, starts_word_N=starts)) == 0  # fmt: skip
    assert [row.tolist() for row in choose([0, 1, 0])] == [[], [True], []]


def chi2_of_places(chosen: NDArray[np.bool_], share: float) -> float:
    counts = chosen.sum(0)
    expected = len(chosen) * share
    # Without replacement the counts vary less.
    return float(((counts - expected) ** 2 / (expected * (1 - share))).sum())


@pytest.mark.parametrize("n_places", [100, 509])
def test_chosen_places_are_uniform(n_places: int) -> None:
    chosen = np.array(choose([n_places] * 20_000, probability=0.15))
    share = round(n_places * 0.15) / n_places
    n_free = n_places - 1
    assert abs(chi2_of_places(chosen, share) - n_free) < 4 * (2 * n_free) ** 0.5


def test_pairs_of_places_are_uniform() -> None:
    n, n_places, n_chosen = 40_000, 20, 3
    chosen = np.array(choose([n_places] * n)).astype(float)
    together = chosen.T @ chosen
    counts = together[np.triu_indices(n_places, 1)]
    expected = n * n_chosen * (n_chosen - 1) / (n_places * (n_places - 1))
    chi2 = ((counts - expected) ** 2 / expected).sum()
    # As many pairs as places of two; they are not quite independent.
    assert abs(chi2 - 189) < 5 * (2 * 189) ** 0.5


@pytest.mark.parametrize("what", ["inputs", "passes"])
def test_chosen_places_are_independent_from_one_to_the_next(what: str) -> None:
    n, n_places = 20_000, 20
    if what == "inputs":
        chosen = np.array(choose([n_places] * n))
    else:
        n = 4_000
        chosen = np.array(
            [
                choose_pieces(
                    roll(make_key("choose", 0, epoch), np.array([7])),
                    np.array([n_places]),
                    probability=0.15,
                )
                for epoch in range(n)
            ]
        )
    for distance in (1, 2, 5):
        n_both = (chosen[:-distance] & chosen[distance:]).sum(1)
        # Hypergeometric: 3 of 20, and 3 of these again.
        variance = 3 * 0.15 * 0.85 * 17 / 19
        deviation = (variance / len(n_both)) ** 0.5
        assert abs(n_both.mean() - 0.45) < 4 * deviation


def test_chosen_pieces_depend_on_their_key_alone() -> None:
    n_ordinary = np.array([50] * 8)
    found = choose_pieces(keys(8), n_ordinary, probability=0.15).reshape(8, -1)
    order = np.array([3, 0, 7])
    others = choose_pieces(keys(8)[order], n_ordinary[order], probability=0.15)
    assert np.array_equal(others.reshape(3, -1), found[order])
    # A long one beside it, for which there are more draws.
    beside = choose_pieces(keys(2), np.array([50, 500]), probability=0.15)
    assert np.array_equal(beside[:50], found[0])
    another = choose_pieces(keys(8, seed=1), n_ordinary, probability=0.15)
    assert not np.array_equal(another.reshape(8, -1), found)


@settings(max_examples=150)
@given(
    seed=st.integers(0, 2**32 - 1),
    lengths=st.lists(st.integers(0, 40), max_size=4),
    probability=st.floats(0.01, 1.0),
    share=st.floats(0, 1),
)
def test_whole_words_are_chosen_or_none_of_a_word(
    seed: int, lengths: list[int], probability: float, share: float
) -> None:
    starts = np.random.default_rng(seed).random(sum(lengths)) < share
    starts[[at for at, n in zip(np.cumsum([0, *lengths]), lengths, strict=False) if n]] = True  # fmt: skip
    chosen = choose(lengths, seed=seed, starts=starts, probability=probability)

    begins = np.split(starts, np.cumsum(lengths)[:-1].astype(int))
    for row, its_starts in zip(chosen, begins, strict=False):
        words = words_of(its_starts.tolist())
        picked = set(np.flatnonzero(row).tolist())
        taken = [word for word in words if picked & set(word)]
        assert picked == {at for word in taken for at in word}
        assert bool(taken) == bool(words)
        wanted = max(1, int(np.rint(len(its_starts) * probability)))
        assert len(picked) <= wanted or len(taken) == 1
        if all(len(word) == 1 for word in words):
            assert len(picked) == min(wanted, len(words))


def test_words_are_taken_in_random_order_until_one_does_not_fit() -> None:
    # Words of 1, 1 and 2 pieces; 2 pieces are wanted. By hand: the long word comes first
    # in 1 of 3 orders and is taken alone; second in 1 of 3, when it does not fit and
    # ends it after one short word; last in 1 of 3.
    n = 30_000
    starts = np.tile([True, True, True, False], n)
    chosen = np.array(choose([4] * n, starts=starts, probability=0.5))
    long, n_chosen = chosen[:, 2], chosen.sum(1)
    for found in (long, ~long & (n_chosen == 1), ~long & (n_chosen == 2)):
        assert abs(found.sum() - n / 3) < 4 * (n * 2 / 9) ** 0.5


def test_every_word_is_chosen_as_often_as_others_of_its_length() -> None:
    # w w ## w w w ## w w w: ten pieces of eight words.
    n = 20_000
    starts = np.array([1, 1, 0, 1, 1, 1, 0, 1, 1, 1], bool)
    chosen = np.array(choose([10] * n, starts=np.tile(starts, n), probability=0.3))
    for places in ([0, 3, 4, 7, 8, 9], [1, 5]):
        counts = chosen.sum(0)[places]
        assert ((counts - counts.mean()) ** 2 < 16 * n / 4).all()
        assert counts.min() > n / 10


def make_pairs(n: int) -> tuple[Slab, NDArray[np.int64]]:
    """Pairs, inputs without a partner and rests of words, all of them in one batch."""
    texts = Texts([[[90, 10, 11, 91, 12]], [[92, 13, 14, 93]]])
    rows = [[0, 0, 5, 1, 0, 4, RANDOM], [0, 0, 5, 0, 0, 0, NO_PARTNER]]
    instances = Instances(np.array(rows * (n // 2), np.int32))
    return make_slab(instances, [np.arange(n)], texts, SPECIAL), np.arange(n)


def make_masking(**changed: Any) -> Masking:
    fields = {
        "probability": 0.15, "mask_id": MASK, "ordinary_ids_V": ORDINARY_IDS,
        "starts_word_V": None, "seed": 0, "epoch": 0,
    }  # fmt: skip
    return Masking(**{**fields, **changed})


# Pieces from 90 on go on a word.
STARTS_WORD = np.arange(N_VOCAB) < 90


@pytest.mark.parametrize("starts_word", [None, STARTS_WORD])
def test_special_pieces_and_padding_are_never_hidden(starts_word: Bools | None) -> None:
    slab, numbers = make_pairs(2000)
    masking = make_masking(probability=0.9, starts_word_V=starts_word)
    at, shown = masking.hide(slab, numbers)
    assert (np.diff(at) > 0).all()
    assert (slab.ids_P[at] >= 5).all()
    assert slab.real_P[at].all()
    assert set(shown.tolist()) <= {MASK, *ORDINARY_IDS.tolist()}
    assert len(at) > 2000


def test_rest_of_a_word_that_was_cut_is_hidden_as_often_as_others() -> None:
    # [CLS] ##90 10 [11 ##91] 12 [SEP] ##92 13 [14 ##93] [SEP]: both segments begin with
    # the rest of a word, which is a word of one piece.
    n = 40_000
    slab, numbers = make_pairs(n)
    masking = make_masking(starts_word_V=STARTS_WORD, probability=0.23)
    at, _ = masking.hide(slab, numbers)
    counts = np.bincount(at % 12, minlength=12)
    rows = at // 12
    pairs = np.bincount(at[rows % 2 == 0] % 12, minlength=12)
    assert counts[[0, 6, 11]].sum() == 0
    assert pairs[3] == pairs[4]
    assert pairs[9] == pairs[10]
    alone = pairs[[1, 2, 5, 7, 8]]
    assert (abs(alone - alone.mean()) < 4 * (n / 2 / 4) ** 0.5).all()


def test_each_pass_and_seed_hides_other_pieces() -> None:
    slab, numbers = make_pairs(200)
    found = {
        tuple(make_masking(seed=seed, epoch=epoch).hide(slab, numbers)[0].tolist())
        for seed in (0, 1)
        for epoch in (0, 1)
    }
    assert len(found) == 4


def test_what_is_shown_does_not_depend_on_the_place() -> None:
    slab, numbers = make_pairs(40_000)
    at, shown = make_masking(probability=0.5).hide(slab, numbers)
    for place in (1, 2, 5, 7, 10):
        its = at % 12 == place
        n, n_masks = its.sum(), (shown[its] == MASK).sum()
        assert abs(n_masks - 0.8 * n) < 4 * (0.16 * n) ** 0.5


def test_hidden_pieces_are_eighty_ten_ten() -> None:
    n = 1_000_000
    ids = 5 + (rolls(n) % np.uint64(N_VOCAB - 5)).astype(np.int64)
    hidden = hide_pieces(ids, rolls(n, 1), mask_id=MASK, ordinary_ids_V=ORDINARY_IDS)

    same_by_chance = 0.1 / len(ORDINARY_IDS)
    shares = {
        0.8: hidden == MASK,
        0.1 + same_by_chance: hidden == ids,
        0.1 - same_by_chance: (hidden != ids) & (hidden != MASK),
    }
    for share, found in shares.items():
        deviation = (n * share * (1 - share)) ** 0.5
        assert abs(found.sum() - n * share) < 4 * deviation


def test_random_pieces_are_uniform_over_the_ordinary_ones() -> None:
    ids = np.full(1_000_000, 5)
    hidden = hide_pieces(
        ids, rolls(len(ids)), mask_id=MASK, ordinary_ids_V=ORDINARY_IDS
    )

    counts = np.bincount(hidden, minlength=N_VOCAB)
    assert counts[:MASK].sum() == 0
    counts = counts[6:]
    expected = counts.mean()
    chi2 = ((counts - expected) ** 2 / expected).sum()
    assert abs(chi2 - 98) < 4 * (2 * 98) ** 0.5


def test_hide_leaves_the_slab() -> None:
    slab, numbers = make_pairs(20)
    before = slab.ids_P.copy()
    make_masking().hide(slab, numbers)
    assert np.array_equal(slab.ids_P, before)
