"""Find the pieces of each token, by their place in the text."""

from typing import Literal

import numpy
from numpy.typing import NDArray

from ..encoder.windows import Ints

Pooling = Literal["mean", "first"]
Floats = NDArray[numpy.float32]


def align(token_starts: Ints, starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """Pair tokens and pieces that share a character.

    A token reaches up to the start of the next one, so that the tokens cover
    the text without gaps. A piece may belong to several tokens, a token may
    have no piece.

    token_starts (Ints): Character at which each token starts, ascending. The
        first is at or before the first piece. [n_tokens], at least one.
    starts (Ints): Character at which each piece starts. [n_pieces]
    ends (Ints): Character after the last of each piece. [n_pieces]
    RETURNS (tuple[Ints, Ints]): The tokens and the pieces of the pairs, by
        ascending token, then piece.
    """
    first = numpy.searchsorted(token_starts, starts, side="right") - 1
    last = numpy.searchsorted(token_starts, ends - 1, side="right") - 1
    n_tokens = numpy.where(ends > starts, last - first + 1, 0)
    pieces = numpy.repeat(numpy.arange(len(starts)), n_tokens)
    # The how-manieth token of its piece: counts up from 0 for each piece.
    nth = numpy.arange(len(pieces)) - numpy.repeat(
        numpy.cumsum(n_tokens) - n_tokens, n_tokens
    )
    tokens = first[pieces] + nth
    order = numpy.argsort(tokens, kind="stable")
    return tokens[order], pieces[order]


def pool(tokens: Ints, pieces: Ints, *, pooling: Pooling) -> tuple[Ints, Ints, Floats]:
    """Weigh the pieces of each token.

    tokens (Ints): The tokens of the pairs, ascending.
    pieces (Ints): The pieces of the pairs.
    pooling (Pooling): "mean" of the pieces, or only the "first".
    RETURNS (tuple[Ints, Ints, Floats]): Tokens, pieces and weights. The weights
        of a token sum to 1.
    """
    is_first = numpy.ones(len(tokens), dtype=bool)
    is_first[1:] = tokens[1:] != tokens[:-1]
    if pooling == "first":
        n_first = int(is_first.sum())
        return tokens[is_first], pieces[is_first], numpy.ones(n_first, dtype="float32")
    starts = numpy.flatnonzero(is_first)
    n_pieces = numpy.diff(starts, append=len(tokens))
    weights = numpy.repeat(1 / numpy.maximum(n_pieces, 1), n_pieces)
    return tokens, pieces, weights.astype("float32")
