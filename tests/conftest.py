import os
from pathlib import Path

import hypothesis
import pytest

from .annotators import make_annotator
from .encoders import make_encoder

# What a test takes says nothing on a machine with other work.
hypothesis.settings.register_profile("any time", deadline=None)
hypothesis.settings.load_profile("any time")


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Hugging Face folder with a random BERT: 2 layers, width 16, 64 positions."""
    return make_encoder(tmp_path_factory.mktemp("tiny_encoder"))


@pytest.fixture(scope="session")
def annotator(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline of random weights that finds entities, relations and categories."""
    return make_annotator(tiny_encoder, tmp_path_factory.mktemp("annotator"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of the public corpora that docs/data.md lists."""
    folder = os.environ.get("SPACY_BIOBERT_DATA")
    if not folder:
        pytest.skip("SPACY_BIOBERT_DATA, the folder of the real corpora, is not set")
    path = Path(folder)
    if not path.is_dir():
        pytest.fail(f"SPACY_BIOBERT_DATA is '{folder}', which is no folder")
    return path
