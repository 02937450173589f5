"""Pretraining as it is usually done with Hugging Face, to measure ours against.

Where there is a choice, it is the one that is kinder to this loop: its batches are
tensors before the clock starts, it may put as many sequences side by side as ours, and
it has no dropout if ours has none.

Shapes: B = sequences in the batch, T = pieces of the longest of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import NamedTuple

import torch
from torch import Tensor, nn

from spacy_biobert.encoder.hub import BertForPreTraining
from spacy_biobert.encoder.precision import computing_in
from spacy_biobert.pretraining.config import Training
from spacy_biobert.pretraining.losses import IGNORE

from .interleaving import Tally
from .reference_builder import Instance


class StockBatch(NamedTuple):
    """What `BertForPreTraining` takes, by the names of its arguments; int64."""

    input_ids: Tensor
    token_type_ids: Tensor
    attention_mask: Tensor
    labels: Tensor
    next_sentence_label: Tensor

    @property
    def n_pieces(self) -> int:
        """Pieces that are not padding."""
        return int(self.attention_mask.sum())

    @property
    def n_positions(self) -> int:
        """Pieces with the padding."""
        return self.input_ids.numel()


def batch_instances(
    instances: Sequence[Instance], ids: dict[str, int], *, batch_pieces: int
) -> list[StockBatch]:
    """Batch inputs in the order they come in, each padded to the batch's longest.

    instances (Sequence[Instance]): In random order.
    ids (dict[str, int]): The vocabulary.
    batch_pieces (int): Most positions in a batch, padding included, as in ours.
    RETURNS (list[StockBatch]): Each input once.
    """
    batches: list[StockBatch] = []
    some: list[Instance] = []
    longest = 0
    for instance in instances:
        longest = max(longest, len(instance.pieces))
        if some and (len(some) + 1) * longest > batch_pieces:
            batches.append(_pad(some, ids))
            some, longest = [], len(instance.pieces)
        some.append(instance)
    return [*batches, _pad(some, ids)] if some else batches


def _pad(instances: Sequence[Instance], ids: dict[str, int]) -> StockBatch:
    shape = len(instances), max(len(instance.pieces) for instance in instances)
    ids_BT = torch.full(shape, ids["[PAD]"])
    segments_BT = torch.zeros(shape, dtype=torch.int64)
    real_BT = torch.zeros(shape, dtype=torch.int64)
    labels_BT = torch.full(shape, IGNORE)
    for row, instance in enumerate(instances):
        end = len(instance.pieces)
        ids_BT[row, :end] = torch.tensor([ids[piece] for piece in instance.pieces])
        segments_BT[row, :end] = torch.tensor(instance.segments)
        real_BT[row, :end] = 1
        hidden = torch.tensor([ids[piece] for piece in instance.hidden])
        labels_BT[row, torch.tensor(instance.places)] = hidden
    nsp_labels_B = torch.tensor([int(instance.is_random) for instance in instances])
    return StockBatch(ids_BT, segments_BT, real_BT, labels_BT, nsp_labels_B)


@dataclass(slots=True)
class StockLearner:
    """The stock forward with labels, torch's AdamW as it comes, clipped gradients."""

    name: str
    model: BertForPreTraining
    optimizer: torch.optim.AdamW
    batches: Iterator[StockBatch]
    device: torch.device
    dtype: torch.dtype
    max_norm: float
    tally: Tally

    @classmethod
    def made(
        cls,
        name: str,
        model: BertForPreTraining,
        batches: Sequence[StockBatch],
        training: Training,
        *,
        dtype: torch.dtype,
    ) -> "StockLearner":
        """Make one that goes over some batches again and again.

        name (str): What it is called in the table.
        model (BertForPreTraining): On its device; it learns in place.
        batches (Sequence[StockBatch]): On the CPU.
        training (Training): The rate, the decay and the norm of ours.
        dtype (torch.dtype): bfloat16 for autocast, or float32.
        """
        optimizer = torch.optim.AdamW(
            model.parameters(),
            lr=training.learning_rate,
            weight_decay=training.weight_decay,
        )
        return cls(
            name,
            model.train(),
            optimizer,
            cycle(batches),
            model.device,
            dtype,
            training.max_norm,
            Tally(),
        )

    def step(self) -> None:
        """Learn from the next batch."""
        batch = next(self.batches)
        self.learn_from(batch)
        self.tally.pieces += batch.n_pieces
        self.tally.positions += batch.n_positions

    def learn_from(self, batch: StockBatch) -> Tensor:
        """Update the weights once; give the loss, a scalar on the device."""
        inputs = {
            name: tensor.to(self.device) for name, tensor in batch._asdict().items()
        }
        self.optimizer.zero_grad()
        with computing_in(self.dtype, self.device):
            loss: Tensor = self.model(**inputs).loss
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), self.max_norm)
        self.optimizer.step()
        return loss.detach()

    def settle(self) -> None:
        """Wait until the device has done what it was asked."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
