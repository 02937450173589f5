"""What a measurement of pretraining is made with."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from spacy_biobert.encoder.precision import resolve_device
from spacy_biobert.pretraining.config import PretrainConfig, read_config
from spacy_biobert.pretraining.store import open_store

# What decides how threads wait and what becomes of freed memory.
ENVIRONMENT = (
    "OMP_NUM_THREADS",
    "OMP_WAIT_POLICY",
    "MALLOC_MMAP_THRESHOLD_",
    "MALLOC_TRIM_THRESHOLD_",
)


@dataclass(frozen=True, slots=True)
class Setting:
    """What is measured: the config, a store and its tokenizer, and how long.

    `overrides` replace values of the config, `seconds` is the length of a block.
    """

    config: Path
    store: Path
    tokenizer: Path
    lengths: Sequence[int]
    repeats: int
    seconds: float
    overrides: dict[str, Any]

    def read(self, length: int) -> PretrainConfig:
        """Read the config for inputs of a length.

        There are as many inputs of full length in a batch as there were, positions
        for the longest of all, and random weights, which are as fast as any.
        """
        recipe = read_config(self.config, self.overrides)
        n_inputs = recipe.training.batch_pieces // recipe.objective.max_pieces
        return read_config(
            self.config,
            self.overrides
            | {
                "paths.store": str(self.store),
                "paths.tokenizer": str(self.tokenizer),
                "network.init": "random",
                "network.positions": max(self.lengths),
                "objective.max_pieces": length,
                "training.batch_pieces": n_inputs * length,
                "evaluation.max_instances": 1,
            },
        )


def describe(setting: Setting) -> dict[str, Any]:
    """Give what distinguishes a run from others, for its result file."""
    config = setting.read(setting.lengths[0])
    device = resolve_device(config.machine.device)
    store = open_store(setting.store)
    return {
        "seed": config.training.seed,
        "config": setting.config.name,
        "network": config.network.model_dump(),
        "store": {"sha256": store.sha256, "pieces": store.n_pieces},
        "threads": torch.get_num_threads(),
        "device": str(device)
        if device.type == "cpu"
        else torch.cuda.get_device_name(device),
        "lengths": list(setting.lengths),
        "repeats": setting.repeats,
        "block_seconds": setting.seconds,
        "dropout": config.training.dropout,
        "environment": {
            name: os.environ[name] for name in ENVIRONMENT if name in os.environ
        },
    }
