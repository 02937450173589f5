import subprocess
from pathlib import Path

import pytest

from benchmarks import record


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    results = tmp_path / "benchmarks" / "results"
    results.mkdir(parents=True)
    (results / "a.json").write_text("{}")
    (tmp_path / "code.py").write_text("x = 1\n")
    for command in (
        "init -q",
        "add .",
        "-c user.name=n -c user.email=e@x commit -qm begin",
    ):
        subprocess.run(["git", *command.split()], cwd=tmp_path, check=True)
    monkeypatch.setattr(record, "RESULTS", results)
    return tmp_path


def test_commit_is_that_of_the_code_however_many_results_have_changed(
    repository: Path,
) -> None:
    commit = record.current_commit()
    (repository / "benchmarks" / "results" / "a.json").write_text("[]")
    (repository / "benchmarks" / "results" / "b.json").write_text("{}")
    assert record.current_commit() == commit
    assert not commit.endswith("+")


def test_commit_is_marked_where_the_code_differs_from_it(repository: Path) -> None:
    commit = record.current_commit()
    (repository / "code.py").write_text("x = 2\n")
    assert record.current_commit() == f"{commit}+"
