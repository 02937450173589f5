import gzip
import os
from collections import Counter
from pathlib import Path

import pytest

from spacy_biobert.annotation.annotating import AnnotatedBlock, Counts
from spacy_biobert.annotation.checks import SetAside
from spacy_biobert.annotation.parts import (
    Parts,
    open_parts,
    read_recipe,
    read_report,
    remove_parts,
    write_block,
)
from spacy_biobert.converters.faults import SourceError

COUNTS = Counts(2, Counter({"Drug": 3}), Counter(), Counter({"a": 1}), Counter())
BLOCK = AnnotatedBlock(7, b"{}\n", COUNTS, (SetAside("a.txt", "1", "broken"),))


def test_what_is_told_of_a_block_is_read_again(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "o.parts", ".jsonl.gz")

    written = write_block(BLOCK, parts)

    assert read_report(parts, 7) == written
    assert written.counts == COUNTS
    assert written.set_aside == BLOCK.set_aside
    assert gzip.decompress(parts.content(7).read_bytes()) == b"{}\n"
    assert read_report(parts, 6) is None


def test_a_block_without_its_whole_content_is_not_finished(tmp_path: Path) -> None:
    parts = Parts(tmp_path, ".jsonl")
    write_block(BLOCK, parts)
    parts.content(7).write_bytes(b"{}")
    assert read_report(parts, 7) is None
    parts.content(7).unlink()
    assert read_report(parts, 7) is None


def test_blocks_are_kept_for_the_same_run_and_removed_for_another(
    tmp_path: Path,
) -> None:
    parts = Parts(tmp_path / "o.parts", ".jsonl")
    with open_parts(parts, {"a": 1}, anew=False):
        write_block(BLOCK, parts)
    assert read_recipe(parts) == {"a": 1}
    with open_parts(parts, {"a": 1}, anew=False):
        assert read_report(parts, 7) is not None
    with open_parts(parts, {"a": 2}, anew=True):
        assert read_report(parts, 7) is None
        remove_parts(parts)
    assert not parts.folder.exists()


def test_two_processes_do_not_write_the_same_blocks(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "o.parts", ".jsonl")
    with (
        open_parts(parts, {}, anew=False),
        pytest.raises(SourceError, match="B512"),
        open_parts(parts, {}, anew=False),
    ):
        pass


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "o.parts", ".jsonl")
    parts.folder.mkdir()
    (parts.folder / "thesis.doc").write_text("mine")

    with pytest.raises(SourceError, match=r"B517.*thesis\.doc"):
        open_parts(parts, {}, anew=True).__enter__()

    assert sorted(os.listdir(parts.folder)) == ["lock", "thesis.doc"]
