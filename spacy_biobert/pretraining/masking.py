"""Choose and hide the pieces that the encoder learns to guess (MLM).

Shapes: B = sequences in the batch, T = pieces per sequence.
"""

import torch
from torch import Tensor

from ..errors import Errors
from .losses import IGNORE


def choose_pieces(
    ordinary_BT: Tensor,
    *,
    probability: float,
    generator: torch.Generator,
    starts_word_BT: Tensor | None = None,
) -> Tensor:
    """Choose the pieces to guess, an exact number in each sequence.

    It is the share of the ordinary pieces, rounded, and at least one. With whole
    words, words are taken in random order as long as they fit into that number; the
    first one is taken even if it alone is longer.

    ordinary_BT (Tensor): False for special pieces and padding, bool.
    probability (float): Share of the pieces to guess, 0 to 1.
    generator (torch.Generator): The only source of randomness.
    starts_word_BT (Tensor | None): True where a word begins, bool; given, all
        pieces of a word are chosen or none.
    RETURNS (Tensor): True for the pieces to guess, bool [B, T].
    SOURCE: Devlin et al. (2019), section 3.1, https://arxiv.org/abs/1810.04805
    """
    n_ordinary_B1 = ordinary_BT.sum(1, keepdim=True)
    wanted_B1 = (n_ordinary_B1.double() * probability).round().long().clamp(min=1)
    wanted_B1 = wanted_B1.minimum(n_ordinary_B1)
    dice_BT = torch.rand(ordinary_BT.shape, generator=generator)
    if starts_word_BT is not None:
        word_BT = _number_words(starts_word_BT, ordinary_BT)
        dice_BT = dice_BT.gather(1, word_BT)
    dice_BT = dice_BT.masked_fill(~ordinary_BT, 2.0)
    order_BT = dice_BT.argsort(stable=True, dim=1)
    rank_BT = torch.empty_like(order_BT).scatter_(
        1, order_BT, torch.arange(order_BT.shape[1]).expand_as(order_BT)
    )
    chosen_BT = rank_BT < wanted_B1
    if starts_word_BT is not None:
        chosen_BT = _whole_words(chosen_BT, word_BT, rank_BT)
    return chosen_BT & ordinary_BT


def hide_pieces(
    ids_BT: Tensor,
    chosen_BT: Tensor,
    *,
    mask_id: int,
    ordinary_ids_V: Tensor,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Hide the chosen pieces and return what the encoder has to guess.

    Of the chosen pieces 80% become [MASK], 10% become a random piece and 10%
    stay, so that the encoder cannot tell which pieces it is asked about.

    ids_BT (Tensor): Piece ids, int64. Not modified.
    chosen_BT (Tensor): True for the pieces to guess, bool.
    mask_id (int): Id of [MASK].
    ordinary_ids_V (Tensor): Ids to take random pieces from, int64: no special ones.
    generator (torch.Generator): The only source of randomness.
    RETURNS (tuple[Tensor, Tensor]): The ids to feed, and the labels, which are
        IGNORE wherever `chosen_BT` is False. Both [B, T], int64.
    RAISES (ValueError): If `chosen_BT` is not bool or its shape differs.
    SOURCE: Devlin et al. (2019), section 3.1, https://arxiv.org/abs/1810.04805
    """
    if chosen_BT.dtype != torch.bool or chosen_BT.shape != ids_BT.shape:
        raise ValueError(
            Errors.B125.format(
                expected=tuple(ids_BT.shape),
                dtype=chosen_BT.dtype,
                found=tuple(chosen_BT.shape),
            )
        )
    dice_BT = torch.rand(ids_BT.shape, generator=generator)
    places_BT = torch.randint(len(ordinary_ids_V), ids_BT.shape, generator=generator)
    hidden_BT = torch.where(chosen_BT & (dice_BT < 0.8), mask_id, ids_BT)
    random_BT = ordinary_ids_V[places_BT]
    hidden_BT = torch.where(chosen_BT & (dice_BT >= 0.9), random_BT, hidden_BT)
    return hidden_BT, torch.where(chosen_BT, ids_BT, IGNORE)


def _number_words(starts_word_BT: Tensor, ordinary_BT: Tensor) -> Tensor:
    """Number the words; the rest of a word that was cut is one, a special piece too."""
    goes_on_BT = ordinary_BT & ~starts_word_BT
    # What comes first, or after a special piece, goes on no word.
    goes_on_BT[:, :1] = False
    goes_on_BT[:, 1:] &= ordinary_BT[:, :-1]
    return (~goes_on_BT).cumsum(1) - 1


def _whole_words(chosen_BT: Tensor, word_BT: Tensor, rank_BT: Tensor) -> Tensor:
    """Drop the last word if it did not fit; the first one counts as a whole."""
    zeros_BW = torch.zeros(word_BT.shape, dtype=torch.long)
    n_left_out_BW = zeros_BW.scatter_add(1, word_BT, (~chosen_BT).long())
    is_first_BW = zeros_BW.scatter_add(1, word_BT, (rank_BT == 0).long())
    return ((n_left_out_BW == 0) | (is_first_BW > 0)).gather(1, word_BT)
