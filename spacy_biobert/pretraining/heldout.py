"""What the encoder knows of documents it never learned from."""

from collections.abc import Sequence

import torch

from ..encoder.attention import Backend
from ..encoder.hub import BertForPreTraining
from ..encoder.precision import computing_in
from .flat import FlatBatch
from .losses import Sums, pretraining_loss
from .making import HiddenBatch
from .model import guess


def evaluate_held_out(
    model: BertForPreTraining,
    batches: Sequence[HiddenBatch | FlatBatch],
    dtype: torch.dtype,
    *,
    backend: Backend,
) -> Sums:
    """Measure both objectives on fixed batches.

    model (BertForPreTraining): Left in the mode it was in.
    batches (Sequence[HiddenBatch | FlatBatch]): Hidden once, so that two
        measurements ask the same questions.
    dtype (torch.dtype): As `resolve_precision` gives it.
    backend (str): As `choose_backend` gives it.
    RETURNS (Sums): Over all batches.
    """
    was_training = model.training
    model.eval()
    totals = Sums()
    with torch.no_grad():
        for batch in batches:
            totals.add(_score(model, batch, dtype, backend))
    model.train(was_training)
    return totals


def _score(
    model: BertForPreTraining,
    batch: HiddenBatch | FlatBatch,
    dtype: torch.dtype,
    backend: Backend,
) -> Sums:
    batch = batch.to(model.device)
    with computing_in(dtype, model.device):
        guesses = guess(model, batch, backend=backend)
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
