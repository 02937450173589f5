"""Plan a pass over a store as `[objective] compat` asks, in place of `pairs`. No I/O."""

import math
import random

import numpy as np
from numpy.typing import NDArray

from .config import Objective
from .google import Documents, GooglePlan, GoogleRecipe, plan_google
from .slabs import SpecialIds


def plan_google_epoch(
    documents: Documents,
    objective: Objective,
    *,
    special: SpecialIds,
    starts_word_V: NDArray[np.bool_],
    seed: int,
    epoch: int,
) -> GooglePlan:
    """Plan one pass as Google's builder did, its inputs in random order.

    The builder wrote `dupe_factor` passes to a file, which was then read as often as
    the steps asked. Here each epoch is a pass of its own, so that as many epochs as
    `dupe_factor` are what that file held, and later ones go on being new.

    documents (Documents): In the order of the store.
    objective (Objective): The settings. No more pieces are hidden than `mask_fraction`
        of the longest input, which is what Google advised for
        `max_predictions_per_seq`: 20 of 128 pieces, 77 of 512.
    special (SpecialIds): Ids of the special pieces.
    starts_word_V (NDArray): True for each piece of the vocabulary that begins a word.
    seed (int): Seed of the run.
    epoch (int): Number of the pass.
    RETURNS (GooglePlan): The inputs and what is hidden in them.
    """
    recipe = GoogleRecipe(
        max_pieces=objective.max_pieces,
        short_probability=objective.short_probability,
        mask_fraction=objective.mask_fraction,
        max_hidden=math.ceil(objective.max_pieces * objective.mask_fraction),
        mask_id=special.mask,
        n_vocab=len(starts_word_V),
        goes_on_V=~starts_word_V if objective.whole_words else None,
    )
    dice = random.Random(f"{seed} {epoch}")
    plan = plan_google(documents, recipe, dice)
    order = np.random.default_rng(dice.getrandbits(64))
    return plan.take(order.permutation(len(plan.instances)))
