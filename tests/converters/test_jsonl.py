import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_biobert.converters.faults import SourceError
from spacy_biobert.converters.jsonl import document_record, read_jsonl
from spacy_biobert.types import Document, Section

TEXTS = st.text().filter(str.strip)
DOCUMENTS = st.builds(
    Document,
    id=st.text(),
    title=st.text(),
    sections=st.lists(st.builds(Section, st.text(), TEXTS)).map(tuple),
)


@given(st.lists(DOCUMENTS))
def test_documents_survive_a_round_trip(documents: list[Document]) -> None:
    lines = [json.dumps(document_record(document)) for document in documents]
    assert list(read_jsonl(lines, path="a.jsonl")) == documents


def test_read_jsonl_takes_the_three_forms() -> None:
    lines = [
        '{"id": "a", "title": "T", "sections": [{"label": "L", "text": "x"}, {"text": "y"}], "text": "z"}',
        "",
        '{"id": 5, "title": "T", "text": "x"}',
        '{"text": ""}',
    ]
    assert list(read_jsonl(lines, path="a.jsonl")) == [
        Document("a", "T", (Section("L", "x"), Section("", "y"))),
        Document("5", "T", (Section("", "x"),)),
        Document("4", "", ()),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"\[B206\] a.jsonl, line 2"),
        ("[1]", r"B206.*line 2.*it is \[1\]"),
        ('{"id": "a"}', r"B207.*line 2.*text in 'text', found nothing"),
        ('{"id": ["a"], "text": "x"}', "B207.*'id'"),
        ('{"text": 5}', r"B207.*'text', found 5"),
        ('{"title": 5, "text": "x"}', "B207.*'title'"),
        ('{"sections": "x"}', "B207.*'sections'"),
        ('{"sections": ["x"]}', "B207.*'sections'"),
        ('{"sections": [{"label": "x"}]}', "B207.*'text', found nothing"),
        ("[" * 100_000, "B206"),
    ],
)
def test_wrong_line_is_refused_by_file_and_line(line: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        list(read_jsonl(['{"text": "x"}', line], path="a.jsonl"))
