import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from spacy_biobert.pretraining.losses import IGNORE
from spacy_biobert.pretraining.masking import choose_pieces, hide_pieces

MASK = 4
N_VOCAB = 105
ORDINARY_IDS = torch.arange(5, N_VOCAB)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make_ordinary(lengths: list[int], n_positions: int) -> Tensor:
    """`[CLS]`, as many ordinary pieces as asked, `[SEP]`, padding."""
    places = torch.arange(n_positions).expand(len(lengths), -1)
    return (places > 0) & (places <= torch.tensor(lengths)[:, None])


def words_of(ordinary: list[bool], starts: list[bool]) -> list[list[int]]:
    """The places of each word of a sequence; a special piece ends a word."""
    words: list[list[int]] = []
    for at, is_ordinary in enumerate(ordinary):
        if not is_ordinary:
            continue
        if starts[at] or at == 0 or not ordinary[at - 1]:
            words.append([])
        words[-1].append(at)
    return words


def test_number_of_chosen_pieces_is_exact() -> None:
    lengths = list(range(200))
    ordinary = make_ordinary(lengths, 210)
    chosen = choose_pieces(ordinary, probability=0.15, generator=generator())

    expected = [min(n, max(1, round(0.15 * n))) for n in lengths]
    assert chosen.sum(1).tolist() == expected


def test_special_pieces_and_padding_are_never_chosen() -> None:
    ordinary = torch.rand(200, 64, generator=generator()) < 0.5
    for starts in (None, torch.rand(200, 64, generator=generator(1)) < 0.5):
        chosen = choose_pieces(
            ordinary, probability=0.9, generator=generator(), starts_word_BT=starts
        )
        assert chosen.any()
        assert not (chosen & ~ordinary).any()


def test_sequence_without_ordinary_pieces_has_none_chosen() -> None:
    ordinary = torch.zeros(2, 4, dtype=torch.bool)
    for starts in (None, ordinary):
        chosen = choose_pieces(
            ordinary, probability=0.15, generator=generator(), starts_word_BT=starts
        )
        assert not chosen.any()


def test_chosen_places_are_uniform() -> None:
    n_sequences, n_places = 20_000, 100
    ordinary = make_ordinary([n_places] * n_sequences, n_places + 2)
    chosen = choose_pieces(ordinary, probability=0.15, generator=generator())

    counts = chosen.sum(0)[1:-1].double()
    expected = n_sequences * 0.15
    # Without replacement the counts vary less, by the factor 0.85.
    chi2 = ((counts - expected) ** 2 / (expected * 0.85)).sum().item()
    assert abs(chi2 - 99) < 4 * (2 * 99) ** 0.5


def test_chosen_pieces_depend_on_the_generator_alone() -> None:
    ordinary = make_ordinary([50] * 8, 52)
    found = [
        choose_pieces(ordinary, probability=0.15, generator=generator(seed))
        for seed in (1, 1, 2)
    ]
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_sequences=st.integers(0, 4),
    n_places=st.integers(1, 40),
    probability=st.floats(0.01, 1.0),
    share=st.floats(0, 1),
)
def test_whole_words_are_chosen_or_none_of_a_word(
    seed: int, n_sequences: int, n_places: int, probability: float, share: float
) -> None:
    dice = generator(seed)
    shape = (n_sequences, n_places)
    ordinary = torch.rand(shape, generator=dice) < 0.8
    starts = torch.rand(shape, generator=dice) < share
    chosen = choose_pieces(
        ordinary, probability=probability, generator=dice, starts_word_BT=starts
    )

    for row in range(n_sequences):
        words = words_of(ordinary[row].tolist(), starts[row].tolist())
        picked = set(chosen[row].nonzero().ravel().tolist())
        taken = [word for word in words if picked & set(word)]
        assert picked == {at for word in taken for at in word}
        assert bool(taken) == bool(words)
        n_ordinary = sum(map(len, words))
        wanted = max(1, torch.tensor(n_ordinary * probability).round().int())
        assert len(picked) <= wanted or len(taken) == 1


def test_rest_of_a_word_that_was_cut_is_chosen_as_often_as_others() -> None:
    # [CLS] ##a w w w w w w w w [SEP] ##b [SEP]: the rests are words of one piece, too.
    starts = torch.ones(20_000, 13, dtype=torch.bool)
    starts[:, [1, 11]] = False
    ordinary = torch.ones_like(starts)
    ordinary[:, [0, 10, 12]] = False
    chosen = choose_pieces(
        ordinary, probability=0.5, generator=generator(), starts_word_BT=starts
    )

    counts = chosen.sum(0)[[1, 2, 3, 4, 5, 6, 7, 8, 9, 11]]
    assert ((counts - 10_000).abs() < 4 * (20_000 / 4) ** 0.5).all()


def test_hidden_pieces_are_eighty_ten_ten() -> None:
    ids = torch.randint(5, N_VOCAB, (1000, 1000), generator=generator())
    chosen = torch.ones_like(ids, dtype=torch.bool)
    hidden, labels = hide_pieces(
        ids, chosen, mask_id=MASK, ordinary_ids_V=ORDINARY_IDS, generator=generator(1)
    )

    n = ids.numel()
    same_by_chance = 0.1 / len(ORDINARY_IDS)
    shares = {
        0.8: hidden == MASK,
        0.1 + same_by_chance: hidden == ids,
        0.1 - same_by_chance: (hidden != ids) & (hidden != MASK),
    }
    for share, found in shares.items():
        deviation = (n * share * (1 - share)) ** 0.5
        assert abs(found.sum().item() - n * share) < 4 * deviation
    assert torch.equal(labels, ids)


def test_random_pieces_are_uniform_over_the_ordinary_ones() -> None:
    ids = torch.full((1000, 1000), 5)
    hidden, _ = hide_pieces(
        ids,
        torch.ones_like(ids, dtype=torch.bool),
        mask_id=MASK,
        ordinary_ids_V=ORDINARY_IDS,
        generator=generator(),
    )

    counts = torch.bincount(hidden.ravel(), minlength=N_VOCAB).double()
    assert counts[:MASK].sum() == 0
    counts = counts[6:]
    expected = counts.mean()
    chi2 = ((counts - expected) ** 2 / expected).sum().item()
    assert abs(chi2 - 98) < 4 * (2 * 98) ** 0.5


@given(seed=st.integers(0, 2**32 - 1), B=st.integers(0, 4), T=st.integers(0, 16))
@settings(deadline=None)
def test_hide_pieces_touches_only_chosen_pieces(seed: int, B: int, T: int) -> None:
    dice = generator(seed)
    ids = torch.randint(5, N_VOCAB, (B, T), generator=dice)
    before = ids.clone()
    chosen = torch.rand(B, T, generator=dice) < 0.5

    hidden, labels = hide_pieces(
        ids, chosen, mask_id=MASK, ordinary_ids_V=ORDINARY_IDS, generator=dice
    )

    assert torch.equal(ids, before)
    assert torch.equal(hidden[~chosen], ids[~chosen])
    assert torch.equal(labels[chosen], ids[chosen])
    assert (labels[~chosen] == IGNORE).all()


@pytest.mark.parametrize(
    "chosen", [torch.zeros(2, 3), torch.zeros(3, 2, dtype=torch.bool)]
)
def test_hide_pieces_refuses_another_shape_or_type(chosen: Tensor) -> None:
    with pytest.raises(ValueError, match=r"\[B125\].*\(2, 3\)"):
        hide_pieces(
            torch.zeros(2, 3, dtype=torch.long),
            chosen,
            mask_id=MASK,
            ordinary_ids_V=ORDINARY_IDS,
            generator=generator(),
        )
