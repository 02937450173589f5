"""From the store to batches with hidden pieces, in an order that never varies.

What comes is a function of the store, the recipe, the seed and the place in the run;
neither the machine nor the number of processes has a part in it. An epoch visits the
store in groups of its record batches, drawn anew each time, so that a plan of any
corpus fits into memory.

Shapes: V = vocabulary.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..encoder.hub import PreTrainedTokenizerFast, open_tokenizer
from ..errors import Errors
from .batches import plan_batches
from .compat import plan_google_epoch
from .config import PretrainConfig
from .documents import StoredDocuments
from .making import HiddenBatch, Inputs, make_batches
from .masking import Masking
from .packs import plan_packs
from .pairs import plan_epoch
from .ranges import IntArray
from .slabs import SpecialIds
from .store import TokenStore, open_store, tokenizer_checksum

# Pieces that are planned together; strangers come from the same group.
GROUP_PIECES = 1 << 25
# More groups than any epoch has: each group is planned as a pass of its own.
MAX_GROUPS = 1 << 20
# Positions in the batches that are made at once: enough that the calls cost little, and
# few enough for the processor's cache.
SLAB_POSITIONS = 1 << 17
# The pass of held-out questions; the run's seed is not theirs.
_HELD_OUT_PASS = 0


class Place(NamedTuple):
    """Where a run is in its data: all that the order of what follows depends on.

    `parts` are the record batches the store had when the epoch began: what was
    added since comes with the next epoch.
    """

    epoch: int = 0
    group: int = 0
    batch: int = 0
    parts: int | None = None


@dataclass(frozen=True, slots=True)
class PlannedBatch:
    """A batch that is known but not made yet, so that each process makes its own.

    It is made of the inputs `chosen`. `after` is where the run is once it has learned
    from the batch, `epochs` the passes over the store by then. `n_positions` counts what
    is left empty too; `n_squares` sums the squares of the lengths.
    """

    inputs: Inputs
    chosen: IntArray
    n_pieces: int
    n_positions: int
    n_squares: int
    after: Place
    epochs: float

    def documents(self) -> list[str]:
        """Give the ids of the documents in it."""
        return self.inputs.names(self.chosen)


@dataclass(frozen=True, slots=True)
class Feed:
    """A store, its tokenizer, and what the config wants of them."""

    config: PretrainConfig
    store: TokenStore
    tokenizer: PreTrainedTokenizerFast
    special: SpecialIds
    ordinary_ids_V: IntArray
    starts_word_V: NDArray[np.bool_]

    def groups(self, start: Place) -> Iterator[list[PlannedBatch]]:
        """Plan the batches of all epochs from a place on, group by group, without end.

        start (Place): `after` of the last batch that was learned from.
        YIELDS (list[PlannedBatch]): In the order of the run.
        RAISES (ValueError): If the store gives no sequence at all.
        """
        place = start
        for epoch in count(start.epoch):
            parts = self.store.n_parts if place.parts is None else place.parts
            groups = self._groups(epoch, parts)
            for group in range(place.group, len(groups)):
                first = place.batch if group == place.group else 0
                planned = self._plan_group(groups, epoch, group, parts)
                yield planned[first:]
            place = Place(epoch + 1)

    def held_out_batches(self) -> list[HiddenBatch]:
        """Give the questions on held-out documents, the same in every run.

        RETURNS (list[HiddenBatch]): At most `evaluation.max_instances`
            sequences; empty if the store keeps no documents.
        """
        # Of a large store the first documents: they are planned together.
        parts = self.store.first_parts("held_out", GROUP_PIECES)
        documents = self.store.documents("held_out", parts=parts)
        if not len(documents):
            return []
        seed, limit = self.config.evaluation.seed, self.config.evaluation.max_instances
        inputs, plan = self._plan(documents, seed, _HELD_OUT_PASS, limit=limit)
        return make_batches(inputs, plan)

    def _groups(self, epoch: int, n_parts: int) -> list[list[int]]:
        """Deal the record batches of the store into groups, in an order of the epoch."""
        order = np.random.default_rng(
            (self.config.training.seed, epoch, n_parts)
        ).permutation(n_parts)
        groups: list[list[int]] = [[]]
        n_pieces = 0
        for part in order.tolist():
            if groups[-1] and n_pieces >= GROUP_PIECES:
                groups.append([])
                n_pieces = 0
            groups[-1].append(part)
            n_pieces += self.store.part_pieces(part)
        return groups

    def _plan_group(
        self, groups: list[list[int]], epoch: int, group: int, parts: int
    ) -> list[PlannedBatch]:
        documents = self.store.documents("train", parts=sorted(groups[group]))
        seed, number_of_pass = self.config.training.seed, epoch * MAX_GROUPS + group
        inputs, plan = self._plan(documents, seed, number_of_pass)
        if not plan and len(groups) == 1:
            raise ValueError(Errors.B150.format(store=self.store.folder))
        if not plan:
            return []
        n_rows = np.array([len(chosen) for chosen in plan])
        firsts = np.cumsum(n_rows) - n_rows
        lengths = inputs.instances.lengths[np.concatenate(plan)]
        n_pieces = np.add.reduceat(lengths, firsts)
        # A rectangle, or the budget of a pack.
        n_positions = n_rows * np.maximum.reduceat(lengths, firsts)
        if self.config.training.packing == "packs":
            n_positions = n_pieces.clip(min=self.config.training.batch_pieces)
        n_squares = np.add.reduceat(np.square(lengths), firsts)
        places = [Place(epoch, group, number, parts) for number in range(1, len(plan))]
        next_group = Place(epoch, group + 1, 0, parts)
        places.append(next_group if group + 1 < len(groups) else Place(epoch + 1))
        shares = np.arange(1, len(plan) + 1) / len(plan)
        epochs = epoch + (group + shares) / len(groups)
        columns = (
            plan,
            n_pieces.tolist(),
            n_positions.tolist(),
            n_squares.tolist(),
            places,
            epochs.tolist(),
        )
        return [PlannedBatch(inputs, *row) for row in zip(*columns, strict=True)]

    def _plan(
        self,
        documents: StoredDocuments,
        seed: int,
        number_of_pass: int,
        *,
        limit: int | None = None,
    ) -> tuple[Inputs, list[IntArray]]:
        """Say what is asked about some documents, and what goes side by side."""
        training = self.config.training
        inputs = self._plan_inputs(documents, seed, number_of_pass)
        lengths = inputs.instances.lengths[:limit]
        if training.packing == "packs":
            plan = plan_packs(
                lengths,
                batch_pieces=training.batch_pieces,
                seed=seed,
                epoch=number_of_pass,
            )
            return inputs, plan
        plan = plan_batches(
            lengths,
            batch_pieces=training.batch_pieces,
            bucket_instances=training.bucket_instances,
            seed=seed,
            epoch=number_of_pass,
        )
        return inputs, plan

    def _plan_inputs(self, documents: StoredDocuments, seed: int, epoch: int) -> Inputs:
        """Plan the inputs of a pass, and say how their pieces are hidden."""
        objective = self.config.objective
        if objective.compat == "google":
            google = plan_google_epoch(
                documents,
                objective,
                special=self.special,
                starts_word_V=self.starts_word_V,
                seed=seed,
                epoch=epoch,
            )
            return Inputs(documents, google.instances, self.special, google.hide)
        instances = plan_epoch(
            documents,
            max_pieces=objective.max_pieces,
            short_probability=objective.short_probability,
            next_sentence=objective.next_sentence,
            seed=seed,
            epoch=epoch,
        )
        masking = Masking(
            probability=objective.mask_fraction,
            mask_id=self.special.mask,
            ordinary_ids_V=self.ordinary_ids_V,
            starts_word_V=self.starts_word_V if objective.whole_words else None,
            seed=seed,
            epoch=epoch,
        )
        return Inputs(documents, instances, self.special, masking.hide)


def make_own(
    groups: Iterable[list[PlannedBatch]], owns: Callable[[int], bool]
) -> Iterator[tuple[PlannedBatch, HiddenBatch | None]]:
    """Make the batches of this process, as many at once as is fastest.

    groups (Iterable): From `Feed.groups`. The next one is taken when the last batch of
        the one before has been.
    owns (Callable): Says of a batch, by its number, whether this process makes it.
    YIELDS (tuple): Each batch as planned; and made, if it is this process's.
    """
    number = 0
    for group in groups:
        waiting: list[tuple[PlannedBatch, bool]] = []
        n_positions = 0
        for planned in group:
            is_own = owns(number)
            number += 1
            waiting.append((planned, is_own))
            n_positions += planned.n_positions * is_own
            if n_positions >= SLAB_POSITIONS:
                yield from _make_waiting(waiting)
                waiting, n_positions = [], 0
        yield from _make_waiting(waiting)


def _make_waiting(
    waiting: list[tuple[PlannedBatch, bool]],
) -> Iterator[tuple[PlannedBatch, HiddenBatch | None]]:
    """Make the own ones of some batches of a group."""
    own = [planned for planned, is_own in waiting if is_own]
    rows = [planned.chosen for planned in own]
    made = iter(make_batches(own[0].inputs, rows) if own else [])
    for planned, is_own in waiting:
        yield planned, next(made) if is_own else None


def open_feed(config: PretrainConfig) -> Feed:
    """Open the store and the tokenizer it was made with.

    config (PretrainConfig): Its paths name both.
    RETURNS (Feed): Ready to give batches.
    RAISES (OSError): If either is missing.
    RAISES (ValueError): If a shard was changed, if the store was made with another
        tokenizer, or if it has no documents to learn from.
    """
    store = open_store(config.paths.store)
    store.verify()
    tokenizer = open_tokenizer(config.paths.tokenizer)
    store.check_tokenizer(tokenizer_checksum(tokenizer.backend_tokenizer))
    if not store.n_documents("train"):
        raise ValueError(Errors.B150.format(store=store.folder))
    pieces = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    # "[unused1]" and its like are no pieces of any text either.
    bracketed = [p.startswith("[") and p.endswith("]") and len(p) > 2 for p in pieces]
    return Feed(
        config=config,
        store=store,
        tokenizer=tokenizer,
        special=SpecialIds(
            pad=tokenizer.pad_token_id,
            cls=tokenizer.cls_token_id,
            sep=tokenizer.sep_token_id,
            mask=tokenizer.mask_token_id,
        ),
        ordinary_ids_V=np.flatnonzero(~np.array(bracketed)),
        starts_word_V=np.array([not piece.startswith("##") for piece in pieces]),
    )
