"""What a checkpoint says of its run, and whether a run may go on from it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import Errors
from .config import PretrainConfig
from .feed import Feed
from .position import Position

# Goes up whenever the same place in a run gives other batches than before: 1, without a
# number, hid pieces by the batch; 2 hides them by the input.
FORMAT = 2
# Sections that do not change what the encoder learns.
_NO_RECIPE = {"paths", "evaluation", "output", "machine"}
# The stable part of this schedule is the same wherever the run ends.
_MAY_MOVE = {
    "max_steps",
    "max_pieces",
    "max_epochs",
    "max_minutes",
    "decay",
    "patience",
}


def describe_state(
    config: PretrainConfig, feed: Feed, position: Position
) -> dict[str, Any]:
    """Say all that a run needs to go on, but its weights and averages.

    config (PretrainConfig): Of the run.
    feed (Feed): Its store.
    position (Position): How far it is.
    RETURNS (dict): What JSON can hold.
    """
    return {
        "format": FORMAT,
        "step": position.step,
        "position": position.to_json(),
        "recipe": recipe(config),
        "settings": _settings(config),
        "shards": feed.store.shard_checksums,
    }


def _settings(config: PretrainConfig) -> dict[str, dict[str, Any]]:
    """Give the other sections, which may change when a run goes on."""
    return config.model_dump(mode="json", include=_NO_RECIPE)


def recipe(config: PretrainConfig) -> dict[str, dict[str, Any]]:
    """Give the sections of a config that decide what the encoder learns."""
    return config.model_dump(mode="json", exclude=_NO_RECIPE)


def take_up(
    state: Mapping[str, Any], config: PretrainConfig, feed: Feed, *, checkpoint: object
) -> Position:
    """Say where a run goes on, if it may.

    state (Mapping): From `describe_state`.
    config (PretrainConfig): Of the run that goes on.
    feed (Feed): Its store, to which shards may have been added.
    checkpoint (object): Names it in messages.
    RETURNS (Position): Of the run when the checkpoint was written.
    RAISES (ValueError): If another version wrote it, which had other batches there; if
        the recipe is another one, each difference named, or the store's shards are.
    """
    found_format = state.get("format", 1)
    if found_format != FORMAT:
        raise ValueError(
            Errors.B161.format(
                checkpoint=checkpoint, expected=FORMAT, found=found_format
            )
        )
    differences = list(_differences(state["recipe"], recipe(config)))
    if differences:
        raise ValueError(
            Errors.B158.format(
                checkpoint=checkpoint, differences="; ".join(differences)
            )
        )
    found = feed.store.shard_checksums
    for number, (name, checksum) in enumerate(state["shards"]):
        if number >= len(found) or found[number][1] != checksum:
            raise ValueError(
                Errors.B159.format(checkpoint=checkpoint, found=f"another {name}")
            )
    position = Position.from_json(state["position"])
    if len(found) > len(state["shards"]):
        # Other documents are held out now, and their losses do not compare.
        position.best, position.stale = None, 0
    return position


def list_changes(state: Mapping[str, Any], config: PretrainConfig) -> list[str]:
    """Say which options have other values than when a checkpoint was written.

    state (Mapping): From `describe_state`, taken up. One without the settings that are
        no recipe is of an earlier version; the recipe alone is compared then.
    config (PretrainConfig): Of the run that goes on.
    RETURNS (list[str]): Such as "training.max_minutes: 2.0, now 20.0".
    """
    before = {**state["recipe"], **state.get("settings", {})}
    now = {**recipe(config), **_settings(config)}
    return [
        f"{section}.{key}: {_shown(old)}, now {_shown(value)}"
        for section, values in now.items()
        for key, value in values.items()
        if (old := before.get(section, {}).get(key, value)) != value
    ]


def _shown(value: Any) -> str:
    """Write a value as a config has it, but a text without quotes."""
    return value if isinstance(value, str) else json.dumps(value)


def _differences(
    before: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    stable = (
        before["training"]["schedule"]
        == now["training"]["schedule"]
        == "warmup_stable_decay"
    )
    for section, values in now.items():
        for key, value in values.items():
            old = before[section].get(key)
            may_move = stable and section == "training" and key in _MAY_MOVE
            if old != value and not may_move:
                yield f"{section}.{key} was {old!r} and is {value!r}"
