import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from spacy_biobert.annotation.blocks import Block
from spacy_biobert.annotation.jobs import Job
from spacy_biobert.annotation.parts import RECIPE, Parts
from spacy_biobert.annotation.pipelines import Setting, describe, open_pipeline
from spacy_biobert.annotation.recipe import make_recipe

from ..annotators import BLOCK, annotate, annotate_and_signal, write_documents
from ..cli.output import said

REASON = "needs ray: pip install 'spacy-biobert[ray]'"
pytest.importorskip("ray.data", reason=REASON)
# Ray's own warnings.
pytestmark = pytest.mark.filterwarnings("ignore")
N_BLOCKS = 150
STORE = 80 * 1024**2


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a cluster of two machines, of one core each, on this one."""
    from ray.cluster_utils import Cluster

    machine = {"num_cpus": 1, "object_store_memory": STORE}
    found = Cluster(initialize_head=True, head_node_args=machine)
    found.add_node(**machine)
    yield found.address
    found.shutdown()


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    """Documents, among them a broken one, an empty one and one that comes twice."""
    path = write_documents(tmp_path / "documents.jsonl", range(N_BLOCKS * BLOCK))
    lines = path.read_text().splitlines(keepends=True)
    lines[9:9] = ['{"id": "broken"\n', '{"id": "empty", "text": " "}\n', lines[2]]
    path.write_text("".join(lines))
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def actors() -> list[int]:
    """The processes below this one that are actors and hold, or load, a pipeline."""
    parents = {}
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal():
            continue
        try:
            title = (process / "cmdline").read_text()
            status = (process / "stat").read_text()
        except OSError:  # it has ended meanwhile
            continue
        parents[int(process.name)] = int(status.rpartition(")")[2].split()[1])
        if "MapWorker" in title:
            found.append(int(process.name))

    def is_ours(process: int) -> bool:
        while process > 1:
            if process == os.getpid():
                return True
            process = parents.get(process, 0)
        return False

    return [process for process in found if is_ours(process)]


def n_finished(parts: Path) -> int:
    return len(list(parts.glob("0*.json")))


class Killer(threading.Thread):
    """Kills one of two actors when so many blocks are finished."""

    def __init__(self, parts: Path, n_blocks: int) -> None:
        super().__init__(daemon=True)
        self.parts = parts
        self.n_blocks = n_blocks
        self.killed: int | None = None

    def run(self) -> None:
        while n_finished(self.parts) < self.n_blocks or len(actors()) < 2:
            time.sleep(0.02)
        self.killed = actors()[0]
        os.kill(self.killed, signal.SIGKILL)


def test_a_worker_killed_in_the_middle_changes_nothing(
    annotator: Path, documents: Path, tmp_path: Path
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    assert annotate(documents, here / "o.jsonl", "-m", annotator).exit_code == 0
    killer = Killer(there / "o.jsonl.parts", 3)
    killer.start()

    result = annotate(
        documents, there / "o.jsonl", "-m", annotator, "--engine", "ray",
        "--processes", 2,
    )  # fmt: skip

    assert result.exit_code == 0, result.output
    assert killer.killed is not None
    assert contents(there) == contents(here)
    assert (there / "o.jsonl.errors.tsv").read_text().count("\n") == 4
    assert "3 set aside" in said(result)
    assert not actors()


def test_a_run_goes_from_this_machine_to_a_cluster_that_loses_a_block_and_back(
    cluster: str, annotator: Path, documents: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("spacy_biobert.annotation.cluster.RETRIES", 0)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(annotator, "model")
    parts = Path("there/o.xml.parts")
    options = ("-m", "model", "--format", "bioc_xml")
    assert annotate(documents.name, "here/o.xml", *options).exit_code == 0
    run = (documents.name, "there/o.xml", *options, "--resume")
    annotate_and_signal(run, signal.SIGKILL, lambda: n_finished(parts) >= 3)
    n_here = n_finished(parts)
    killer = Killer(parts, n_here + 3)
    killer.start()

    result = annotate(*run, "--engine", "ray", "--address", cluster)

    assert result.exit_code == 1
    assert "B525" in said(result), result.output
    assert killer.killed is not None
    assert 3 <= n_here < n_here + 3 <= n_finished(parts) < N_BLOCKS
    assert annotate(*run).exit_code == 0
    assert contents(Path("there")) == contents(Path("here"))


def test_a_cluster_that_cannot_do_it_is_told_of(
    cluster: str, annotator: Path, documents: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    before = contents(tmp_path)
    run = (documents, tmp_path / "o.jsonl", "-m", annotator)
    ray = ("--engine", "ray")
    for code, more in (
        ("B521", (*ray, "--address", cluster, "--gpu-id", 0)),
        ("B520", (*ray, "--address", "ray://localhost:1")),
        ("B524", ("--address", cluster)),
    ):
        result = annotate(*run, *more)
        assert result.exit_code == 1
        assert code in said(result), result.output
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "spacy_biobert.annotation.cluster")
    result = annotate(*run, *ray)
    assert result.exit_code == 1
    assert "B519" in said(result)
    assert "pip install 'spacy-biobert[ray]'" in said(result)
    assert contents(tmp_path) == before


def test_a_machine_with_something_else_is_told_of(
    annotator: Path, tmp_path: Path
) -> None:
    from spacy_biobert.annotation.cluster import BlockFinisher

    setting = Setting(str(annotator))
    about = describe(open_pipeline(setting), str(annotator)).about()
    recipe = make_recipe([], about, {})
    parts = Parts(tmp_path / "o.parts", ".jsonl")
    job = Job(Block(0, (), (), ()), setting, "records", about, parts, share=0.5)

    with pytest.raises(ValueError, match="B522"):
        BlockFinisher(recipe).finish(job)
    parts.folder.mkdir()
    (parts.folder / RECIPE).write_text(json.dumps(recipe))
    assert BlockFinisher(recipe).finish(job).share == 0.5
    for other in (
        {"model_sha256": "another"},
        {"versions": {**recipe["versions"], "spacy": "2.0"}},
    ):
        with pytest.raises(ValueError, match=rf"B523.*{next(iter(other))}"):
            BlockFinisher({**recipe, **other}).finish(job)
