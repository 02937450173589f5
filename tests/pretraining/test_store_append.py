import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from spacy_biobert.pretraining import building
from spacy_biobert.pretraining.building import append_to_store, build_store
from spacy_biobert.pretraining.store import open_store
from spacy_biobert.pretraining.vocabulary import train_vocabulary
from spacy_biobert.types import Document

from .stores import WORDS, failing, ids_of, make_corpus, sentences_of

OLD = {"path": "2026.jsonl", "sha256": "26"}
NEW = {"path": "2027.jsonl", "sha256": "27"}
CORPUS = make_corpus(250)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def old(folder: Path, tokenizer: Tokenizer) -> Path:
    """A store of the first hundred documents, in several shards."""
    build_store(CORPUS[:100], tokenizer, folder, held_out=0.1, sources=[OLD])
    return folder


def test_append_keeps_old_shards_and_adds_new_ones(
    old: Path, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    before, manifest = snapshot(old), open_store(old).manifest
    figures = append_to_store(CORPUS[100:], tokenizer, old, held_out=0.1, sources=[NEW])
    after, store = snapshot(old), open_store(old)
    store.verify()
    n_old = len(manifest["shards"])
    assert n_old > 2
    assert store.manifest["shards"][:n_old] == manifest["shards"]
    assert all(after[name] == before[name] for name in before if "shard" in name)
    assert store.manifest["sources"] == [OLD, NEW]
    assert [shard["name"] for shard in store.manifest["shards"]] == sorted(
        name for name in after if name != "manifest.json"
    )
    assert figures.n_documents == 150
    assert figures.n_pieces == store.n_pieces - sum(
        s["pieces"] for s in manifest["shards"]
    )

    build_store(CORPUS, tokenizer, tmp_path / "whole", held_out=0.1)
    whole = open_store(tmp_path / "whole")
    for split in ("train", "held_out"):
        assert ids_of(store, split) == ids_of(whole, split)
        ones, others = store.documents(split), whole.documents(split)
        for index in range(len(others)):
            assert sentences_of(ones, index) == sentences_of(others, index)


def test_store_that_grew_twice_still_opens(old: Path, tokenizer: Tokenizer) -> None:
    last = {"path": "2028.jsonl", "sha256": "28"}
    append_to_store(CORPUS[100:150], tokenizer, old, held_out=0.1, sources=[NEW])
    append_to_store(CORPUS[150:], tokenizer, old, held_out=0.1, sources=[last])
    store = open_store(old)
    store.verify()
    assert len(store.documents("train")) + len(store.documents("held_out")) == 250
    assert store.manifest["sources"] == [OLD, NEW, last]


def test_open_store_does_not_change_while_it_grows(
    old: Path, tokenizer: Tokenizer
) -> None:
    documents = open_store(old).documents("train")
    n_documents, first = len(documents), sentences_of(documents, 0)
    append_to_store(CORPUS[100:], tokenizer, old, held_out=0.1)
    assert len(documents) == n_documents
    assert sentences_of(documents, 0) == first


def test_append_refuses_what_does_not_go_with_the_store(
    old: Path, tokenizer: Tokenizer
) -> None:
    before = snapshot(old)
    other = train_vocabulary([" ".join(WORDS)], size=100, cased=True)
    with pytest.raises(ValueError, match="B112"):
        append_to_store(CORPUS, other, old, held_out=0.1)
    with pytest.raises(ValueError, match=r"B122.*0\.1, found 0\.2"):
        append_to_store(CORPUS, tokenizer, old, held_out=0.2)
    renamed = {**OLD, "path": "other.jsonl"}
    with pytest.raises(ValueError, match=r"B123.*other\.jsonl.*2026\.jsonl"):
        append_to_store(CORPUS, tokenizer, old, held_out=0.1, sources=[NEW, renamed])
    with pytest.raises(ValueError, match="B110"):
        append_to_store([], tokenizer, old, held_out=0.1)
    assert snapshot(old) == before
    assert not list(old.glob(".*"))


def test_append_wants_a_store(tokenizer: Tokenizer, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="B113"):
        append_to_store(CORPUS, tokenizer, tmp_path / "none", held_out=0.1)
    assert not list(tmp_path.iterdir())


def test_append_that_fails_leaves_the_store_as_it_was(
    old: Path, tokenizer: Tokenizer
) -> None:
    before = snapshot(old)
    with pytest.raises(RuntimeError):
        append_to_store(failing(CORPUS[100:]), tokenizer, old, held_out=0.1)
    assert snapshot(old) == before
    assert not list(old.glob(".*"))


class Killed(BaseException):
    pass


@pytest.mark.parametrize("place", [0, 1, -2, -1])
def test_append_killed_at_any_rename_leaves_a_store_that_can_grow(
    old: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    whole = shutil.copytree(old, old.with_name("whole"))
    append_to_store(CORPUS[100:], tokenizer, whole, held_out=0.1, sources=[NEW])
    before, n_new = open_store(old).manifest, len(open_store(whole).manifest["shards"])
    # A rename for each new shard, and the last for the manifest.
    renames = n_new - len(before["shards"]) + 1
    left = list(range(renames))[place] + 1
    replace = os.replace

    def kill(source: Path, target: Path) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise Killed
        replace(source, target)

    # A process that is killed cleans nothing up.
    with monkeypatch.context() as killing:
        killing.setattr(os, "replace", kill)
        killing.setattr(shutil, "rmtree", lambda *_, **__: None)
        with pytest.raises(Killed):
            append_to_store(CORPUS[100:], tokenizer, old, held_out=0.1, sources=[NEW])
    store = open_store(old)
    store.verify()
    assert store.manifest == before
    assert list(old.glob(".append-*"))
    append_to_store(CORPUS[100:], tokenizer, old, held_out=0.1, sources=[NEW])
    store = open_store(old)
    store.verify()
    assert len(store.documents("train")) + len(store.documents("held_out")) == 250
    assert {path.name for path in old.iterdir()} == {
        "manifest.json",
        *(shard["name"] for shard in store.manifest["shards"]),
    }


@pytest.mark.parametrize("write", [append_to_store, build_store])
def test_what_a_killed_append_left_is_cleared_away(
    old: Path, tokenizer: Tokenizer, write: Callable[..., object]
) -> None:
    (old / ".append-x").mkdir()
    (old / ".append-x" / "shard-00009.arrow").write_bytes(b"half")
    (old / "shard-00099.arrow").write_bytes(b"whole, but not in the manifest")
    write(CORPUS[100:], tokenizer, old, held_out=0.1)
    store = open_store(old)
    store.verify()
    assert {path.name for path in old.iterdir()} == {
        "manifest.json",
        *(shard["name"] for shard in store.manifest["shards"]),
    }


def test_two_appends_at_once_do_not_mix(
    old: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {"path": "other.jsonl", "sha256": "0"}
    # The other one does not take this one's folder for a killed one's.
    remove = building._remove_leftovers

    def meanwhile() -> Iterator[Document]:
        yield from CORPUS[100:150]
        monkeypatch.setattr(building, "_remove_leftovers", lambda *_: None)
        append_to_store(CORPUS[150:], tokenizer, old, held_out=0.1, sources=[other])
        monkeypatch.setattr(building, "_remove_leftovers", remove)

    with pytest.raises(FileExistsError, match="B124"):
        append_to_store(meanwhile(), tokenizer, old, held_out=0.1, sources=[NEW])
    store = open_store(old)
    store.verify()
    assert store.manifest["sources"] == [OLD, other]
