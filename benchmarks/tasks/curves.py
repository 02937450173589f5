"""Draw the scores on test over the number of training documents.

    python -m benchmarks.tasks.curves [RESULTS]

writes docs/learning_curves.png from what `--sizes` filed.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from statistics import mean, stdev

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from spacy_biobert.atomic import whole_file

from .corpora import TASKS
from .jobs import SCORES
from .summary import Runs, collect
from .training import ROOT

PICTURE = ROOT / "docs" / "learning_curves.png"


def draw_curves(everything: Iterable[Runs]) -> Figure:
    """Draw a panel for each task that has runs on a part of its documents.

    everything (Iterable[Runs]): From `collect`.
    RETURNS (Figure): A line for each arm: the mean F1 in percent, and with two or more
        seeds the deviation. The panels' columns are the sizes, and all documents last.
    RAISES (ValueError): If there is no such task.
    """
    runs = list(everything)
    tasks = [
        name
        for name in TASKS
        if any(one.task == name and one.size is not None for one in runs)
    ]
    if not tasks:
        raise ValueError("expected runs on a part of the documents: --sizes 50,100")
    figure = Figure(figsize=(1.0 + 5.0 * len(tasks), 3.8), layout="constrained")
    panels = figure.subplots(1, len(tasks), squeeze=False)[0]
    for axes, task in zip(panels, tasks, strict=True):
        some = [one for one in runs if one.task == task]
        sizes = sorted({one.size for one in some if one.size is not None})
        columns = [*sizes, None]
        for arm in dict.fromkeys(one.arm for one in some):
            mine = sorted(
                ((columns.index(one.size), one) for one in some if one.arm == arm),
                key=lambda placed: placed[0],
            )
            if len(mine) == 1:
                continue
            scores = [
                list(one.scores("test", SCORES[TASKS[task].kind]).values())
                for _, one in mine
            ]
            axes.errorbar(
                [column for column, _ in mine],
                [mean(found) for found in scores],
                [stdev(found) if len(found) > 1 else 0.0 for found in scores],
                marker="o",
                markersize=4,
                capsize=3,
                label=mine[0][1].shown,
            )
        axes.set_title(task)
        axes.set_xticks(range(len(columns)), [*map(str, sizes), "all"])
        axes.set_xlabel("training documents")
        axes.set_ylabel("F1 on test (%)")
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small", frameon=False)
    return figure


def main(folder: Path | None = None) -> None:
    """Draw the filed runs."""
    figure = draw_curves(collect(folder) if folder else collect())
    FigureCanvasAgg(figure)
    with whole_file(PICTURE) as unfinished:
        figure.savefig(unfinished, format="png", dpi=120)
    print(PICTURE)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
