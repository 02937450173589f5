import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import record, release_tables
from benchmarks.tasks.summary import Runs

ABOUT: dict[str, Any] = {
    "commit": "abc",
    "command": "count",
    "machine": {"cores": 2, "processor": "Abacus"},
}


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(record, "RESULTS", tmp_path)
    alone = {
        seed: ABOUT | {"figures": {"test": {"ents_f": score}}}
        for seed, score in enumerate((0.75, 0.77))
    }
    runs = [
        Runs("bc5cdr", "ours", "ours_mini", None, {}),
        Runs("bc5cdr", "words", "words_mini", None, alone),
        Runs("bc5cdr", "words", "words_mini", 100, {}),
        Runs("bc5cdr", "cnn", "cnn", None, {}),
    ]
    monkeypatch.setattr(release_tables.task_summary, "collect", lambda: runs)
    return tmp_path


def test_each_task_stands_beside_the_mean_of_what_learned_it_alone(
    results: Path,
) -> None:
    figures = {
        "release": {"cats_micro_f": 0.5, "ents_ece": 0.1},
        "release_gold_entities": {"rel_micro_f": 0.4},
        "release_bc5cdr": {"ents_f": 0.757, "ents_ece": 0.0254},
        "release_ncbi_disease": {"ents_f": 0.7},
        "release_bc2gm": {"ents_f": 0.6},
    }
    (results / "release.json").write_text(json.dumps(ABOUT | {"figures": figures}))
    table = release_tables.release_tasks()
    assert "| bc5cdr: entities | 75.7 | 76.0 | -0.3 | 2 | 0.025 |" in table
    assert (
        "| bc5cdr_cid: relations, between gold entities | 40.0 | - | - | - |  |"
        in table
    )
    assert "| coronacentral: topics | 50.0 | - | - | - |  |" in table
    assert "2 cores (Abacus), commit abc, `count`" in table


def test_pipeline_that_is_not_measured_is_said_to_be_so(results: Path) -> None:
    assert release_tables.release() == release_tables.NOT_YET
    assert release_tables.release_tasks() == release_tables.NOT_YET
