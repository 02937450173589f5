"""From the store to batches with hidden pieces, in an order that never varies.

What comes is a function of the store, the recipe, the seed and the place in the run;
neither the machine nor the number of processes has a part in it. An epoch visits the
store in groups of its record batches, drawn anew each time, so that a plan of any
corpus fits into memory.

Shapes: B = sequences in the batch, T = pieces of the longest, V = vocabulary.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..encoder.hub import PreTrainedTokenizerFast, open_tokenizer
from ..errors import Errors
from .batches import Batch, IntArray, SpecialIds, make_batch, plan_batches
from .compat import plan_google_epoch
from .config import PretrainConfig
from .losses import IGNORE
from .masking import choose_pieces, hide_pieces
from .packs import plan_packs
from .pairs import Instances, plan_epoch
from .store import StoredDocuments, TokenStore, open_store, tokenizer_checksum

# Pieces that are planned together; strangers come from the same group.
GROUP_PIECES = 1 << 25
# More groups than any epoch has: each group is planned as a pass of its own.
MAX_GROUPS = 1 << 20
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


# Gives the ids to feed and the labels [B, T] of a batch, the numbers of its inputs
# and a source of randomness.
Hide = Callable[[Batch, IntArray, torch.Generator], tuple[Tensor, Tensor]]


@dataclass(frozen=True, slots=True)
class HiddenBatch:
    """A padded batch to learn from; `labels_BT` is IGNORE where nothing is hidden."""

    ids_BT: Tensor
    segments_BT: Tensor
    real_BT: Tensor
    labels_BT: Tensor
    nsp_labels_B: Tensor
    n_pieces: int
    n_hidden: int
    n_pairs: int

    def to(self, device: torch.device) -> "HiddenBatch":
        """Give the batch on a device; on the same device, itself."""
        if self.ids_BT.device == device:
            return self
        return HiddenBatch(
            ids_BT=self.ids_BT.to(device, non_blocking=True),
            segments_BT=self.segments_BT.to(device, non_blocking=True),
            real_BT=self.real_BT.to(device, non_blocking=True),
            labels_BT=self.labels_BT.to(device, non_blocking=True),
            nsp_labels_B=self.nsp_labels_B.to(device, non_blocking=True),
            n_pieces=self.n_pieces,
            n_hidden=self.n_hidden,
            n_pairs=self.n_pairs,
        )


@dataclass(frozen=True, slots=True)
class PlannedBatch:
    """A batch that is known but not made yet, so that each process makes its own.

    `make` gives it; `documents` gives the ids of the documents in it. `after` is where
    the run is once it has learned from the batch, `epochs` the passes over the store by
    then. `n_positions` counts what is left empty too; `n_squares` sums the squares of the lengths.
    """

    n_pieces: int
    n_positions: int
    n_squares: int
    after: Place
    epochs: float
    make: Callable[[], HiddenBatch]
    documents: Callable[[], list[str]]


@dataclass(frozen=True, slots=True)
class _Inputs:
    """What is asked about some documents, and how."""

    documents: StoredDocuments
    instances: Instances
    hide: Hide

    def names(self, chosen: IntArray) -> list[str]:
        """Give the ids of the documents in some inputs."""
        numbers = np.unique(self.instances.table[chosen][:, (0, 3)])
        return [self.documents.name(index) for index in numbers.tolist()]


@dataclass(frozen=True, slots=True)
class Feed:
    """A store, its tokenizer, and what the config wants of them."""

    config: PretrainConfig
    store: TokenStore
    tokenizer: PreTrainedTokenizerFast
    special: SpecialIds
    ordinary_ids_V: Tensor
    starts_word_V: Tensor

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
        return [
            self._make(inputs, chosen, (seed, _HELD_OUT_PASS, number))
            for number, chosen in enumerate(plan)
        ]

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
        lengths = inputs.instances.lengths
        planned = []
        for number, chosen in enumerate(plan):
            share = (group + (number + 1) / len(plan)) / len(groups)
            last = number + 1 == len(plan)
            after = Place(epoch, group + last, 0 if last else number + 1, parts)
            if after.group == len(groups):
                after = Place(epoch + 1)
            key = (seed, number_of_pass, number)
            planned.append(
                PlannedBatch(
                    n_pieces=int(lengths[chosen].sum()),
                    n_positions=self._count_positions(lengths[chosen]),
                    n_squares=int(np.square(lengths[chosen]).sum()),
                    after=after,
                    epochs=epoch + share,
                    make=partial(self._make, inputs, chosen, key),
                    documents=partial(inputs.names, chosen),
                )
            )
        return planned

    def _count_positions(self, lengths: IntArray) -> int:
        """Count what a batch has room for: a rectangle, or the budget of a pack."""
        if self.config.training.packing == "packs":
            return max(int(lengths.sum()), self.config.training.batch_pieces)
        return len(lengths) * int(lengths.max())

    def _plan(
        self,
        documents: StoredDocuments,
        seed: int,
        number_of_pass: int,
        *,
        limit: int | None = None,
    ) -> tuple[_Inputs, list[IntArray]]:
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

    def _plan_inputs(
        self, documents: StoredDocuments, seed: int, epoch: int
    ) -> _Inputs:
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
            return _Inputs(
                documents,
                google.instances,
                lambda batch, chosen, _: google.hide(batch, chosen),
            )
        instances = plan_epoch(
            documents,
            max_pieces=objective.max_pieces,
            short_probability=objective.short_probability,
            next_sentence=objective.next_sentence,
            seed=seed,
            epoch=epoch,
        )
        return _Inputs(documents, instances, self._hide)

    def _make(
        self, inputs: _Inputs, chosen: IntArray, key: tuple[int, ...]
    ) -> HiddenBatch:
        """Make a batch and hide pieces in it; `key` is the source of all randomness."""
        batch = make_batch(
            [
                (
                    *inputs.instances.pieces(inputs.documents, index),
                    int(inputs.instances.labels[index]),
                )
                for index in chosen.tolist()
            ],
            self.special,
        )
        entropy = np.random.SeedSequence(key).generate_state(1)
        generator = torch.Generator().manual_seed(int(entropy[0]))
        ids_BT, labels_BT = inputs.hide(batch, chosen, generator)
        return HiddenBatch(
            ids_BT=ids_BT,
            segments_BT=batch.segments_BT,
            real_BT=batch.real_BT,
            labels_BT=labels_BT,
            nsp_labels_B=batch.nsp_labels_B,
            n_pieces=batch.n_pieces,
            n_hidden=int(torch.count_nonzero(labels_BT != IGNORE)),
            n_pairs=int(torch.count_nonzero(batch.nsp_labels_B != IGNORE)),
        )

    def _hide(
        self, batch: Batch, _: IntArray, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        objective = self.config.objective
        starts_word_BT = self.starts_word_V[batch.ids_BT]
        chosen_BT = choose_pieces(
            batch.ordinary_BT,
            probability=objective.mask_fraction,
            generator=generator,
            starts_word_BT=starts_word_BT if objective.whole_words else None,
        )
        return hide_pieces(
            batch.ids_BT,
            chosen_BT,
            mask_id=self.special.mask,
            ordinary_ids_V=self.ordinary_ids_V,
            generator=generator,
        )


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
        ordinary_ids_V=torch.tensor(
            [i for i, special in enumerate(bracketed) if not special]
        ),
        starts_word_V=torch.tensor([not piece.startswith("##") for piece in pieces]),
    )
