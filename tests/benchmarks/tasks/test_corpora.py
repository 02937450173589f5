import json
from dataclasses import replace
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc

from benchmarks.tasks.corpora import (
    Corpus,
    convert_corpus,
    hold_out,
    id_share,
    read_losses,
    read_split,
    take,
    write_split,
)
from spacy_biobert.converters.faults import SourceError

from .samples import ABSTRACTS, SAMPLE

CORPUS = replace(ABSTRACTS, renamed=("CHEMICAL=Drug",))


def named_docs(n_docs: int) -> list[Doc]:
    nlp = spacy.blank("en")
    docs = [nlp(f"Text {number}.") for number in range(n_docs)]
    for number, doc in enumerate(docs):
        doc.user_data["document_id"] = f"d{number}"
    return docs


def ids(path: Path) -> set[str]:
    return {doc.user_data["document_id"] for doc in read_split(path)}


def test_corpus_is_converted_once_with_its_labels_renamed(tmp_path: Path) -> None:
    data = convert_corpus(CORPUS, SAMPLE, tmp_path)

    docs = read_split(data["test"])
    assert len(docs) == 8
    assert {ent.label_ for doc in docs for ent in doc.ents} >= {"Drug", "DISEASE"}
    assert read_losses(data["test"])["skipped"] == {}
    data["dev"].unlink()
    assert convert_corpus(CORPUS, SAMPLE, tmp_path) == data
    assert not data["dev"].exists()


def test_corpus_that_breaks_leaves_nothing(tmp_path: Path) -> None:
    splits = {**CORPUS.splits, "test": "pubtator/missing.txt"}
    with pytest.raises(SourceError):
        convert_corpus(Corpus("sample", splits, "pubtator"), SAMPLE, tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_held_out_documents_are_a_share_that_depends_on_ids_alone(
    tmp_path: Path,
) -> None:
    docs = named_docs(300)
    for folder, order in (("a", docs), ("b", docs[::-1])):
        (tmp_path / folder).mkdir()
        write_split(tmp_path / folder / "train.spacy", order)
        hold_out(tmp_path / folder, 0.2)

    train, dev = (ids(tmp_path / "a" / f"{name}.spacy") for name in ("train", "dev"))
    assert 40 < len(dev) < 80
    assert not train & dev
    assert len(train | dev) == 300
    assert ids(tmp_path / "b" / "dev.spacy") == dev


def test_smaller_training_sets_are_parts_of_larger_ones(tmp_path: Path) -> None:
    write_split(tmp_path / "train.spacy", named_docs(20))

    small, large = (ids(take(tmp_path / "train.spacy", size)) for size in (5, 10))

    assert len(small) == 5
    assert small < large
    assert small == {
        doc.user_data["document_id"] for doc in sorted(named_docs(20), key=id_share)[:5]
    }
    with pytest.raises(ValueError, match="expected 21 documents, found 20"):
        take(tmp_path / "train.spacy", 21)


def test_order_does_not_depend_on_where_a_file_lies() -> None:
    [doc] = named_docs(1)
    shares = set()
    for name in ("/a/b/train.tsv.xz:12", "train.tsv:12", "c/train.tsv.gz:12"):
        doc.user_data["document_id"] = name
        shares.add(id_share(doc))
    doc.user_data["document_id"] = "train.tsv:13"

    assert len(shares) == 1
    assert id_share(doc) not in shares


def test_losses_are_those_of_the_split(tmp_path: Path) -> None:
    losses = {"skipped": {"B231": 1}, "not_aligned": 2, "overlapping": 3}
    losses["relations_without_entity"] = 4
    report = {"train": {}, "test": {**losses, "tokens": 5}}
    (tmp_path / "report.json").write_text(json.dumps(report))

    assert read_losses(tmp_path / "test.spacy") == losses
