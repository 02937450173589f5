"""A padded batch by hand, to run through a tiny encoder in every way there is."""

from dataclasses import dataclass

import torch
from torch import Tensor

from spacy_biobert.pretraining.losses import IGNORE, pretraining_loss
from spacy_biobert.pretraining.model import guess


@dataclass(frozen=True, slots=True)
class PaddedBatch:
    ids_BT: Tensor
    segments_BT: Tensor
    real_BT: Tensor
    labels_BT: Tensor
    nsp_labels_B: Tensor


def make_padded(n_vocab: int, device: str = "cpu") -> PaddedBatch:
    """Five sequences; one without second segment, one hides nothing."""
    generator = torch.Generator().manual_seed(0)
    B, T = 5, 20
    ids = torch.randint(5, n_vocab, (B, T), generator=generator)
    real = torch.arange(T) < torch.tensor([20, 7, 12, 3, 16])[:, None]
    segments = (torch.arange(T) >= 6).long().expand(B, T) * real
    chosen = (torch.rand(B, T, generator=generator) < 0.3) & real
    chosen[3] = False
    labels = torch.where(chosen, ids, IGNORE)
    nsp_labels = torch.tensor([0, 1, IGNORE, 1, 0])
    tensors = ids * real, segments, real, labels, nsp_labels
    return PaddedBatch(*(tensor.to(device) for tensor in tensors))


def loss_of(model, batch, **options):
    """The loss of a step that has this batch alone."""
    guesses = guess(model, batch, **options)
    loss, _ = pretraining_loss(
        guesses.mlm_MV,
        guesses.hidden_M,
        guesses.nsp_B2,
        batch.nsp_labels_B,
        n_mlm=len(guesses.hidden_M),
        n_nsp=4,
        nsp_weight=1.0,
    )
    return loss


def loss_of_transformers(model, batch):
    """The loss by the stock forward, with the logits of all positions."""
    return model(
        input_ids=batch.ids_BT,
        token_type_ids=batch.segments_BT,
        attention_mask=batch.real_BT.long(),
        labels=batch.labels_BT,
        next_sentence_label=batch.nsp_labels_B,
    ).loss


def gradients(model, loss):
    model.zero_grad()
    loss.backward()
    return {name: p.grad.clone() for name, p in model.named_parameters()}
