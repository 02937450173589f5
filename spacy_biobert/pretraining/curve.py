"""Draw how a run learned, from the records of its log."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..atomic import whole_file

Record = Mapping[str, float | str]


def draw_curve(records: Sequence[Record], path: Path) -> None:
    """Draw losses and accuracies over the pieces seen.

    records (Sequence[Record]): Records of the log, in order, with "kind"
        ("train" or "held_out"), "pieces", losses in nats, accuracies 0-1.
    path (Path): The .png to write, whole or not at all.
    """
    figure = Figure(figsize=(9.0, 3.8), layout="constrained")
    losses, accuracies = figure.subplots(1, 2)
    _draw(losses, records, "loss")
    losses.set_ylabel("loss (nats)")
    _draw(accuracies, records, "accuracy")
    accuracies.set_ylabel("accuracy")
    accuracies.set_ylim(0.0, 1.0)
    for axes in (losses, accuracies):
        axes.set_xlabel("pieces seen (millions)")
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend(fontsize="small", frameon=False)
    with whole_file(path) as unfinished:
        FigureCanvasAgg(figure)
        figure.savefig(unfinished, format="png", dpi=120)


def _draw(axes: Axes, records: Sequence[Record], what: str) -> None:
    for task, colour in (("mlm", "tab:blue"), ("nsp", "tab:orange")):
        for kind, style in (("train", "-"), ("held_out", "--o")):
            points = [
                (float(record["pieces"]) / 1e6, float(record[f"{task}_{what}"]))
                for record in records
                if record["kind"] == kind and f"{task}_{what}" in record
            ]
            if points:
                x, y = zip(*points, strict=True)
                name = f"{task.upper()}, {kind.replace('_', '-')}"
                axes.plot(
                    x,
                    y,
                    style,
                    color=colour,
                    label=name,
                    alpha=0.5 if kind == "train" else 1.0,
                    markersize=3,
                    linewidth=1.2,
                )
