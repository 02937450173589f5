"""What the encoder knows of documents it never learned from."""

import math
from collections.abc import Sequence

import torch

from ..encoder.hub import BertForPreTraining
from ..encoder.precision import computing_in
from .feed import HiddenBatch
from .losses import Sums, pretraining_loss
from .model import guess


def evaluate_held_out(
    model: BertForPreTraining, batches: Sequence[HiddenBatch], dtype: torch.dtype
) -> dict[str, float]:
    """Measure both objectives on fixed batches.

    model (BertForPreTraining): Left in the mode it was in.
    batches (Sequence[HiddenBatch]): Hidden once, so that two measurements ask
        the same questions.
    dtype (torch.dtype): As `resolve_precision` gives it.
    RETURNS (dict[str, float]): As `Sums.means`, and "perplexity", which is
        exp(mlm_loss). Empty without batches.
    """
    was_training = model.training
    model.eval()
    totals = Sums()
    with torch.no_grad():
        for batch in batches:
            totals.add(_score(model, batch, dtype))
    model.train(was_training)
    figures = totals.means()
    if "mlm_loss" in figures:
        figures["perplexity"] = math.exp(min(700.0, figures["mlm_loss"]))
    return figures


def _score(model: BertForPreTraining, batch: HiddenBatch, dtype: torch.dtype) -> Sums:
    batch = batch.to(model.device)
    with computing_in(dtype, model.device):
        guesses = guess(model, batch)
    _, sums = pretraining_loss(
        guesses.mlm_MV,
        guesses.hidden_M,
        guesses.nsp_B2,
        batch.nsp_labels_B,
        n_mlm=1,
        n_nsp=1,
        nsp_weight=1.0,
    )
    return sums
