"""Draw how a run learned, from the records of its log."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..atomic import whole_file

# Pieces from which on they are counted in millions.
MANY = 2e6
Record = Mapping[str, float | str]


def draw_curve(records: Sequence[Record], path: Path) -> None:
    """Draw losses and accuracies over the pieces seen.

    records (Sequence[Record]): Records of the log, in order, with "kind"
        ("train" or "held_out"), "pieces", losses in nats, accuracies 0-1.
    path (Path): The .png to write, whole or not at all.
    """
    most = max((float(record["pieces"]) for record in records), default=0.0)
    unit, name = (1e6, "millions") if most >= MANY else (1e3, "thousands")
    figure = Figure(figsize=(9.0, 3.8), layout="constrained")
    losses, accuracies = figure.subplots(1, 2)
    _draw(losses, records, "loss", unit)
    losses.set_ylabel("loss (nats)")
    _draw(accuracies, records, "accuracy", unit)
    accuracies.set_ylabel("accuracy")
    accuracies.set_ylim(0.0, 1.0)
    for axes in (losses, accuracies):
        axes.set_xlabel(f"pieces seen ({name})")
        axes.locator_params(axis="x", nbins=6)
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend(fontsize="small", frameon=False)
    with whole_file(path) as unfinished:
        FigureCanvasAgg(figure)
        figure.savefig(unfinished, format="png", dpi=120)


def _draw(axes: Axes, records: Sequence[Record], what: str, unit: float) -> None:
    for task, colour in (("mlm", "tab:blue"), ("nsp", "tab:orange")):
        for kind, style in (("train", "-"), ("held_out", "--o")):
            points = [
                (float(record["pieces"]) / unit, float(record[f"{task}_{what}"]))
                for record in records
                if record["kind"] == kind and f"{task}_{what}" in record
            ]
            if points:
                x, y = zip(*points, strict=True)
                label = f"{task.upper()}, {kind.replace('_', '-')}"
                axes.plot(
                    x,
                    y,
                    style,
                    color=colour,
                    label=label,
                    alpha=0.5 if kind == "train" else 1.0,
                    markersize=3,
                    linewidth=1.2,
                )
