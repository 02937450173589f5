import gzip
from pathlib import Path

import pytest

from spacy_biobert.converters.categories import read_categories, read_labels
from spacy_biobert.converters.faults import SourceError
from spacy_biobert.types import AnnotatedDocument

LINE = '{"id": "7", "title": "T.", "text": "It.", "labels": ["b", "a", "b"]}'


def test_read_categories_joins_title_and_text_and_keeps_labels_once() -> None:
    lines = [LINE, '{"text": "It.", "labels": []}']
    assert list(read_categories(lines, path="a.jsonl")) == [
        AnnotatedDocument("7", "T. It.", categories=("b", "a")),
        AnnotatedDocument("a.jsonl:2", "It.", categories=()),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (LINE, r"\[B227\] a.jsonl, line 1, document 7: .*\(a, c\), found 'b'"),
        ('{"text": "x"}', "B207.*line 1.*'labels', found nothing"),
        ('{"text": "x", "labels": "a"}', "B207.*'labels'"),
        ('{"text": "x", "labels": [1]}', "B207.*'labels'"),
        ('{"labels": ["a"]}', "B207.*'text'"),
    ],
)
def test_wrong_line_is_refused(line: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        list(read_categories([line], path="a.jsonl", labels=("a", "c")))


def test_read_labels_keeps_their_order() -> None:
    assert read_labels('["b", "a"]', path="labels.json") == ("b", "a")


@pytest.mark.parametrize("text", ["{", "{}", "[1]", "[]", '["a", "a"]'])
def test_what_is_no_label_set_is_refused(text: str) -> None:
    with pytest.raises(SourceError, match=r"\[B228\] labels.json"):
        read_labels(text, path="labels.json")


def test_coronacentral_is_read_whole_and_uses_every_label(real_data: Path) -> None:
    folder = real_data / "coronacentral"
    labels = read_labels(
        (folder / "labels.json").read_text("utf-8"), path="labels.json"
    )
    counts, used = {}, set()
    for split in ("train", "dev", "test"):
        with gzip.open(folder / f"{split}.jsonl.gz", "rt", encoding="utf-8") as lines:
            found = list(read_categories(lines, path=split, labels=labels))
        counts[split] = len(found)
        used.update(label for document in found for label in document.categories or ())
    assert counts == {"train": 1_961, "dev": 291, "test": 544}
    assert used == set(labels)
