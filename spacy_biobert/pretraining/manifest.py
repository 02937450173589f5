"""What a finished run says of itself, for those who use its encoder."""

import hashlib
import platform
from importlib.metadata import version
from typing import Any

import torch

from ..about import __version__
from .config import PretrainConfig
from .device import Device
from .feed import Feed
from .position import Position
from .ranks import Ranks


def describe_run(
    config: PretrainConfig,
    feed: Feed,
    position: Position,
    *,
    config_name: str,
    held_out: dict[str, Any],
    device: Device,
    ranks: Ranks,
) -> dict[str, Any]:
    """Say what was learned from what, how long, and what came out.

    config (PretrainConfig): Of the run.
    feed (Feed): Its store.
    position (Position): Where it ended.
    config_name (str): Name of the config's file.
    held_out (dict): Figures of the last evaluation.
    device (Device): What it computed on.
    ranks (Ranks): How many processes there were.
    RETURNS (dict): What JSON can hold.
    """
    recipe = config.model_dump_json(exclude={"machine"})
    return {
        "config": config_name,
        "recipe": config.model_dump(mode="json"),
        "recipe_sha256": hashlib.sha256(recipe.encode()).hexdigest(),
        "store_sha256": feed.store.sha256,
        "seed": config.training.seed,
        **position.where(),
        "held_out": held_out,
        "machine": {
            "device": str(device.device),
            "processes": ranks.size,
            "precision": str(device.dtype).removeprefix("torch."),
            "processor": platform.machine(),
            "threads": torch.get_num_threads(),
        },
        "versions": {
            "spacy-biobert": __version__,
            "torch": torch.__version__,
            "transformers": version("transformers"),
            "python": platform.python_version(),
        },
    }
