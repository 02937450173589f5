"""The installed tests of spacy-transformers pass with our encoder in place of theirs.

They are copied with other names in them: of the architecture, of the component and of
the encoders, all of which become one of random weights. What cannot apply is listed
with its reason, here and in `ours_in_place.py`.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import spacy_transformers

from ..encoders import make_encoder

TESTS = Path(spacy_transformers.__file__).parent / "tests"
ROOT = Path(__file__).parents[2]
ENCODERS = (
    r'"(albert-base-v2|distilbert-base-uncased|roberta-base|'
    r'(hf-internal-testing|sgugger)/[\w-]+)"'
)
NAMES = [
    (
        '@architectures = "spacy-transformers.Tok2VecTransformer.v[13]"',
        '@architectures = "peers.InlineEncoder.v1"',
    ),
    ("spacy-transformers.Tok2VecTransformer.v3", "spacy-biobert.BioBertTok2Vec.v1"),
    ("spacy-transformers.TransformerModel.v3", "spacy-biobert.BioBertModel.v1"),
    (
        r"from \.\.layers import TransformerModel$",
        "from tests.peers.ours_in_place import make_model as TransformerModel",
    ),
    # The copies are no part of their package.
    (r"from \.\. import", "from spacy_transformers import"),
    (r"from \.\.(\w)", r"from spacy_transformers.\1"),
]
COMPONENT = [
    ('factory = "transformer"', 'factory = "biobert_transformer"'),
    (
        r'add_pipe\(\s*"transformer"',
        'add_pipe("biobert_transformer", name="transformer"',
    ),
]
# Where no more than a line of a test cannot apply, the line becomes another.
EXPECTED = [
    # A slow tokenizer is asked for; ours are fast ones, and a warning says so (B322).
    (r"assert not trf_model\.tokenizer\.is_fast", "assert trf_model.tokenizer.is_fast"),
    ("is_fast is False", "is_fast is True"),
    # No more of the network's outputs is computed, and a warning says so (B323).
    (
        r"model_output\.(pooler_output|attentions) is not None",
        "model_output.last_hidden_state is not None",
    ),
    # A folder states the positions of its network; no text is cut by what it states.
    ("model_max_length == 499", "model_max_length == 512"),
    # The rows are tokens; the pieces are not kept.
    (r"if trf_model\.tokenizer\.is_fast:", "if outputs.wordpieces.strings:"),
]


def copy_tests(folder: Path, changes: list[tuple[str, str]]) -> None:
    unused = {old for old, _ in changes}
    for path in sorted(TESTS.rglob("*.py")):
        text = path.read_text(encoding="utf8")
        for old, new in changes:
            text, n_found = re.subn(old, new, text, flags=re.MULTILINE)
            if n_found:
                unused.discard(old)
        copied = folder / path.relative_to(TESTS)
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_text(text, encoding="utf8")
    assert not unused


@pytest.mark.parametrize("factory", ["transformer", "biobert_transformer"])
def test_tests_of_spacy_transformers_pass_with_our_encoder(
    factory: str, tmp_path: Path
) -> None:
    encoder = make_encoder(tmp_path / "encoder", n_positions=512)
    changes = [*NAMES, *EXPECTED, (ENCODERS, f'"{encoder}"')]
    if factory == "biobert_transformer":
        changes += COMPONENT
    copy_tests(tmp_path / "copied", changes)
    settings = tmp_path / "pytest.ini"
    settings.write_text("[pytest]\n")

    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-c", settings, "--rootdir", tmp_path),
            *("-p", "tests.peers.ours_in_place", "-p", "no:cacheprovider"),
            *("-q", "-ra", "--tb=short", tmp_path / "copied"),
        ],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PEERS_ENCODER": str(encoder),
            # Their own way to an encoder is closed.
            "HF_HUB_OFFLINE": "1",
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) >= 50, done.stdout
