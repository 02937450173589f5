"""Train a spaCy pipeline to the end that all arms share, and score the best."""

import json
import tempfile
import time
from pathlib import Path

from thinc.api import Config

from spacy_biobert.cli.probe import train_and_score

from .corpora import Kind
from .jobs import PATIENCE, SCORES, TOTAL_STEPS, WARMUP_STEPS, Job, Outcome

ROOT = Path(__file__).parents[2]
CONFIGS: dict[Kind, Path] = {
    "entities": ROOT / "configs" / "ner.cfg",
    "relations": ROOT / "configs" / "relation.cfg",
    "topics": ROOT / "configs" / "textcat.cfg",
}


def open_recipe(path: Path) -> Config:
    """Open a config as it is written, its variables not filled in."""
    return Config().from_disk(path, interpolate=False)


def train_pipeline(config: Config, job: Job, code: Path | None = None) -> Outcome:
    """Train until dev has not improved for PATIENCE evaluations, score the best.

    config (Config): The arm's; changed in place.
    job (Job): The run.
    code (Path | None): For `spacy train --code`.
    RETURNS (Outcome): What came of it; nothing else stays.
    RAISES (CalledProcessError): If training fails; it has said why.
    """
    began = time.perf_counter()
    set_limits(config, job)
    with tempfile.TemporaryDirectory() as name:
        log = Path(name) / "log.jsonl"
        config["training"]["logger"] = {
            "@loggers": "spacy.ConsoleLogger.v3",
            "progress_bar": None,
            "console_output": True,
            "output_file": str(log),
        }
        path = Path(name) / "config.cfg"
        config.to_disk(path, interpolate=False)
        found = train_and_score(
            path,
            job.data,
            score=SCORES[job.task.kind],
            gold_entities=job.task.kind == "relations",
            gpu_id=job.gpu_id,
            overrides=("--code", str(code)) if code else (),
        )
        lines = log.read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    # Of equal scores, the last one is kept.
    best = max(rows, key=lambda row: (row["score"], row["step"]))
    return {
        "dev": found["dev"],
        "scores": found["scores"],
        "best_step": best["step"],
        "steps": rows[-1]["step"],
        "minutes": round((time.perf_counter() - began) / 60, 1),
    }


def set_limits(config: Config, job: Job) -> None:
    """Set the seed, where training ends, and what chooses the best.

    config (Config): Changed in place.
    job (Job): The run.
    """
    training = config["training"]
    config["system"]["seed"] = job.seed
    if job.limits.eval_frequency is not None:
        training["eval_frequency"] = job.limits.eval_frequency
    training["patience"] = PATIENCE * training["eval_frequency"]
    training["max_steps"] = job.limits.max_steps
    training["max_epochs"] = 0
    recipe = open_recipe(CONFIGS[job.task.kind])
    training["score_weights"] = recipe["training"]["score_weights"]


def set_schedule(config: Config, rate: float) -> None:
    """Let the rate rise, and then fall slowly, as it does for all encoders.

    config (Config): Changed in place.
    rate (float): The highest rate.
    """
    config["training"]["optimizer"]["learn_rate"] = {
        "@schedules": "warmup_linear.v1",
        "warmup_steps": WARMUP_STEPS,
        "total_steps": TOTAL_STEPS,
        "initial_rate": rate,
    }
