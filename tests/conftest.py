from pathlib import Path

import pytest

from .encoders import make_encoder


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Hugging Face folder with a random BERT: 2 layers, width 16, 64 positions."""
    return make_encoder(tmp_path_factory.mktemp("tiny_encoder"))
