"""The schema of configs/pretrain_*.cfg: every key is written out, none is free.

What may change the result (the recipe) stands apart from what may change only
the speed (`[machine]`).
"""

import configparser
import difflib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from confection import Config, ConfigValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from ..encoder.attention import BackendChoice
from ..encoder.hub import WeightsFormat
from ..encoder.precision import Precision
from ..errors import Errors
from .schedule import Limits, ScheduleName

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Paths(_Section):
    """Where the text and the tokenizer are."""

    store: Path
    tokenizer: str


class Network(_Section):
    """Where the weights come from, and their shape."""

    # "random", "svd", a folder, or a name on the hub
    init: str
    layers: Count
    width: Count
    heads: Count
    feedforward_width: Count
    positions: Count


class Objective(_Section):
    """What the encoder is asked."""

    max_pieces: Annotated[int, Field(ge=8)]
    short_probability: Share
    next_sentence: bool
    nsp_weight: Annotated[float, Field(ge=0.0)]
    mask_fraction: Annotated[float, Field(gt=0.0, lt=1.0)]
    whole_words: bool
    compat: Literal["google"] | None

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if self.compat == "google" and not self.next_sentence:
            raise ValueError(
                "compat = 'google' makes pairs always; set next_sentence to true, and "
                "nsp_weight to 0.0 if the pairs are not to be learned"
            )
        return self


class Training(_Section):
    """How long, in which steps, at which rate."""

    seed: Annotated[int, Field(ge=0)]
    max_steps: Annotated[int, Field(ge=0)] | None
    max_pieces: Annotated[int, Field(ge=0)] | None
    max_epochs: Annotated[int, Field(ge=0)] | None
    max_minutes: Annotated[float, Field(ge=0.0)] | None
    patience: Count | None
    batch_pieces: Count
    packing: Literal["buckets", "packs"]
    bucket_instances: Count
    batches_per_step_first: Count
    batches_per_step_last: Count
    batches_growth: Share
    learning_rate: Annotated[float, Field(gt=0.0)]
    schedule: ScheduleName
    warmup: Share
    decay: Share
    weight_decay: Annotated[float, Field(ge=0.0)]
    beta1: Annotated[float, Field(ge=0.0, lt=1.0)]
    beta2: Annotated[float, Field(ge=0.0, lt=1.0)]
    epsilon: Annotated[float, Field(gt=0.0)]
    max_norm: Annotated[float, Field(gt=0.0)]
    dropout: Share
    attention_dropout: Share

    @property
    def limits(self) -> Limits:
        """Where the run ends."""
        return Limits(
            steps=self.max_steps,
            pieces=self.max_pieces,
            epochs=self.max_epochs,
            minutes=self.max_minutes,
        )

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.limits == Limits():
            raise ValueError(
                "the run would never end; set one of max_steps, max_pieces, "
                "max_epochs or max_minutes"
            )
        return self


class Evaluation(_Section):
    """When to log, and what to measure on the held-out documents."""

    log_steps: Count
    evaluate_steps: Count
    max_instances: Count
    seed: Annotated[int, Field(ge=0)]


class Output(_Section):
    """What is kept, and in which format the encoder is written at the end."""

    checkpoint_steps: Count
    keep_last: Count
    keep_every: Count | None
    weights: WeightsFormat


class Machine(_Section):
    """What may change the speed, not the recipe."""

    device: str
    precision: Precision
    backend: BackendChoice
    recompute: bool
    batches_ahead: Count


class PretrainConfig(_Section):
    """A pretraining config."""

    paths: Paths
    network: Network
    objective: Objective
    training: Training
    evaluation: Evaluation
    output: Output
    machine: Machine

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.network.width % self.network.heads:
            raise ValueError(
                f"network.width ({self.network.width}) has to be a multiple of "
                f"network.heads ({self.network.heads})"
            )
        if self.objective.max_pieces > self.network.positions:
            raise ValueError(
                f"objective.max_pieces ({self.objective.max_pieces}) is more than "
                f"network.positions ({self.network.positions})"
            )
        if self.objective.max_pieces > self.training.batch_pieces:
            raise ValueError(
                f"training.batch_pieces ({self.training.batch_pieces}) holds no "
                f"sequence of objective.max_pieces ({self.objective.max_pieces})"
            )
        return self


def read_config(path: Path, overrides: Mapping[str, Any]) -> PretrainConfig:
    """Read a pretraining config and check every key of it.

    path (Path): A .cfg file, with `${section.key}` where a value is repeated.
    overrides (Mapping[str, Any]): Values by dotted key, which replace those in
        the file.
    RETURNS (PretrainConfig): The whole config, frozen.
    RAISES (OSError): If there is no such file.
    RAISES (ValueError): If it is not a config, or a key is missing, unknown or
        of the wrong kind: one message with file, section and key.
    """
    if not path.is_file():
        configs = files("spacy_biobert").joinpath("configs")
        raise FileNotFoundError(Errors.B140.format(path=path, configs=configs))
    for key in overrides:
        _check_key(key, path)
    try:
        filled = Config().from_disk(path, interpolate=True, overrides=dict(overrides))
    except (ConfigValidationError, configparser.Error) as error:
        reason = " ".join(str(error).split())
        raise ValueError(Errors.B141.format(path=path, reason=reason)) from error
    try:
        return PretrainConfig.model_validate(dict(filled))
    except ValidationError as error:
        raise ValueError(_explain(error.errors()[0], path)) from error


def _check_key(key: str, path: Path) -> None:
    """Refuse an override that no section has, before confection adds it."""
    section, _, name = key.partition(".")
    if section not in PretrainConfig.model_fields:
        known = list(PretrainConfig.model_fields)
        raise ValueError(
            Errors.B142.format(path=path, key=key, hint=_nearest(section, known))
        )
    keys = _keys_of(section)
    if name not in keys:
        raise ValueError(
            Errors.B142.format(path=path, key=key, hint=_nearest(name, keys))
        )


def _explain(problem: ErrorDetails, path: Path) -> str:
    place = [str(part) for part in problem["loc"]]
    key = ".".join(place)
    if problem["type"] == "extra_forbidden":
        known = (
            list(PretrainConfig.model_fields) if len(place) == 1 else _keys_of(place[0])
        )
        hint = _nearest(place[1] if len(place) > 1 else place[0], known)
        return Errors.B142.format(path=path, key=key, hint=hint)
    if problem["type"] == "missing":
        return Errors.B143.format(path=path, key=key)
    reason = problem["msg"].removeprefix("Value error, ")
    found: Any = problem["input"]
    if isinstance(found, dict | BaseModel):
        return Errors.B145.format(
            path=path, section=key or "the sections", reason=reason
        )
    return Errors.B144.format(path=path, key=key, reason=reason, found=found)


def _keys_of(section: str) -> list[str]:
    kind = PretrainConfig.model_fields[section].annotation
    assert isinstance(kind, type)
    assert issubclass(kind, BaseModel)
    return list(kind.model_fields)


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"expected one of: {', '.join(known)}."
