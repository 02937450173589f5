"""Whole numbers in arrays, and ranges of them end to end."""

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]


def join_ranges(begins: IntArray, sizes: IntArray) -> IntArray:
    """Give the numbers of several ranges, one range after another.

    begins (IntArray): The first number of each [n_ranges].
    sizes (IntArray): How many there are in each, perhaps none [n_ranges].
    RETURNS (IntArray): `begins[0]`, `begins[0] + 1`, ... [sum of sizes].
    """
    ends = np.cumsum(sizes)
    numbers = np.arange(ends[-1] if len(ends) else 0)
    numbers += np.repeat(begins - ends + sizes, sizes)
    return numbers
