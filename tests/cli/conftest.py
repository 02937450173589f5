from pathlib import Path

import pytest

from ..annotators import N_DOCUMENTS, write_documents
from .converting import PUBTATOR


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "out" / "documents.jsonl.gz"


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    return write_documents(tmp_path / "documents.jsonl", range(N_DOCUMENTS))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "a.txt"
    path.write_text(PUBTATOR, encoding="utf-8")
    return path
