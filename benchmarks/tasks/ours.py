"""Our arms: the project's configs on any encoder."""

from pathlib import Path

from spacy_biobert.cli.probe import MAX_WINDOW, OVERLAP

from .jobs import Job, Outcome
from .training import CONFIGS, ROOT, open_recipe, set_schedule, train_pipeline

# A second way to learn relations; an arm as soon as there is such a config.
BLINDED = ROOT / "configs" / "relation_blinded.cfg"


def run_ours(job: Job) -> Outcome:
    """Train the config of the kind of task."""
    return run_config(CONFIGS[job.task.kind], job)


def run_blinded(job: Job) -> Outcome:
    """Train the second config for relations."""
    return run_config(BLINDED, job)


def run_config(path: Path, job: Job) -> Outcome:
    """Train one of our configs, its windows as long as the encoder reads.

    path (Path): The config.
    job (Job): The run.
    RETURNS (Outcome): What came of it.
    """
    config = open_recipe(path)
    set_schedule(config, job.rate)
    encoder = job.the_encoder
    config["paths"]["encoder"] = encoder.folder
    window = min(MAX_WINDOW, encoder.n_positions)
    config["components"]["transformer"]["model"].update(
        {"window": window, "stride": window - round(OVERLAP * window)}
    )
    if job.task.kind == "relations":
        model = config["components"]["relation"]["model"]
        model["get_pairs"].update(job.task.pairs)
    return train_pipeline(config, job)
