import json

import pytest

from spacy_biobert.converters.faults import SourceError
from spacy_biobert.converters.formats import tell_format
from spacy_biobert.types import AnnotatedDocument, Mention, MentionRelation, Passage

from .formats import read, write

LINE = {
    "id": "1",
    "text": "Aspirin causes headache.",
    "divisions": [{"start": 0, "end": 24, "label": "sentence"}],
    "entities": [
        {"start": 0, "end": 7, "text": "Aspirin", "label": "Drug", "confidence": 0.5},
        {"start": 15, "end": 23, "label": "Disease", "concepts": ["D1"]},
    ],
    "relations": [{"arg1": 0, "arg2": 1, "label": "causes", "score": 0.25}],
    "categories": {"a": 0.5, "b": 0.4},
    "model_name": "en_x",
}


def test_a_line_as_annotate_writes_it_is_read() -> None:
    assert read("jsonl", json.dumps(LINE)) == [
        AnnotatedDocument(
            "1",
            "Aspirin causes headache.",
            mentions=(
                Mention(0, 7, "Aspirin", "Drug", (), ("confidence=0.5",)),
                Mention(15, 23, "headache", "Disease", ("D1",)),
            ),
            mention_relations=(MentionRelation(0, 1, "causes", 0.25),),
            categories=("a",),
            passages=(Passage(0, 24, "sentence"),),
        )
    ]


def test_confidence_is_written_as_a_number() -> None:
    [document] = read("jsonl", json.dumps(LINE))
    files, lost = write("jsonl", [document])
    [line] = map(json.loads, files.values())
    assert not lost
    assert line["entities"][0] == LINE["entities"][0]
    assert line["relations"] == LINE["relations"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (
            {"entities": [{"start": 0, "end": 7}]},
            r"B518.*line 1.*entities\[0\]: 'label' has to be a text, is nothing",
        ),
        ({"entities": [{"start": 0, "end": 99, "label": "Drug"}]}, "B231.*line 1"),
        ({"entities": [[0, 7, "Drug"]]}, r"B518.*entities\[0\] has to be an object"),
        ({"entities": {}}, "B518.*'entities' has to be a list, is {}"),
        (
            {"entities": [{"start": "0", "end": 7, "label": "Drug"}]},
            "B518.*'start' has to be an integer, is '0'",
        ),
        (
            {"entities": [{"start": 0, "end": 7, "label": "Drug", "concepts": [1]}]},
            "B518.*'concepts' has to hold texts, holds 1",
        ),
        (
            {"relations": [{"arg1": 0, "arg2": 2, "label": "a"}]},
            r"B518.*relations\[0\]: .*from 0, of which there are 2, found 2",
        ),
        ({"relations": [{"arg1": -1, "arg2": 0, "label": "a"}]}, "B518.*from 0"),
        (
            {"relations": [{"arg1": True, "arg2": 0, "label": "a"}]},
            "B518.*'arg1' has to be an integer, is True",
        ),
        ({"categories": ["a"]}, "B518.*'categories' has to be an object"),
        (
            {"categories": {"a": "yes"}},
            "B518.*'a' has to be a number or true or false, is 'yes'",
        ),
        ({"divisions": [{"start": 0}]}, r"B518.*divisions\[0\]: 'end'"),
        ({"text": None}, "B518.*'text' has to be a text, is None"),
    ],
)
def test_wrong_lines_are_refused(change: dict[str, object], code: str) -> None:
    with pytest.raises(SourceError, match=code):
        read("jsonl", json.dumps(LINE | change))


def test_what_is_written_is_told_by_its_beginning() -> None:
    document = AnnotatedDocument("1", "Rest.", mentions=(Mention(0, 4, "Rest", "X"),))
    files, _ = write("jsonl", [document])
    (text,) = files.values()
    options = {"path": "found.jsonl", "option": "--from"}
    assert tell_format(text.encode(), "found.jsonl", **options) == "jsonl"
    other = b'{"id": "1", "text": "Rest.", "labels": ["a"]}\n'
    with pytest.raises(SourceError, match="B234"):
        tell_format(other, "topics.jsonl", **options)
