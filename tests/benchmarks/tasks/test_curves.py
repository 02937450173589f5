import numpy
import pytest

from benchmarks.tasks.curves import draw_curves
from benchmarks.tasks.summary import Runs


def make_runs(
    task: str, arm: str, size: int | None, scores: list[float | None]
) -> Runs:
    by_seed = {
        seed: {"figures": {"test": {"ents_f": score}}}
        for seed, score in enumerate(scores)
    }
    return Runs(task, arm.partition("_")[0], arm, size, by_seed)


def test_a_panel_has_a_line_for_each_arm_with_several_sizes() -> None:
    figure = draw_curves(
        [
            make_runs("bc5cdr", "ours_mini", None, [0.8]),
            make_runs("bc5cdr", "ours_mini", 100, [0.6, 0.7]),
            make_runs("bc5cdr", "ours_mini", 50, [0.5]),
            make_runs("bc5cdr", "cnn", None, [0.75]),
            make_runs("bc5cdr", "cnn", 100, [0.4]),
            make_runs("bc5cdr", "hf_mini", None, [0.7]),
            make_runs("ncbi_disease", "cnn", None, [0.7]),
        ]
    )

    (panel,) = figure.axes
    assert panel.get_title() == "bc5cdr"
    assert [text.get_text() for text in panel.get_xticklabels()] == ["50", "100", "all"]
    lines = {
        bars.get_label(): bars.lines[0].get_xydata().tolist()
        for bars in panel.containers
    }
    assert list(lines) == ["ours, mini", "spaCy's CNN"]
    assert numpy.allclose(lines["ours, mini"], [[0, 50], [1, 65], [2, 80]])
    assert numpy.allclose(lines["spaCy's CNN"], [[1, 40], [2, 75]])
    low, high = panel.containers[0].lines[2][0].get_segments()[1][:, 1]
    assert high - low == pytest.approx(2 * 10 / 2**0.5)


def test_without_runs_on_a_part_there_is_nothing_to_draw() -> None:
    with pytest.raises(ValueError, match="--sizes"):
        draw_curves([make_runs("bc5cdr", "cnn", None, [0.7])])
