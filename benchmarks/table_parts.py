"""The parts that tables of results have in common."""

from statistics import mean, stdev
from typing import Any

from .record import read_result


def thousands(figures: list[float], form: str = ",.0f") -> str:
    """Write the mean and the standard deviation of speeds."""
    deviation = f" ± {stdev(figures):{form}}" if len(figures) > 1 else ""
    return f"{mean(figures):{form}}{deviation}"


def spread(figures: list[float]) -> str:
    """Write the mean and the standard deviation."""
    return f"{mean(figures):.1f} ± {stdev(figures):.1f}"


def share(figure: float) -> str:
    """Write a share of 0 to 1 in percent."""
    return f"{100 * figure:.1f}%"


def times(faster: dict[str, Any]) -> str:
    """Write how many times as fast something was."""
    if faster["deviation"] is None:
        return f"{faster['mean']:.2f}"
    return (
        f"{faster['mean']:.2f} ± {faster['deviation']:.2f} "
        f"({faster['least']:.2f} to {faster['most']:.2f})"
    )


def provenance(results: list[dict[str, Any]]) -> str:
    """Name the machines, the commits and the command behind a table.

    Of several commands the first stands for all; each result file has its own.
    """
    machines = dict.fromkeys(_describe(result["machine"]) for result in results)
    commits = sorted({result["commit"] for result in results})
    commands = list(dict.fromkeys(result["command"] for result in results))
    others = "" if len(commands) == 1 else f" and {len(commands) - 1} more like it"
    return (
        f"<sub>{', '.join(machines)}, commit {', '.join(commits)}, "
        f"`{commands[0]}`{others}</sub>"
    )


def _describe(machine: dict[str, Any]) -> str:
    return f"{machine['cores']} cores ({machine['processor']})"


def needed(name: str) -> dict[str, Any]:
    """Read a result that a table stands on."""
    result = read_result(name)
    if result is None:
        raise SystemExit(f"benchmarks/results/{name}.json: expected, but there is none")
    return result
