import hashlib
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from spacy_biobert.pretraining.store import open_store, tokenizer_checksum
from spacy_biobert.pretraining.vocabulary import train_vocabulary

from .stores import WORDS


def test_cut_shard_is_refused_by_name(folder: Path) -> None:
    shard = folder / "shard-00001.arrow"
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"\[B118\].*shard-00001\.arrow"):
        open_store(folder)


def test_changed_shard_is_refused_by_name(folder: Path) -> None:
    shard = folder / "shard-00001.arrow"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    open_store(folder).verify()
    shard.write_bytes(content)
    expected = hashlib.sha256(content).hexdigest()
    with pytest.raises(ValueError, match=rf"\[B111\].*shard-00001\.arrow.*{expected}"):
        open_store(folder).verify()


def test_shard_that_is_no_arrow_file_is_refused_by_name(folder: Path) -> None:
    shard = folder / "shard-00000.arrow"
    shard.write_bytes(b"?" * shard.stat().st_size)
    with pytest.raises(ValueError, match=r"\[B116\].*shard-00000\.arrow"):
        open_store(folder)


def test_missing_shard_is_refused_by_name(folder: Path) -> None:
    (folder / "shard-00002.arrow").unlink()
    with pytest.raises(FileNotFoundError, match=r"\[B115\].*shard-00002\.arrow"):
        open_store(folder)


def test_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"\[B113\]"):
        open_store(tmp_path)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"format": 99}', "B114"),
        ("[]", "B114"),
        ('{"form', "B119"),
        ('{"format": 1}', "B119"),
    ],
)
def test_manifest_that_is_none_is_refused(folder: Path, text: str, code: str) -> None:
    (folder / "manifest.json").write_text(text)
    with pytest.raises(ValueError, match=rf"\[{code}\].*manifest\.json"):
        open_store(folder)


def test_another_tokenizer_is_refused(folder: Path, tokenizer: Tokenizer) -> None:
    store = open_store(folder)
    store.check_tokenizer(tokenizer_checksum(tokenizer))

    other = train_vocabulary([" ".join(WORDS)], size=100, cased=True)
    with pytest.raises(ValueError, match=r"\[B112\]"):
        store.check_tokenizer(tokenizer_checksum(other))
