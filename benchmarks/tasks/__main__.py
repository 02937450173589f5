r"""Compare encoders and peers on public corpora by one protocol.

As BLURB does it: official splits, the learning rate chosen on dev from a small grid
with one seed, then several seeds, scored on test. Every arm trains until dev has not
improved for five evaluations. One result file per run; those that exist are kept, so
that an interrupted command goes on where it was.

    python -m benchmarks.tasks DATA --work work/tasks
    python -m benchmarks.tasks DATA --work work/tasks --task bc5cdr \
        --encoder biobert=dmis-lab/biobert-base-cased-v1.2 --gpu-id 0
    python -m benchmarks.tasks.summary
"""

import sys
from pathlib import Path

import typer

from ..record import RESULTS
from .arms import FAMILIES, make_arms
from .corpora import TASKS, convert_corpus
from .encoders import make_random, parse_encoders
from .jobs import TOTAL_STEPS, Limits
from .perturbations import PERTURBATIONS
from .robustness import more_tests
from .runs import Plan, run_arm


def main(
    data: Path = typer.Argument(..., help="The folder that docs/data.md describes"),
    work: Path = typer.Option(..., help="Keeps converted corpora"),
    encoder: list[str] = typer.Option(
        ["mini=assets/biobert-mini"], help="NAME=FOLDER or NAME=NAME_ON_THE_HUB"
    ),
    task: list[str] = typer.Option(list(TASKS), help="Tasks"),
    arm: list[str] = typer.Option(list(FAMILIES), help="Arms"),
    seeds: int = typer.Option(5, min=1),
    random: bool = typer.Option(
        True, help="Also our arm on each encoder's network with random weights"
    ),
    sizes: str = typer.Option(
        "", help="Also with so many training documents, such as 50,100,250,500"
    ),
    perturb: bool = typer.Option(
        False, help=f"Also score on test with {', '.join(PERTURBATIONS)}"
    ),
    across: bool = typer.Option(
        False, help="Also score diseases on the test split of the other corpus"
    ),
    max_steps: int = typer.Option(TOTAL_STEPS, help="For a trial alone"),
    eval_frequency: int = typer.Option(0, help="For a trial alone; 0: the configs'"),
    results: Path = typer.Option(
        RESULTS, help="Where to", show_default="benchmarks/results"
    ),
    gpu_id: int = typer.Option(-1, help="GPU, -1 for the CPU"),
) -> None:
    """Compare encoders and peers on public corpora: run what is not filed yet.

    For example:

    python -m benchmarks.tasks $SPACY_BIOBERT_DATA --work work/tasks --task bc5cdr --arm ours --seeds 3
    """
    encoders = parse_encoders(encoder)
    if random:
        encoders += [make_random(one, work) for one in encoders]
    plan = Plan(
        command=f"python -m benchmarks.tasks {' '.join(sys.argv[1:])}",
        seeds=seeds,
        limits=Limits(max_steps, eval_frequency or None),
        gpu_id=gpu_id,
        results=results,
    )
    counts = [None, *(int(size) for size in sizes.split(",") if size)]
    for chosen in (TASKS[name] for name in task):
        splits = convert_corpus(chosen.corpus, data, work)
        splits |= more_tests(chosen, data, work, perturb=perturb, across=across)
        for one in make_arms(chosen.kind, encoders, arm):
            for size in counts:
                run_arm(plan, chosen, one, splits, size=size)


if __name__ == "__main__":
    typer.run(main)
