"""How fast two Ray workers annotate beside two plain processes, on the same documents.

Both are the engines of `annotate`, each run begun anew, in turn, in seconds of the clock:
run it on a machine with no other work. Speeds count from the first finished block to
the last, without the time to start and to load the pipeline; `whole` counts all. The blocks
of both have to be the same to the byte.

    python -m benchmarks.annotate_ray --model training/release/tuned \
        --documents work/mini/documents.jsonl.gz
"""

import hashlib
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import mean
from typing import Any

import typer

from spacy_biobert.annotation.cluster import open_cluster
from spacy_biobert.annotation.jobs import Engine, Jobs, Run, local_engine
from spacy_biobert.annotation.outputs import choose_output
from spacy_biobert.annotation.parts import Parts, open_parts
from spacy_biobert.annotation.pipelines import Setting, describe, open_pipeline
from spacy_biobert.annotation.recipe import make_recipe
from spacy_biobert.cli.texts import Texts, find_texts

from .interleaving import compare
from .record import RESULTS, write_result

PLAIN, RAY = "processes", "Ray"
Speeds = dict[str, float]


def main(
    model: str = typer.Option(..., help="Pipeline"),
    documents: Path = typer.Option(..., help="Documents, as of `extract`"),
    limit: int = typer.Option(2048, help="Documents of a run"),
    block_size: int = typer.Option(64, help="Documents of a block"),
    workers: int = typer.Option(2, help="Processes, and Ray actors"),
    repeats: int = typer.Option(3),
    results: Path = typer.Option(RESULTS, help="Folder of the result"),
) -> None:
    """Measure and file the speeds."""
    setting = Setting(model)
    nlp = open_pipeline(setting)
    about = describe(nlp, model).about()
    with tempfile.TemporaryDirectory() as folder:
        chosen = choose_output(Path(folder) / "found.jsonl.gz", None)
        sources = find_texts([str(documents)], None, parts=chosen.parts.folder)
        run = Run(
            output=chosen,
            setting=setting,
            recipe=make_recipe([], about, {}),
            about=about,
            block_size=block_size,
            max_length=nlp.max_length,
            limit=limit,
        )
        jobs = Jobs(Texts(sources, nlp.max_length), run, frozenset())
        with open_cluster(None, n_actors=workers, on_gpu=False) as ray:
            measured = _measure({PLAIN: local_engine(workers), RAY: ray}, jobs, repeats)
    steady = {name: [run["steady"] for run in runs] for name, runs in measured.items()}
    whole = {name: [run["whole"] for run in runs] for name, runs in measured.items()}
    figures: dict[str, Any] = {
        "documents_per_second": steady,
        "mean": {name: mean(speeds) for name, speeds in steady.items()},
        "faster": compare(steady[RAY], steady[PLAIN]),
        "whole": whole,
    }
    settings = {
        "model": about,
        "documents": limit,
        "block_size": block_size,
        "workers": workers,
        "repeats": repeats,
    }
    command = f"python -m benchmarks.annotate_ray {' '.join(sys.argv[1:])}"
    path = write_result(
        "annotate_ray", figures, command=command, settings=settings, folder=results
    )
    print(path)


def _measure(
    engines: dict[str, Engine], jobs: Jobs, repeats: int
) -> dict[str, list[Speeds]]:
    """Let each engine finish all blocks, in turn, each repeat beginning with another."""
    names = list(engines)
    measured: dict[str, list[Speeds]] = {name: [] for name in names}
    digests = set[str]()
    for repeat in range(repeats):
        first = repeat % len(names)
        for name in names[first:] + names[:first]:
            with open_parts(jobs.run.output.parts, jobs.run.recipe, anew=True):
                measured[name].append(_speeds(engines[name], jobs))
                digests.add(_digest(jobs.run.output.parts))
            if len(digests) > 1:
                raise SystemExit(f"{name}: expected the same blocks, found others")
            print(repeat, name, measured[name][-1], flush=True)
    return measured


def _speeds(engine: Engine, jobs: Jobs) -> Speeds:
    """Give documents a second, without the first block ("steady") and with all."""
    times, counts = list[float](), list[int]()
    started = time.perf_counter()
    with closing(engine(jobs)) as finished:
        for one in finished:
            times.append(time.perf_counter())
            counts.append(one.report.counts.documents)
    if len(times) < 2:
        raise SystemExit(
            f"expected documents for 2 or more blocks, found {sum(counts)}"
        )
    return {
        "steady": sum(counts[1:]) / (times[-1] - times[0]),
        "whole": sum(counts) / (times[-1] - started),
    }


def _digest(parts: Parts) -> str:
    total = hashlib.sha256()
    for path in sorted(parts.folder.glob(f"*{parts.suffix}")):
        total.update(path.read_bytes())
    return total.hexdigest()


if __name__ == "__main__":
    typer.run(main)
