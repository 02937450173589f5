from pathlib import Path

import pytest

from .runs import make_store


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    """A token store of 40 short texts in the tiny encoder's pieces."""
    return make_store(tmp_path_factory.mktemp("store") / "store", tiny_encoder)
