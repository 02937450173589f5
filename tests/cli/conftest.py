from pathlib import Path

import pytest

from ..annotators import N_DOCUMENTS, write_documents


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "out" / "documents.jsonl.gz"


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    return write_documents(tmp_path / "documents.jsonl", range(N_DOCUMENTS))
