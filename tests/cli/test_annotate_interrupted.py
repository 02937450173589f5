import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from ..annotators import BLOCK, annotate, annotate_and_signal, records, write_documents
from ..full_disk import no_file_beyond
from .output import said


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize(
    ("name", "format", "n_blocks"),
    [
        ("o.jsonl.gz", "jsonl", 24),
        ("o.xml", "bioc_xml", 24),
        pytest.param("o.jsonl", "jsonl", 500, marks=pytest.mark.slow),
    ],
)
def test_a_run_killed_at_random_moments_goes_on_to_the_same_bytes(
    annotator: Path, tmp_path: Path, name: str, format: str, n_blocks: int
) -> None:
    documents = write_documents(tmp_path / "documents.jsonl", range(n_blocks * BLOCK))
    with documents.open("a") as file:
        file.write('{"id": "broken"\n')
    (tmp_path / "whole").mkdir()
    options = ("-m", annotator, "--format", format, "--resume")
    assert annotate(documents, tmp_path / "whole" / name, *options).exit_code == 0
    chance = random.Random(name)
    killed = tmp_path / "killed" / name

    def finished() -> int:
        return len(list(killed.parent.glob(f"{name}.parts/0*.json")))

    for _ in range(5):
        n_then = finished() + chance.randint(0, n_blocks // 8)

        def soon(n_then: int = n_then) -> bool:
            time.sleep(chance.uniform(0, 0.02))
            return finished() >= n_then

        code = annotate_and_signal((documents, killed, *options), signal.SIGKILL, soon)
        assert code == -signal.SIGKILL
        assert not killed.exists()
    assert 0 < finished() <= n_blocks
    putting_together = killed.with_name(f".{name}.unfinished")
    annotate_and_signal(
        (documents, killed, *options), signal.SIGKILL, putting_together.exists
    )
    assert annotate(documents, killed, *options).exit_code == 0

    assert {path.name: path.read_bytes() for path in killed.parent.iterdir()} == {
        path.name: path.read_bytes() for path in (tmp_path / "whole").iterdir()
    }
    assert (killed.with_name(f"{name}.errors.tsv")).read_text().count("B206") == 1


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_ctrl_c_ends_a_run_that_resume_goes_on_with(
    annotator: Path, tmp_path: Path
) -> None:
    documents = write_documents(tmp_path / "documents.jsonl", range(200 * BLOCK))
    output = tmp_path / "o.jsonl"
    parts = tmp_path / "o.jsonl.parts"

    code = annotate_and_signal(
        (documents, output, "-m", annotator),
        signal.SIGINT,
        lambda: parts.exists() and len(list(parts.glob("0*.json"))) >= 2,
    )

    assert code == 130
    assert not output.exists()
    assert len(list(parts.glob("0*.json"))) >= 2
    result = annotate(documents, output, "-m", annotator)
    assert "B501" in said(result)
    shutil.rmtree(parts)


def test_what_changed_since_a_run_began_is_named(
    annotator: Path, documents: Path, tmp_path: Path
) -> None:
    model = shutil.copytree(annotator, tmp_path / "model")
    output = tmp_path / "o.jsonl"
    parts = tmp_path / "o.jsonl.parts"
    options = (documents, output, "-m", model)
    # Loads the pipeline, for which spaCy writes files.
    assert annotate(documents, tmp_path / "first.jsonl", "-m", model).exit_code == 0
    with no_file_beyond(3_000):  # stops it in the middle
        assert "B235" in said(annotate(*options))
    kept = sorted(path.name for path in parts.iterdir())
    assert "recipe.json" in kept

    assert "B501" in said(annotate(*options))
    for more in (("--batch-size", 3), ("--limit", 5), ("--max-length", 50)):
        name = more[0].removeprefix("--").replace("-", "_")
        refused = said(annotate(*options, "--resume", *more))
        assert "B502" in refused
        assert name in refused
    content = documents.read_bytes()
    documents.write_bytes(content.replace(b"Title 3", b"Title 4"))
    refused = said(annotate(*options, "--resume"))
    assert "B502" in refused
    assert "other content" in refused
    documents.write_bytes(content)
    (model / "meta.json").write_text((model / "meta.json").read_text() + "\n")
    assert "model_sha256" in said(annotate(*options, "--resume"))
    assert sorted(path.name for path in parts.iterdir()) == kept
    assert not output.exists()
    assert annotate(*options, "--force").exit_code == 0
    assert not parts.exists()
    before = output.read_bytes()
    assert "is done already" in said(annotate(*options, "--resume"))
    assert "B500" in said(annotate(*options))
    assert "B514" in said(annotate(*options, "--resume", "--force"))
    assert "B502" in said(annotate(*options, "--resume", "--limit", 2))
    assert output.read_bytes() == before
    assert annotate(*options, "--force", "--limit", 2).exit_code == 0
    assert len(records(output)) == 2


def test_a_full_disk_leaves_no_output_and_resume_goes_on(
    annotator: Path, documents: Path, tmp_path: Path
) -> None:
    whole, output = tmp_path / "whole.json", tmp_path / "o.json"
    options = ("-m", annotator, "--format", "bioc_json")
    assert annotate(documents, whole, *options).exit_code == 0
    # Enough for a block, too little for all of them.
    with no_file_beyond(whole.stat().st_size // 2):
        refused = annotate(documents, output, *options)

    assert refused.exit_code == 1
    assert "B235" in said(refused)
    assert not output.exists()
    assert annotate(documents, output, *options, "--resume").exit_code == 0
    assert output.read_bytes() == whole.read_bytes()
