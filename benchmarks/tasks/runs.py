"""All runs of an arm on a task, one result file each; what is filed is kept."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..record import RESULTS, read_result, write_result
from .arms import FAMILIES, Arm
from .corpora import Task, read_losses, take
from .grid import GRID_SEED, choose_rate, forget_rates, try_rates
from .jobs import Job, Limits, Outcome


@dataclass(frozen=True, slots=True)
class Plan:
    """What is common to the runs of a command.

    command (str): The command, for the result files.
    seeds (int): Runs of each arm.
    limits (Limits): Where training ends at the latest.
    results (Path): Folder of the result files. Its folder "tried" keeps the rates
        that were tried, as long as none is chosen.
    """

    command: str
    seeds: int
    limits: Limits
    gpu_id: int = -1
    results: Path = RESULTS


def run_arm(
    plan: Plan,
    task: Task,
    arm: Arm,
    data: Mapping[str, Path],
    *,
    size: int | None = None,
) -> None:
    """Choose the rate with the first seed, then run the others.

    plan (Plan): What is common to all.
    task (Task): The task.
    arm (Arm): The arm.
    data (Mapping[str, Path]): train, dev, test, and what else is scored on.
    size (int | None): Documents to train on; None for all.
    RAISES (ValueError): If a filed result was made in another way.
    """
    if size is not None:
        data = {**data, "train": take(data["train"], size)}
    job = Job(task, data, 0.0, GRID_SEED, arm.encoder, plan.limits, gpu_id=plan.gpu_id)
    train = FAMILIES[arm.family].run
    chosen = find_rate(plan, arm, job, size, train)
    for seed in range(plan.seeds if FAMILIES[arm.family].learns else 1):
        name = result_name(task.name, arm.name, seed, size)
        settings = describe(arm, replace(job, seed=seed), size)
        filed = find_filed(name, settings, plan)
        if filed is None or not has_scores(filed, settings["scored_on"]):
            outcome = train(replace(job, seed=seed, rate=chosen["rate"]))
            file_run(name, {**chosen, **figures_of(outcome)}, settings, plan)


def find_rate(
    plan: Plan, arm: Arm, job: Job, size: int | None, train: Callable[[Job], Outcome]
) -> dict[str, Any]:
    """Give the rate of the first seed; where that is not filed, choose it and file.

    RETURNS (dict): The chosen "rate", and "grid", the scores on dev of all rates.
    """
    name = result_name(job.task.name, arm.name, GRID_SEED, size)
    settings = describe(arm, job, size)
    filed = find_filed(name, settings, plan)
    if filed is not None:
        return {"rate": filed["rate"], "grid": filed["grid"]}
    kept = plan.results / "tried" / name
    outcomes = try_rates(
        arm.rates, lambda rate: train(replace(job, rate=rate)), kept, settings
    )
    dev = {rate: outcome["dev"] for rate, outcome in outcomes.items()}
    rate = choose_rate(dev)
    chosen = {"rate": rate, "grid": {f"{rate:g}": score for rate, score in dev.items()}}
    file_run(name, {**chosen, **figures_of(outcomes[rate])}, settings, plan)
    forget_rates(arm.rates, kept)
    return chosen


def result_name(task: str, arm: str, seed: int, size: int | None = None) -> str:
    """Give the name of a result file."""
    docs = "" if size is None else f"_docs{size}"
    return f"task_{task}_{arm}{docs}_seed{seed}"


def describe(arm: Arm, job: Job, size: int | None) -> dict[str, Any]:
    """Give what distinguishes a run from others."""
    return {
        "task": job.task.name,
        "family": arm.family,
        "arm": arm.name,
        "encoder": arm.encoder and arm.encoder.source,
        "size": size,
        "seed": job.seed,
        "rates": list(arm.rates),
        "max_steps": job.limits.max_steps,
        "eval_frequency": job.limits.eval_frequency,
        "scored_on": [name for name in job.data if name not in ("train", "dev")],
        "lost_of_test": read_losses(job.data["test"]),
    }


def figures_of(outcome: Outcome) -> dict[str, Any]:
    """Give what is filed of a run: test apart, and what else was scored on."""
    others = {name: s for name, s in outcome["scores"].items() if name != "test"}
    return {
        "dev": outcome["dev"],
        "test": outcome["scores"]["test"],
        "others": others,
        "best_step": outcome["best_step"],
        "steps": outcome["steps"],
        "minutes": outcome["minutes"],
    }


def find_filed(
    name: str, settings: dict[str, Any], plan: Plan
) -> dict[str, Any] | None:
    """Find the figures of a run that was filed before, whatever it was scored on.

    RAISES (ValueError): If it was made with other settings.
    """
    filed = read_result(name, folder=plan.results)
    if filed is None:
        return None
    differ = sorted(
        key
        for key in (settings.keys() | filed["settings"].keys()) - {"scored_on"}
        if settings.get(key) != filed["settings"].get(key)
    )
    if differ:
        raise ValueError(
            f"{name}.json was made with other settings ({', '.join(differ)}): give the "
            "same, remove it, or name another folder with --results"
        )
    figures: dict[str, Any] = filed["figures"]
    return figures


def has_scores(figures: dict[str, Any], scored_on: list[str]) -> bool:
    """Whether a run that was filed has all the scores that are asked for."""
    return {"test", *figures["others"]}.issuperset(scored_on)


def file_run(
    name: str, figures: dict[str, Any], settings: dict[str, Any], plan: Plan
) -> None:
    """Write the result file of a run."""
    path = write_result(
        name, figures, command=plan.command, settings=settings, folder=plan.results
    )
    print(path, flush=True)
