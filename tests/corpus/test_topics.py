import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from .sample import PUBTATOR, SAMPLE, SPLITS


@dataclass(frozen=True)
class Topics:
    id: str
    title: str
    text: str
    labels: list[str]


def read_topics(split: str) -> Iterator[Topics]:
    with (SAMPLE / "topics" / f"{split}.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            yield Topics(**json.loads(line))


TOPICS = {split: list(read_topics(split)) for split in SPLITS}
RECORDS = [record for split in SPLITS for record in TOPICS[split]]


@pytest.mark.parametrize("split", SPLITS)
def test_topics_hold_the_text_of_the_same_split(split: str) -> None:
    assert {record.id: f"{record.title} {record.text}" for record in TOPICS[split]} == {
        document.id: document.text for document in PUBTATOR[split]
    }


def test_topics_list_names_the_labels_in_use() -> None:
    listed = json.loads((SAMPLE / "topics" / "labels.json").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(
        {label for record in RECORDS for label in record.labels}
    )


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.id)
def test_topics_name_at_least_one_label_once(record: Topics) -> None:
    assert record.labels
    assert len(record.labels) == len(set(record.labels))


def test_topics_are_balanced() -> None:
    counts = Counter(label for record in RECORDS for label in record.labels)
    assert min(counts.values()) >= 7
    assert max(counts.values()) < 0.3 * len(RECORDS)


@pytest.mark.parametrize("split", SPLITS)
def test_split_has_every_topic(split: str) -> None:
    every = {label for record in RECORDS for label in record.labels}
    assert {label for record in TOPICS[split] for label in record.labels} == every
