import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from spacy_biobert.pretraining import shards
from spacy_biobert.pretraining.building import build_store
from spacy_biobert.pretraining.shards import StoreFigures
from spacy_biobert.pretraining.store import (
    Split,
    open_store,
    tokenizer_checksum,
)
from spacy_biobert.types import Document

from .stores import failing, ids_of, make_corpus, make_document, sentences_of


def encoded(tokenizer: Tokenizer, *sentences: str) -> list[list[int]]:
    return [tokenizer.encode(s, add_special_tokens=False).ids for s in sentences]


def test_store_gives_back_the_pieces_of_each_sentence(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    documents = [
        make_document(1, "Aspirin reduces fever. It is p53.", "Most of the patients."),
        make_document(2, "Fever in the gene."),
    ]
    figures = build_store(documents, tokenizer, tmp_path / "store", held_out=0.0)

    found = open_store(tmp_path / "store").documents("train")
    assert len(found) == 2
    assert sentences_of(found, 0) == encoded(
        tokenizer,
        "A title.",
        "Aspirin reduces fever.",
        "It is p53.",
        "Most of the patients.",
    )
    assert sentences_of(found, 1) == encoded(
        tokenizer, "A title.", "Fever in the gene."
    )
    n_pieces = len(found.pieces(0)) + len(found.pieces(1))
    assert figures == StoreFigures(2, 0, 6, n_pieces)


def test_store_reads_the_same_from_many_shards_as_from_one(
    tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = make_corpus(600)
    build_store(corpus, tokenizer, tmp_path / "one", held_out=0.2)
    monkeypatch.setattr(shards, "BATCH_PIECES", 300)
    monkeypatch.setattr(shards, "SHARD_PIECES", 2000)
    reports: list[StoreFigures] = []
    figures = build_store(
        corpus, tokenizer, tmp_path / "many", held_out=0.2, report=reports.append
    )

    one, many = open_store(tmp_path / "one"), open_store(tmp_path / "many")
    assert len(one.manifest["shards"]) == 1
    assert len(many.manifest["shards"]) > 5
    assert reports[-1] == figures
    assert many.n_pieces == one.n_pieces == figures.n_pieces
    for split in ("train", "held_out"):
        ones, manys = one.documents(split), many.documents(split)
        assert len(ones) == len(manys) > 50
        for index in range(len(ones)):
            assert sentences_of(ones, index) == sentences_of(manys, index)


def test_pieces_are_views_of_the_mapped_file(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    figures = build_store(make_corpus(500), tokenizer, tmp_path / "store", held_out=0.0)
    before = pa.total_allocated_bytes()

    documents = open_store(tmp_path / "store").documents("train")
    pieces = documents.pieces(3)

    # Whether a document is held out is a bit in the file, and a byte in memory.
    assert pa.total_allocated_bytes() - before < figures.n_pieces / 10
    assert pieces.dtype == np.uint16
    assert not pieces.flags.owndata
    assert not pieces.flags.writeable


@pytest.mark.parametrize("split", ["train", "held_out"])
def test_the_first_parts_hold_as_much_of_a_split_as_was_asked(
    folder: Path, split: Split
) -> None:
    store = open_store(folder)
    sizes = []
    for part in range(store.n_parts):
        documents = store.documents(split, parts=[part])
        sizes.append(sum(len(documents.pieces(i)) for i in range(len(documents))))
    for wanted in (1, 100, sum(sizes)):
        parts = store.first_parts(split, wanted)
        assert sum(sizes[: len(parts)]) >= wanted > sum(sizes[: len(parts) - 1])
    assert store.first_parts(split, sum(sizes) + 1) == range(store.n_parts)
    assert store.n_documents(split) == len(store.documents(split))


def test_large_vocabulary_is_stored_in_32_bits(tmp_path: Path) -> None:
    vocabulary = {f"w{number}": number for number in range(70_000)}
    large = Tokenizer(WordLevel(vocabulary, unk_token="w0"))
    build_store(
        [make_document(1, "w69999", title="")], large, tmp_path / "s", held_out=0
    )

    pieces = open_store(tmp_path / "s").documents("train").pieces(0)
    assert pieces.tolist() == [69_999]
    assert pieces.dtype == np.uint32


def test_held_out_documents_stay_when_the_corpus_grows(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    corpus = make_corpus(1000)
    figures = build_store(corpus[:300], tokenizer, tmp_path / "small", held_out=0.1)
    build_store(corpus[::-1], tokenizer, tmp_path / "large", held_out=0.1)

    small, large = open_store(tmp_path / "small"), open_store(tmp_path / "large")
    known = {document.id for document in corpus[:300]}
    assert set(ids_of(small, "held_out")) == known & set(ids_of(large, "held_out"))
    assert figures.n_held_out == len(small.documents("held_out"))
    # Four deviations of the binomial.
    assert abs(len(large.documents("held_out")) - 100) < 4 * (1000 * 0.1 * 0.9) ** 0.5


def test_sections_of_an_article_are_documents_of_one_split(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    long = "The patients with fever. " * 100
    articles = [make_document(i, long, "", long, long) for i in range(40)]
    figures = build_store(articles, tokenizer, tmp_path / "store", held_out=0.5)

    store = open_store(tmp_path / "store")
    assert figures.n_documents == 120
    for split in ("train", "held_out"):
        names = ids_of(store, split)
        assert names
        for name in names:
            assert {f"{name.split('#')[0]}#{n}" for n in (0, 2, 3)} <= set(names)
    first = sentences_of(store.documents("train"), 0)
    second = sentences_of(store.documents("train"), 1)
    assert first[0] == encoded(tokenizer, "A title.")[0]
    assert len(first) == len(second) + 1 == 101


def test_abstract_with_sections_is_one_document(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    build_store(
        [make_document(1, "Aspirin.", "Fever.")], tokenizer, tmp_path / "s", held_out=0
    )
    assert ids_of(open_store(tmp_path / "s"), "train") == ["pmid1"]


def test_empty_sections_and_documents_are_left_out(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    documents = [
        make_document(1, "", " \n ", title=""),
        make_document(2, "", "Fever.", title=" "),
        make_document(3, title=""),
        make_document(4, title="Only a title"),
    ]
    build_store(documents, tokenizer, tmp_path / "store", held_out=0.0)

    found = open_store(tmp_path / "store").documents("train")
    assert len(found) == 2
    assert sentences_of(found, 0) == encoded(tokenizer, "Fever.")
    assert sentences_of(found, 1) == encoded(tokenizer, "Only a title")


def test_store_without_text_is_refused_and_leaves_nothing(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"\[B110\]"):
        build_store(
            [make_document(1, "", title="")], tokenizer, tmp_path / "s", held_out=0
        )
    assert not list(tmp_path.iterdir())


def test_special_piece_written_in_a_text_is_text(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    mask = tokenizer.token_to_id("[MASK]")
    build_store(
        [make_document(1, "The [MASK] gene.")], tokenizer, tmp_path / "s", held_out=0
    )

    assert mask not in open_store(tmp_path / "s").documents("train").pieces(0)
    assert mask in tokenizer.encode("The [MASK] gene.").ids


def test_truncation_and_padding_of_a_tokenizer_are_not_used(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    other = Tokenizer.from_str(tokenizer.to_str())
    other.enable_truncation(4)
    other.enable_padding(length=32)
    documents = [make_document(1, "Aspirin reduces fever in the patients.", title="A")]
    build_store(documents, other, tmp_path / "s", held_out=0.0)

    assert sentences_of(open_store(tmp_path / "s").documents("train"), 0) == encoded(
        tokenizer, "A", "Aspirin reduces fever in the patients."
    )
    assert other.truncation is not None


def test_failure_in_the_middle_keeps_the_former_store_and_leaves_nothing_half(
    tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "BATCH_PIECES", 100)
    monkeypatch.setattr(shards, "SHARD_PIECES", 500)
    corpus, folder = make_corpus(600), tmp_path / "store"
    with pytest.raises(RuntimeError):
        build_store(failing(corpus), tokenizer, folder, held_out=0.0)
    assert not list(tmp_path.iterdir())

    build_store(corpus[:10], tokenizer, folder, held_out=0.0)
    sha256 = open_store(folder).sha256
    with pytest.raises(RuntimeError):
        build_store(failing(corpus), tokenizer, folder, held_out=0.0)
    assert open_store(folder).sha256 == sha256
    assert list(tmp_path.iterdir()) == [folder]


def test_build_refuses_to_replace_what_is_no_store(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    precious = tmp_path / "documents.jsonl"
    precious.write_text("years")
    for folder in (tmp_path, precious):
        with pytest.raises(FileExistsError, match=r"\[B121\].*documents\.jsonl"):
            build_store(make_corpus(3), tokenizer, folder, held_out=0.0)
    assert precious.read_text() == "years"


def test_same_documents_give_the_same_store(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    found = set()
    for name in ("a", "b"):
        source = {"path": "documents.jsonl", "sha256": "0"}
        build_store(
            make_corpus(50), tokenizer, tmp_path / name, held_out=0.1, sources=[source]
        )
        found.add(open_store(tmp_path / name).sha256)
    assert len(found) == 1
    assert json.loads((tmp_path / "a/manifest.json").read_text())["sources"] == [source]


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("normalizer", "lowercase", True),
        ("normalizer", "strip_accents", True),
        ("normalizer", "handle_chinese_chars", False),
        ("model", "max_input_chars_per_word", 5),
    ],
)
def test_checksum_differs_where_the_pieces_would(
    tokenizer: Tokenizer, part: str, key: str, value: object
) -> None:
    parts = json.loads(tokenizer.to_str())
    parts[part][key] = value
    other = Tokenizer.from_str(json.dumps(parts))
    assert tokenizer_checksum(other) != tokenizer_checksum(tokenizer)


def test_workers_give_the_same_store(tokenizer: Tokenizer, tmp_path: Path) -> None:
    corpus = make_corpus(700)
    corpus[300] = make_document(300, *["The patients with fever. " * 400] * 3)
    found = set()
    for n_workers in (1, 3):
        folder = tmp_path / str(n_workers)
        build_store(corpus, tokenizer, folder, held_out=0.1, n_workers=n_workers)
        found.add(open_store(folder).sha256)
        open_store(folder).verify()
    assert len(found) == 1
    names = ids_of(open_store(folder), "train")
    numbers = [int(name.removeprefix("pmid").partition("#")[0]) for name in names]
    assert numbers == sorted(numbers)
    assert len(numbers) > 600


def test_store_outlives_its_folder_being_replaced(
    folder: Path, tokenizer: Tokenizer
) -> None:
    documents = open_store(folder).documents("train")
    before = sentences_of(documents, 5)
    shutil.rmtree(folder)
    assert sentences_of(documents, 5) == before


def test_documents_are_written_while_they_are_read(
    tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "BATCH_PIECES", 1000)
    monkeypatch.setattr(shards, "SHARD_PIECES", 10_000)
    written: list[int] = []

    def corpus() -> Iterator[Document]:
        for document in make_corpus(1500):
            shards = tmp_path.rglob("*.arrow")
            written.append(sum(shard.stat().st_size for shard in shards))
            yield document

    figures = build_store(corpus(), tokenizer, tmp_path / "store", held_out=0.0)

    # At two bytes a piece, most of them were on disk before the last one was read.
    assert written[-1] > figures.n_pieces
