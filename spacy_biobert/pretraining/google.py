"""Plan inputs as Google's data builder did, draw for draw. No I/O.

For whoever has to repeat a published run exactly; `pairs` says what it does better.
From the same documents, settings and `random.Random` come the same inputs as from
`create_instances_from_document` of google-research/bert, its faults among them: a
chunk of one sentence counts as random, a pair is cut at any of its ends, a stranger
may come from the same document after ten draws, a word may go on from the end of A to
the start of B, and random pieces may be special ones.
"""

import random
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import Errors
from .pairs import (
    FOLLOWS,
    LEAST_PIECES,
    N_COLUMNS,
    N_SPECIALS_PAIR,
    RANDOM,
    Instances,
)
from .ranges import IntArray, join_ranges
from .slabs import Slab

# Draws in search of another document; the last one counts, whatever it is.
MAX_DRAWS = 10

# Begin and end, in pieces of a document.
Stretch = tuple[int, int]
Row = tuple[int, int, int, int, int, int, int]


class Documents(Protocol):
    """Documents one by one; `documents.StoredDocuments` is one."""

    def __len__(self) -> int: ...

    def pieces(self, index: int) -> NDArray[np.unsignedinteger]:
        """Give the piece ids of a document [n_pieces]."""

    def bounds(self, index: int) -> IntArray:
        """Give where its sentences begin and end, offsets [n_sentences + 1]."""


@dataclass(frozen=True, slots=True)
class GoogleRecipe:
    """The settings of the builder; shares are 0 to 1.

    `max_pieces`, `mask_fraction` and `max_hidden` are its `max_seq_length`,
    `masked_lm_prob` and `max_predictions_per_seq`; random pieces are drawn from the
    ids below `n_vocab`. `goes_on_V` says of each piece whether it goes on a word;
    given, all pieces of a word are hidden or none.
    """

    max_pieces: int
    short_probability: float
    mask_fraction: float
    max_hidden: int
    mask_id: int
    n_vocab: int
    goes_on_V: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class GooglePlan:
    """Inputs, and what is hidden in each: fixed, however often they are read.

    `starts` [n + 1] says where the hidden pieces of each input stand in `places`
    (their position in the input, 0 is [CLS]) and in `shown` (what is fed there: [MASK],
    the piece itself or a random one).
    """

    instances: Instances
    starts: IntArray
    places: IntArray
    shown: IntArray

    def take(self, order: IntArray) -> "GooglePlan":
        """Give some of the inputs, or all in another order.

        order (IntArray): Their numbers [n].
        RETURNS (GooglePlan): Input i is what was input `order[i]`.
        """
        at, n_hidden = self._find(order)
        return GooglePlan(
            Instances(self.instances.table[order]),
            starts=np.concatenate([[0], np.cumsum(n_hidden)]),
            places=self.places[at],
            shown=self.shown[at],
        )

    def hide(self, slab: Slab, numbers_R: IntArray) -> tuple[IntArray, IntArray]:
        """Hide in some inputs what the plan says.

        slab (Slab): Not modified.
        numbers_R (IntArray): Those of its inputs.
        RETURNS (tuple[IntArray, IntArray]): Positions in the slab, from its start to
            its end, and the pieces that are fed there [n_hidden].
        """
        at, n_hidden = self._find(numbers_R)
        return slab.starts_R.repeat(n_hidden) + self.places[at], self.shown[at]

    def _find(self, numbers: IntArray) -> tuple[IntArray, IntArray]:
        """Say where the hidden pieces of some inputs stand, and how many each has."""
        starts = self.starts[numbers]
        n_hidden = self.starts[numbers + 1] - starts
        return join_ranges(starts, n_hidden), n_hidden


def plan_google(
    documents: Documents, recipe: GoogleRecipe, dice: random.Random
) -> GooglePlan:
    """Plan every input of one pass over the documents, in their order.

    `dupe_factor` passes of the builder are as many calls with the same `dice`.

    documents (Documents): Each has at least one sentence, each of at least one piece.
    recipe (GoogleRecipe): The settings.
    dice (random.Random): The only source of randomness; what is drawn, and in which
        order, is what makes the inputs those of the builder.
    RETURNS (GooglePlan): The inputs; their labels are 0 or 1, never -100.
    RAISES (ValueError): If `max_pieces` is less than 5.
    SOURCE: Devlin et al. (2019), appendix A.2, https://arxiv.org/abs/1810.04805;
        create_pretraining_data.py of https://github.com/google-research/bert
    """
    if recipe.max_pieces < LEAST_PIECES:
        raise ValueError(
            Errors.B120.format(found=recipe.max_pieces, least=LEAST_PIECES)
        )
    builder = _Builder(documents, recipe, dice)
    rows, starts, places, shown = array("q"), array("q", [0]), array("q"), array("q")
    for document in range(len(documents)):
        for row, hidden in builder.build(document):
            rows.extend(row)
            places.extend(place for place, _ in hidden)
            shown.extend(piece for _, piece in hidden)
            starts.append(len(places))
    return GooglePlan(
        Instances(_to_numpy(rows).astype(np.int32).reshape(-1, N_COLUMNS)),
        starts=_to_numpy(starts),
        places=_to_numpy(places),
        shown=_to_numpy(shown),
    )


def _to_numpy(numbers: "array[int]") -> IntArray:
    return np.array(numbers, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class _Builder:
    documents: Documents
    recipe: GoogleRecipe
    dice: random.Random

    def build(self, document: int) -> Iterator[tuple[Row, list[tuple[int, int]]]]:
        """Give the inputs of a document, with the places and pieces to hide."""
        bounds = self.documents.bounds(document).tolist()
        room = self.recipe.max_pieces - N_SPECIALS_PAIR
        # One draw for the whole document.
        is_short = self.dice.random() < self.recipe.short_probability
        target = self.dice.randint(2, room) if is_short else room
        first, n_sentences = 0, len(bounds) - 1
        while first < n_sentences:
            last = bisect_left(bounds, bounds[first] + target, first + 1)
            last = min(last, n_sentences)
            is_alone = last - first == 1
            middle = last if is_alone else self.dice.randint(first + 1, last - 1)
            a = (bounds[first], bounds[middle])
            if is_alone or self.dice.random() < 0.5:
                other, b = self._stranger(document, target - (a[1] - a[0]))
                row = self._fit(document, a, other, b, RANDOM)
                # What the stranger took the place of is used again.
                first = middle
            else:
                b = (bounds[middle], bounds[last])
                row = self._fit(document, a, document, b, FOLLOWS)
                first = last
            yield row, self._hide(row)

    def _stranger(self, document: int, wanted: int) -> tuple[int, Stretch]:
        """Take sentences from anywhere in a random document until they are enough."""
        for _ in range(MAX_DRAWS):
            other = self.dice.randint(0, len(self.documents) - 1)
            if other != document:
                break
        bounds = self.documents.bounds(other).tolist()
        first = self.dice.randint(0, len(bounds) - 2)
        last = bisect_left(bounds, bounds[first] + wanted, first + 1)
        return other, (bounds[first], bounds[min(last, len(bounds) - 1)])

    def _fit(
        self, document: int, a: Stretch, other: int, b: Stretch, label: int
    ) -> Row:
        """Take pieces from a random end of the longer segment until the pair fits."""
        room = self.recipe.max_pieces - N_SPECIALS_PAIR
        ends = [[*a], [*b]]
        n_pieces = [a[1] - a[0], b[1] - b[0]]
        for _ in range(sum(n_pieces) - room):
            longer = 0 if n_pieces[0] > n_pieces[1] else 1
            n_pieces[longer] -= 1
            if self.dice.random() < 0.5:
                ends[longer][0] += 1
            else:
                ends[longer][1] -= 1
        (a_begin, a_end), (b_begin, b_end) = ends
        return document, a_begin, a_end, other, b_begin, b_end, label

    def _hide(self, row: Row) -> list[tuple[int, int]]:
        """Draw words (or pieces) until they are as many pieces as wanted."""
        a_doc, a_begin, a_end, b_doc, b_begin, b_end, _ = row
        ids = self.documents.pieces(a_doc)[a_begin:a_end].tolist()
        n_a = len(ids)
        ids += self.documents.pieces(b_doc)[b_begin:b_end].tolist()
        # The special pieces count here, although they are never hidden.
        wanted = round((len(ids) + N_SPECIALS_PAIR) * self.recipe.mask_fraction)
        wanted = min(self.recipe.max_hidden, max(1, wanted))
        words = self._words(ids)
        self.dice.shuffle(words)
        hidden: list[tuple[int, int]] = []
        for word in words:
            if len(hidden) == wanted:
                break
            if len(hidden) + len(word) <= wanted:
                hidden += (
                    (at + (1 if at < n_a else 2), self._show(ids[at])) for at in word
                )
        return sorted(hidden)

    def _words(self, ids: list[int]) -> list[list[int]]:
        """Give the places of the pieces of each word; [SEP] between does not end one."""
        goes_on = self.recipe.goes_on_V
        if goes_on is None:
            return [[at] for at in range(len(ids))]
        words: list[list[int]] = []
        for at, id_ in enumerate(ids):
            if words and goes_on[id_]:
                words[-1].append(at)
            else:
                words.append([at])
        return words

    def _show(self, id_: int) -> int:
        """Draw what is fed in place of a hidden piece."""
        if self.dice.random() < 0.8:
            return self.recipe.mask_id
        if self.dice.random() < 0.5:
            return id_
        return self.dice.randint(0, self.recipe.n_vocab - 1)
