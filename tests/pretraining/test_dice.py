"""Whether what is rolled looks like chance, where plans and masks look at it."""

import numpy as np
import pytest
from numpy.typing import NDArray

from spacy_biobert.pretraining.dice import make_key, roll, to_numbers, to_shares

N = 1 << 17


def deviations(counts: NDArray[np.int64], expected: float) -> float:
    """How many standard deviations chi-square is from its mean."""
    n_free = counts.size - 1
    chi2 = ((counts - expected) ** 2 / expected).sum()
    return float((chi2 - n_free) / (2 * n_free) ** 0.5)


# What stands side by side: places of an input, inputs of a pass, passes, seeds.
def by_place() -> NDArray[np.uint64]:
    return roll(roll(make_key("choose", 0, 0), np.array([5]))[0], np.arange(N))


def by_input() -> NDArray[np.uint64]:
    keys = roll(make_key("choose", 0, 0), np.arange(N))
    return roll(keys, np.ones(N, np.int64))


def by_pass() -> NDArray[np.uint64]:
    one = np.array([7])
    return np.concatenate([roll(make_key("choose", 0, n), one) for n in range(N // 8)])


def by_seed() -> NDArray[np.uint64]:
    one = np.array([7])
    return np.concatenate([roll(make_key("choose", n, 3), one) for n in range(N // 8)])


ROWS = {"place": by_place, "input": by_input, "pass": by_pass, "seed": by_seed}


@pytest.mark.parametrize("rolled", ROWS.values(), ids=ROWS)
def test_rolls_are_uniform(rolled) -> None:
    rolls = rolled()
    for shift in (0, 24, 56):
        bits = (rolls >> np.uint64(shift)).astype(np.uint8)
        counts = np.bincount(bits, minlength=256)
        assert abs(deviations(counts, len(rolls) / 256)) < 4


@pytest.mark.parametrize("distance", [1, 2, 3, 8, 64])
@pytest.mark.parametrize("rolled", ROWS.values(), ids=ROWS)
def test_rolls_side_by_side_are_independent(rolled, distance: int) -> None:
    shares = to_shares(rolled())
    one, other = shares[:-distance], shares[distance:]
    n = len(one)
    assert abs(np.corrcoef(one, other)[0, 1]) < 4 / n**0.5
    cells = (one * 16).astype(int) * 16 + (other * 16).astype(int)
    assert abs(deviations(np.bincount(cells, minlength=256), n / 256)) < 4


def test_each_bit_turns_half_of_the_bits() -> None:
    keys = roll(make_key("bits"), np.arange(4096))
    for bit in range(20):
        flipped = roll(keys, np.full(4096, 1 << bit)) ^ roll(keys, np.zeros(4096, int))
        turned = np.unpackbits(flipped.view(np.uint8)).mean()
        assert abs(turned - 0.5) < 4 * 0.5 / (4096 * 64) ** 0.5


def test_a_roll_depends_on_its_key_and_counter_alone() -> None:
    key, counters = make_key("any", 3), np.arange(100)
    rolls = roll(key, counters)
    assert counters.tolist() == list(range(100))
    backwards = [int(roll(key, np.array([n]))[0]) for n in range(99, -1, -1)]
    assert backwards[::-1] == rolls.tolist()
    assert len(set(rolls.tolist())) == 100


def test_rolls_are_those_of_splitmix64() -> None:
    # Of the reference implementation with the seed 1234567; it counts from 1.
    expected = [
        6457827717110365317, 3203168211198807973, 9817491932198370423,
        4593380528125082431, 16408922859458223821,
    ]  # fmt: skip
    assert roll(np.uint64(1234567), np.arange(1, 6)).tolist() == expected


def test_keys_differ_in_every_part() -> None:
    parts = [("a", 0, 1), ("a", 1, 0), ("a", 0, 11), ("a", 0, 1, 1), ("b", 0, 1)]
    assert len({int(make_key(*part)) for part in parts}) == len(parts)
    assert make_key("a", 0, 1) == make_key("a", 0, 1)


@pytest.mark.parametrize("end", [1, 2, 7, 509, 28_996])
def test_numbers_are_uniform_and_below_their_end(end: int) -> None:
    rolls = roll(make_key("numbers"), np.arange(100 * end))
    numbers = to_numbers(rolls, end)
    assert np.array_equal(numbers, to_numbers(rolls, np.full(len(rolls), end)))
    assert numbers.min() >= 0
    assert numbers.max() == end - 1
    if end > 1:
        assert abs(deviations(np.bincount(numbers, minlength=end), 100)) < 4


def test_ends_of_the_range() -> None:
    lowest_and_highest = np.array([0, 2**64 - 1], np.uint64)
    assert to_shares(lowest_and_highest).tolist() == [0.0, 1 - 2.0**-53]
    assert to_numbers(lowest_and_highest, 10).tolist() == [0, 9]
