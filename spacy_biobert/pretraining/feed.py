"""From the store to batches with hidden pieces, in an order that never varies.

What comes is a function of the store, the recipe, the seed and the epoch.

Shapes: B = sequences in the batch, T = pieces of the longest, V = vocabulary.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

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
from .pairs import Instances, plan_epoch
from .store import StoredDocuments, TokenStore, open_store, tokenizer_checksum

# The epoch of held-out questions; the run's seed is not theirs.
_HELD_OUT_EPOCH = 0

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
    # Passes over the store once this batch has been learned from
    epochs: float

    def to(self, device: torch.device) -> "HiddenBatch":
        """Give the batch on a device; on the same device, itself."""
        if self.ids_BT.device == device:
            return self
        return HiddenBatch(
            ids_BT=self.ids_BT.to(device),
            segments_BT=self.segments_BT.to(device),
            real_BT=self.real_BT.to(device),
            labels_BT=self.labels_BT.to(device),
            nsp_labels_B=self.nsp_labels_B.to(device),
            n_pieces=self.n_pieces,
            n_hidden=self.n_hidden,
            n_pairs=self.n_pairs,
            epochs=self.epochs,
        )


@dataclass(frozen=True, slots=True)
class Feed:
    """A store, its tokenizer, and what the config wants of them."""

    config: PretrainConfig
    store: TokenStore
    tokenizer: PreTrainedTokenizerFast
    special: SpecialIds
    ordinary_ids_V: Tensor
    starts_word_V: Tensor

    def stream(self) -> Iterator[HiddenBatch]:
        """Give the batches of all epochs, without end.

        YIELDS (HiddenBatch): In the order of the run.
        RAISES (ValueError): If the store gives no sequence at all.
        """
        documents = self.store.documents("train")
        for epoch in count():
            yield from self._epoch(documents, self.config.training.seed, epoch)

    def held_out_batches(self) -> list[HiddenBatch]:
        """Give the questions on held-out documents, the same in every run.

        RETURNS (list[HiddenBatch]): At most `evaluation.max_instances`
            sequences; empty if the store keeps no documents.
        """
        documents = self.store.documents("held_out")
        if not len(documents):
            return []
        seed, limit = self.config.evaluation.seed, self.config.evaluation.max_instances
        return list(self._epoch(documents, seed, _HELD_OUT_EPOCH, limit=limit))

    def _epoch(
        self,
        documents: StoredDocuments,
        seed: int,
        epoch: int,
        *,
        limit: int | None = None,
    ) -> Iterator[HiddenBatch]:
        instances, hide = self._plan(documents, seed, epoch)
        plan = plan_batches(
            instances.lengths[:limit],
            batch_pieces=self.config.training.batch_pieces,
            bucket_instances=self.config.machine.bucket_instances,
            seed=seed,
            epoch=epoch,
        )
        if not plan:
            raise ValueError(Errors.B150.format(store=self.store.folder))
        for number, chosen in enumerate(plan):
            batch = self._materialise(documents, instances, chosen)
            entropy = np.random.SeedSequence((seed, epoch, number)).generate_state(1)
            generator = torch.Generator().manual_seed(int(entropy[0]))
            ids_BT, labels_BT = hide(batch, chosen, generator)
            yield HiddenBatch(
                ids_BT=ids_BT,
                segments_BT=batch.segments_BT,
                real_BT=batch.real_BT,
                labels_BT=labels_BT,
                nsp_labels_B=batch.nsp_labels_B,
                n_pieces=batch.n_pieces,
                n_hidden=int(torch.count_nonzero(labels_BT != IGNORE)),
                n_pairs=int(torch.count_nonzero(batch.nsp_labels_B != IGNORE)),
                epochs=epoch + (number + 1) / len(plan),
            )

    def _plan(
        self, documents: StoredDocuments, seed: int, epoch: int
    ) -> tuple[Instances, Hide]:
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
            return google.instances, lambda batch, chosen, _: google.hide(batch, chosen)
        instances = plan_epoch(
            documents,
            max_pieces=objective.max_pieces,
            short_probability=objective.short_probability,
            next_sentence=objective.next_sentence,
            seed=seed,
            epoch=epoch,
        )
        return instances, self._hide

    def _materialise(
        self, documents: StoredDocuments, instances: Instances, chosen: IntArray
    ) -> Batch:
        rows = [
            (*instances.pieces(documents, index), int(instances.labels[index]))
            for index in chosen.tolist()
        ]
        return make_batch(rows, self.special)

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
    if not len(store.documents("train")):
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
