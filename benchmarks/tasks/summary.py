"""What the filed runs say: means, deviations, paired differences, drops.

    python -m benchmarks.tasks.summary [RESULTS]

An arm or a task without runs is left out.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import typer

from spacy_biobert.evaluation.card import markdown_table
from spacy_biobert.evaluation.published import PUBLISHED

from ..record import RESULTS
from .arms import FAMILIES
from .corpora import TASKS
from .jobs import SCORES

# Below the scores of all: the labels of the corpora that others report one by one.
LABELS = {"bc5cdr": ("Chemical", "Disease")}


@dataclass(frozen=True, slots=True)
class Runs:
    """All filed runs of an arm on a task.

    by_seed (dict[int, dict]): The results.
    """

    task: str
    family: str
    arm: str
    size: int | None
    by_seed: dict[int, dict[str, Any]]

    @property
    def shown(self) -> str:
        """What a table calls the arm: the family, and the encoder by its name."""
        encoder = self.arm.removeprefix(self.family).removeprefix("_")
        shown = FAMILIES[self.family].shown
        return f"{shown}, {encoder}" if encoder else shown

    def scores(self, *path: str) -> dict[int, float]:
        """Give a score by the seed, in percent; seeds without it are left out.

        path (str): Its place in the figures; what is missing there is None.
        """
        found = {seed: _get(run["figures"], path) for seed, run in self.by_seed.items()}
        return {seed: 100 * s for seed, s in found.items() if s is not None}

    def figure(self, name: str) -> float:
        """Give the mean of a figure over the seeds."""
        return mean(run["figures"][name] for run in self.by_seed.values())


def collect(folder: Path = RESULTS) -> list[Runs]:
    """Read the runs that are filed, in the order of the tasks and families.

    folder (Path): Has the result files.
    RETURNS (list[Runs]): One for each task, arm and size.
    """
    found: dict[tuple[str, str, int | None], Runs] = {}
    for path in sorted(folder.glob("task_*_seed*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        settings = result["settings"]
        task, arm, size = (settings[key] for key in ("task", "arm", "size"))
        runs = found.setdefault(
            (task, arm, size), Runs(task, settings["family"], arm, size, {})
        )
        runs.by_seed[settings["seed"]] = result
    order = list(TASKS), list(FAMILIES)
    return sorted(
        found.values(),
        key=lambda r: (order[0].index(r.task), order[1].index(r.family), r.arm),
    )


def task_tables(everything: Iterable[Runs]) -> str:
    """Write the scores on test, a table for each task.

    everything (Iterable[Runs]): From `collect`; learning curves are left out.
    RETURNS (str): Markdown. The differences are to the first arm, seed by seed.
    """
    runs = [one for one in everything if one.size is None]
    tables = []
    for task in TASKS.values():
        some = [one for one in runs if one.task == task.name]
        if not some:
            continue
        columns: list[tuple[str, tuple[str, ...]]] = [
            ("F1", ("test", SCORES[task.kind]))
        ]
        if task.kind != "entities":
            macro = SCORES[task.kind].replace("micro", "macro")
            columns = [("micro F1", columns[0][1]), ("macro F1", ("test", macro))]
        columns += [
            (label, ("test", "ents_per_type", label, "f"))
            for label in LABELS.get(task.name, ())
        ]
        header = (
            f"{task.name}: {task.kind}", "seeds", *(name for name, _ in columns),
            f"difference to {some[0].shown}", "dev", "best step", "minutes",
        )  # fmt: skip
        rows = [_row(one, some[0], [path for _, path in columns]) for one in some]
        tables.append(markdown_table(header, rows))
    return "\n\n".join(tables)


def _row(one: Runs, first: Runs, paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    learns = FAMILIES[one.family].learns
    return (
        one.shown,
        str(len(one.by_seed)) if learns else "",
        *(spread(one.scores(*path).values()) for path in paths),
        "" if one is first else difference(one, first, paths[0]),
        spread(one.scores("dev").values()),
        f"{one.figure('best_step'):,.0f}" if learns else "",
        f"{one.figure('minutes'):.1f}" if learns else "",
    )


def published_table(tasks: Iterable[str]) -> str:
    """Write what others have published on the test splits of some tasks.

    tasks (Iterable[str]): The names.
    RETURNS (str): Markdown; empty if there is nothing.
    """
    tasks = set(tasks)
    rows = [
        (
            one.corpus,
            one.label or "all",
            one.model,
            f"{one.f1:.2f}",
            f"{one.source.paper}, {one.source.table}",
        )
        for one in PUBLISHED
        if one.corpus in tasks
    ]
    header = ("published by others", "label", "model", "F1", "where")
    return markdown_table(header, rows, left=3) if rows else ""


def curve_table(everything: Iterable[Runs]) -> str:
    """Write the scores on test by the number of documents to train on.

    everything (Iterable[Runs]): From `collect`.
    RETURNS (str): Markdown; empty without runs on a part of the documents.
    """
    runs = list(everything)
    sizes = sorted({one.size for one in runs if one.size is not None})
    curves: dict[tuple[str, str], dict[int | None, str]] = {}
    for one in runs:
        score = SCORES[TASKS[one.task].kind]
        cells = curves.setdefault((one.task, one.shown), {})
        cells[one.size] = spread(one.scores("test", score).values())
    rows = [
        (task, arm, *(cells.get(size, "") for size in (*sizes, None)))
        for (task, arm), cells in curves.items()
        if len(cells) > 1 or None not in cells
    ]
    header = ("F1 by training documents", "arm", *map(str, sizes), "all")
    return markdown_table(header, rows, left=2) if rows else ""


def drop_table(everything: Iterable[Runs]) -> str:
    """Write what perturbations and another corpus take from the scores on test.

    everything (Iterable[Runs]): From `collect`.
    RETURNS (str): Markdown; empty if nothing else was scored on. Of another corpus:
        the F1 of the label that both have, not the drop.
    """
    rows = []
    for one in everything:
        score = SCORES[TASKS[one.task].kind]
        others = {
            name for run in one.by_seed.values() for name in run["figures"]["others"]
        }
        whole = one.scores("test", score)
        for name in sorted(others - set(TASKS)):
            drops = paired(one.scores("others", name, score), whole)
            rows.append((one.task, one.shown, name, spread(drops)))
        for name in sorted(others & set(TASKS)):
            path = ("ents_per_type", "Disease", "f")
            within = one.scores("test", *path).values()
            beyond = one.scores("others", name, *path).values()
            shown = f"Disease: {spread(beyond)}, and {spread(within)} on its own"
            rows.append((one.task, one.shown, f"on {name}", shown))
    header = ("trained on", "arm", "test split", "difference to F1 on test")
    return markdown_table(header, rows, left=3) if rows else ""


def difference(one: Runs, other: Runs, path: tuple[str, ...]) -> str:
    """Write how much better a run is than another, over the seeds that both have."""
    if FAMILIES[one.family].learns and FAMILIES[other.family].learns:
        return spread(paired(one.scores(*path), other.scores(*path)))
    return spread(
        [mean(one.scores(*path).values()) - mean(other.scores(*path).values())]
    )


def paired(scores: dict[int, float], others: dict[int, float]) -> list[float]:
    """Give the differences of the seeds that both have."""
    return [
        scores[seed] - others[seed] for seed in sorted(scores.keys() & others.keys())
    ]


def spread(figures: Iterable[float]) -> str:
    """Write the mean, and with two or more figures their standard deviation."""
    found = list(figures)
    if not found:
        return "-"
    deviation = f" ± {stdev(found):.1f}" if len(found) > 1 else ""
    return f"{mean(found):.1f}{deviation}"


def _get(figures: Any, path: Sequence[str]) -> float | None:
    for key in path:
        figures = (figures or {}).get(key)
    score: float | None = figures
    return score


def summarize(folder: Path = RESULTS) -> str:
    """Write all tables for which there are runs, and the published scores below them."""
    runs = collect(folder)
    if not runs:
        return f"{folder}: no run of `python -m benchmarks.tasks` is filed yet"
    parts = (
        task_tables(runs),
        curve_table(runs),
        drop_table(runs),
        published_table(run.task for run in runs),
    )
    return "\n\n".join(part for part in parts if part)


def main(
    results: Path = typer.Argument(RESULTS, help="Folder of the runs", exists=True),
) -> None:
    """Print what the filed runs say, or those of a trial."""
    print(summarize(results))


if __name__ == "__main__":
    typer.run(main)
