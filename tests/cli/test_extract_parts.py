"""Workers and shards: the same documents, whoever reads which file."""

import gzip
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from spacy_biobert.cli import extract as extract_module
from spacy_biobert.cli import plan

from .extractions import (
    LINE,
    SAMPLE,
    article,
    article_set,
    extract,
    manifest,
    medline,
    records,
)
from .test_extract import broken_files


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Baseline files and updates that revise and delete across all of them."""
    dice = random.Random(0)
    folder = tmp_path / "pubmed"
    folder.mkdir()
    for number in range(9):
        pmids = list(range(100 * number, 100 * number + 100))
        if number > 4:
            pmids += dice.sample(range(100 * number), 60)  # revised
        pmids += dice.choices(pmids, k=5)  # twice in the same file
        deleted = dice.sample(range(1_000), 12) if number % 2 else []
        text = medline(*pmids, deleted=deleted)
        text = text.replace("Title of", f"File {number} of")
        (folder / f"pubmed26n{number:04}.xml.gz").write_bytes(
            gzip.compress(text.encode())
        )
    for number in range(4):
        (folder / f"{number}.jsonl").write_text(LINE)
    (folder / "article.txt").write_text("Some text.")
    return folder


def run(output: Path, *arguments: object) -> bytes:
    result = extract(*arguments[:1], output, *arguments[1:])
    assert result.exit_code == 0, result.output
    return output.read_bytes()


def test_workers_give_the_same_bytes(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken_files(corpus / "broken")
    monkeypatch.setattr(plan, "PART_BYTES", 3_000)
    told: list[dict[str, Any]] = []
    written = set()
    for workers in (1, 3):
        output = tmp_path / str(workers) / "documents.jsonl.gz"
        written.add(run(output, corpus, "--workers", workers, "--min-words", 2))
        told.append(manifest(output.parent))
        assert len(list(output.parent.iterdir())) == 2
    assert len(written) == 1
    assert told[0] == told[1]
    assert sum(source["error"] is not None for source in told[0]["sources"]) == 5
    reasons = [source["skipped_because"].keys() for source in told[0]["sources"]]
    assert set().union(*reasons) == {"deleted", "superseded"}


@pytest.mark.parametrize("n_shards", [2, 5, 14])
def test_shards_are_together_what_one_run_gives(
    corpus: Path, tmp_path: Path, n_shards: int
) -> None:
    whole = tmp_path / "whole.jsonl.gz"
    run(whole, corpus)
    together: list[dict[str, Any]] = []
    sources = 0
    for number in range(1, n_shards + 1):
        output = tmp_path / f"{number}" / "documents.jsonl.gz"
        run(output, corpus, "--shard", f"{number}/{n_shards}")
        together += records(output)
        sources += len(manifest(output.parent)["sources"])
    assert together == records(whole)
    assert sources == 14
    ids = [record["id"] for record in together if record["id"].isdecimal()]
    assert len(ids) == len(set(ids)) > 800


def test_shard_without_a_document_is_written_empty(
    output: Path, tmp_path: Path
) -> None:
    (tmp_path / "a1.xml").write_text(medline(1))
    (tmp_path / "a2.xml").write_text(medline(1, 2))
    assert run(output, tmp_path / "*.xml", "--shard", "2/2")
    assert records(output) == []
    assert manifest(output.parent)["documents"] == 0


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "1/3", "a/b", "1/2/3", "-1/2"])
def test_what_is_no_shard_is_refused(output: Path, tmp_path: Path, shard: str) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.jsonl").write_text(LINE)
    result = extract(tmp_path, output, "--shard", shard)
    assert result.exit_code == 1
    assert "B217" in result.output
    assert not output.exists()


def test_limit_counts_over_all_parts(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "whole.jsonl.gz"
    run(whole, corpus)
    monkeypatch.setattr(plan, "PART_BYTES", 1)
    for limit in (3, 100, 205):
        output = tmp_path / f"{limit}.jsonl"
        run(output, corpus, "--limit", limit, "--workers", 2)
        assert records(output) == records(whole)[:limit]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("no space left")])
def test_interrupted_run_leaves_the_old_output_alone(
    corpus: Path,
    output: Path,
    monkeypatch: pytest.MonkeyPatch,
    workers: int,
    error: BaseException,
) -> None:
    before = run(output, SAMPLE / "articles")
    names = sorted(output.parent.iterdir())
    assert len(names) == 2
    monkeypatch.setattr(plan, "PART_BYTES", 1)
    copied = []

    def copy(*files: object) -> None:
        copied.append(files)
        if len(copied) == 5:
            raise error

    monkeypatch.setattr(extract_module.shutil, "copyfileobj", copy)
    assert extract(corpus, output, "--workers", workers).exit_code != 0
    assert output.read_bytes() == before
    assert sorted(output.parent.iterdir()) == names


def test_what_a_killed_run_left_is_removed(output: Path) -> None:
    left = output.with_name(f".{output.name}.parts")
    left.mkdir(parents=True)
    (left / f"3-{output.name}").write_text("half")
    run(output, SAMPLE / "articles")
    assert len(list(output.parent.iterdir())) == 2


MEASURE = """
import re, sys
from pathlib import Path
from wasabi.printer import Printer
from spacy_biobert.cli.extract import extract
from spacy_biobert.cli.parts import Filters
for path in sys.argv[1:]:
    output = Path(path + ".jsonl.gz")
    extract([path], output, filters=Filters(), printer=Printer(no_print=True))
    # The most kilobytes of this process; getrusage would count its parent's.
    status = Path("/proc/self/status").read_text()
    print(*re.findall(r"VmHWM:\\s*(\\d+) kB", status), file=sys.stderr)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_memory_does_not_grow_with_the_number_of_articles(tmp_path: Path) -> None:
    abstract = f"<Abstract><AbstractText>{'word ' * 200}</AbstractText></Abstract>"
    for name, n_articles in (("few", 1_000), ("many", 30_000)):
        articles = (article(pmid, abstract) for pmid in range(n_articles))
        (tmp_path / f"{name}.xml").write_text(article_set(articles))
    found = subprocess.run(
        [sys.executable, "-c", MEASURE, tmp_path / "few.xml", tmp_path / "many.xml"],
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    few, many = map(int, found.stderr.split())
    # The larger file has 34 MB, and more than 100 MB as a tree.
    assert many - few < 10_000
