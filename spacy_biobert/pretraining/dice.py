"""Randomness without a state: a key and a counter always roll the same number.

What is rolled depends on nothing that was rolled before, so that any part of it comes
out alone, in any order and many at once.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

from .ranges import IntArray

# Uniform in 64 bits.
Rolls = NDArray[np.uint64]

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_FACTORS = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHIFTS = np.uint64(30), np.uint64(27), np.uint64(31)
_HALF = np.uint64(32)
# A float64 holds 53 bits.
_TO_SHARE, _BIT = np.uint64(11), 2.0**-53


def make_key(*parts: object) -> np.uint64:
    """Make a key that is unlike that of any other parts.

    parts (object): Such as what is rolled for, a seed and a number; their text counts.
    RETURNS (np.uint64): To roll with.
    """
    digest = hashlib.sha256(" ".join(map(str, parts)).encode()).digest()
    return np.uint64(int.from_bytes(digest[:8], "little"))


def roll(keys: np.uint64 | Rolls, counters: IntArray) -> Rolls:
    """Roll a number for each counter.

    keys (np.uint64 | Rolls): One for all counters, or one for each: from `make_key`,
        or rolled themselves.
    counters (IntArray): Not modified [n].
    RETURNS (Rolls): Two different counters of a key never roll the same [n].
    SOURCE: SplitMix64, Steele et al. (2014), figure 17,
        https://doi.org/10.1145/2714064.2660195; the keys are its seeds. The factors are
        those of its reference implementation, https://prng.di.unimi.it/splitmix64.c
    """
    rolls = counters.astype(np.uint64)
    rolls *= _GAMMA
    rolls += keys
    shifted = np.empty_like(rolls)
    for shift, factor in zip(_SHIFTS, _FACTORS, strict=False):
        np.right_shift(rolls, shift, out=shifted)
        rolls ^= shifted
        rolls *= factor
    np.right_shift(rolls, _SHIFTS[-1], out=shifted)
    rolls ^= shifted
    return rolls


def to_shares(rolls: Rolls) -> NDArray[np.float64]:
    """Give each roll as a number from 0 to 1, without 1."""
    return (rolls >> _TO_SHARE).astype(np.float64) * _BIT


def to_numbers(rolls: Rolls, ends: int | IntArray) -> IntArray:
    """Give each roll as a whole number from 0 to below an end.

    rolls (Rolls): Their upper 32 bits count [n].
    ends (int | IntArray): At most 2**32 [n].
    """
    scaled = (rolls >> _HALF) * np.asarray(ends, dtype=np.uint64)
    return (scaled >> _HALF).astype(np.int64)
