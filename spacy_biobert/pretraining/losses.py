"""The losses of pretraining, and how often the guesses were right.

Shapes: B = sequences, M = hidden pieces, V = pieces in the vocabulary.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

IGNORE = -100  # cross_entropy skips this label


@dataclass(slots=True)
class Sums:
    """Sums over batches: losses in nats, and counts."""

    mlm_loss: float = 0.0
    mlm_right: int = 0
    n_mlm: int = 0
    nsp_loss: float = 0.0
    nsp_right: int = 0
    n_nsp: int = 0

    def add(self, other: "Sums") -> None:
        """Add the sums of more batches to these, in place."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def means(self) -> dict[str, float]:
        """Divide by the counts.

        RETURNS (dict[str, float]): "mlm_loss" and "nsp_loss" in nats,
            "mlm_accuracy" and "nsp_accuracy" 0-1; only what was asked about.
        """
        figures = {}
        if self.n_mlm:
            figures["mlm_loss"] = self.mlm_loss / self.n_mlm
            figures["mlm_accuracy"] = self.mlm_right / self.n_mlm
        if self.n_nsp:
            figures["nsp_loss"] = self.nsp_loss / self.n_nsp
            figures["nsp_accuracy"] = self.nsp_right / self.n_nsp
        return figures


def pretraining_loss(
    mlm_MV: Tensor,
    hidden_M: Tensor,
    nsp_B2: Tensor,
    nsp_labels_B: Tensor,
    *,
    n_mlm: int,
    n_nsp: int,
    nsp_weight: float,
) -> tuple[Tensor, Sums]:
    """Compute a batch's share of the loss of a whole step.

    The counts are those of the step, which may hold several batches, so that
    the shares add up to the loss of one large batch.

    mlm_MV (Tensor): Logits for the hidden pieces.
    hidden_M (Tensor): The pieces that were hidden, int64.
    nsp_B2 (Tensor): Logits for "next" (0) and "random" (1).
    nsp_labels_B (Tensor): 0, 1, or IGNORE without second segment, int64.
    n_mlm (int): Hidden pieces in the step.
    n_nsp (int): Labelled pairs in the step.
    nsp_weight (float): Weight of the NSP loss, 1 in BERT.
    RETURNS (tuple[Tensor, Sums]): The share, a float32 scalar, and the sums
        over this batch.
    SOURCE: Devlin et al. (2019), appendix A.2, https://arxiv.org/abs/1810.04805
    """
    mlm_MV = mlm_MV.float()  # first, because argmax of bfloat16 is slow on a CPU
    mlm = cross_entropy(mlm_MV, hidden_M, reduction="sum")
    nsp = cross_entropy(
        nsp_B2.float(), nsp_labels_B, ignore_index=IGNORE, reduction="sum"
    )
    loss = mlm / max(1, n_mlm) + nsp_weight * nsp / max(1, n_nsp)
    # One transfer, because each one waits for the device.
    mlm_loss, mlm_right, nsp_loss, nsp_right, n_asked = torch.stack(
        [
            figure.detach().double()
            for figure in (
                mlm,
                (mlm_MV.argmax(-1) == hidden_M).sum(),
                nsp,
                (nsp_B2.argmax(-1) == nsp_labels_B).sum(),
                (nsp_labels_B != IGNORE).sum(),
            )
        ]
    ).tolist()
    sums = Sums(
        mlm_loss=mlm_loss,
        mlm_right=int(mlm_right),
        n_mlm=len(hidden_M),
        nsp_loss=nsp_loss,
        nsp_right=int(nsp_right),
        n_nsp=int(n_asked),
    )
    return loss, sums
