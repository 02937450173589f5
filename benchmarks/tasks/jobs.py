"""What one run is given, and what comes of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from spacy_biobert.encoder.folder import find_folder
from spacy_biobert.encoder.hub import open_config, open_tokenizer

from .corpora import Kind, Task

# Of each kind, the score that chooses on dev and is shown of test.
SCORES: dict[Kind, str] = {
    "entities": "ents_f",
    "relations": "rel_micro_f",
    "topics": "cats_micro_f",
}
# Evaluations without a better score, after which training ends.
PATIENCE = 5
WARMUP_STEPS = 200
# The rate falls towards 0 at this step: no run is meant to come near it.
TOTAL_STEPS = 20_000


@dataclass(frozen=True, slots=True)
class Encoder:
    """An encoder under the name that its results bear.

    source (str): A Hugging Face folder, or a name on the hub.
    for_peers (bool): Whether the peers are trained on it, too.
    """

    name: str
    source: str
    for_peers: bool = True

    @property
    def folder(self) -> str:
        """The folder, with its weights; fetched from the hub if it has to be."""
        return str(find_folder(self.source, weights=True))

    @property
    def n_positions(self) -> int:
        """How many pieces it reads at once."""
        return int(open_config(self.source).max_position_embeddings)

    @property
    def width(self) -> int:
        """The width of a piece's vector."""
        return int(open_config(self.source).hidden_size)

    @property
    def lower_cases(self) -> bool:
        """Whether its tokenizer does not know capitals."""
        normalizer = open_tokenizer(self.source).backend_tokenizer.normalizer
        return normalizer is not None and normalizer.normalize_str("A") == "a"


@dataclass(frozen=True, slots=True)
class Limits:
    """Where training ends at the latest, and how often it is looked at.

    eval_frequency (int | None): Steps between two evaluations; None for as many as
        the config says.
    """

    max_steps: int = TOTAL_STEPS
    eval_frequency: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One run.

    data (Mapping[str, Path]): The train and dev documents, and those to score on.
    rate (float): The highest learning rate.
    encoder (Encoder | None): None where the arm has none.
    """

    task: Task
    data: Mapping[str, Path]
    rate: float
    seed: int
    encoder: Encoder | None = None
    limits: Limits = Limits()
    gpu_id: int = -1

    @property
    def the_encoder(self) -> Encoder:
        """The encoder of an arm that has one."""
        if self.encoder is None:
            raise ValueError(f"{self.task.name}: the arm needs an encoder")
        return self.encoder


class Outcome(TypedDict):
    """What came of a run.

    dev: The best score on dev, 0-1.
    scores: All scores, by the name of what was scored on.
    best_step: The step of the best score on dev; `steps` the last one.
    """

    dev: float
    scores: dict[str, dict[str, Any]]
    best_step: int
    steps: int
    minutes: float


Run = Callable[[Job], Outcome]
