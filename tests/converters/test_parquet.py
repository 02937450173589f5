import io
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given

from spacy_biobert.converters.annotated_jsonl import FORMAT, make_record
from spacy_biobert.converters.faults import SourceError
from spacy_biobert.converters.formats import Source
from spacy_biobert.converters.losses import without_losses
from spacy_biobert.converters.parquet import make_table, read_parquet
from spacy_biobert.types import AnnotatedDocument, Passage

from .test_formats import documents


def written(table: pa.Table) -> io.BytesIO:
    file = io.BytesIO()
    pq.write_table(table, file)
    file.seek(0)
    return file


def read(table: pa.Table) -> list[AnnotatedDocument]:
    return list(read_parquet(Source("a.parquet", written(table))))


@given(document=documents())
def test_documents_come_back_the_same(document: AnnotatedDocument) -> None:
    held = list(without_losses([document], FORMAT, Counter()))

    assert read(make_table(map(make_record, held))) == held


def test_other_tables_with_texts_are_read() -> None:
    table = pa.table(
        {"title": ["A.", None], "text": pa.array(["B", "C"], pa.large_string())}
    )

    assert read(table) == [
        AnnotatedDocument(
            "1", "A. B", passages=(Passage(0, 2, "title"), Passage(3, 4, "abstract"))
        ),
        AnnotatedDocument("2", "C"),
    ]


def test_what_is_no_table_of_texts_is_refused() -> None:
    with pytest.raises(SourceError, match="B515.*abstract"):
        read(pa.table({"abstract": ["a"]}))
    with pytest.raises(SourceError, match="B515"):
        read(pa.table({"text": [1]}))
    with pytest.raises(SourceError, match=r"B200.*a\.parquet"):
        list(read_parquet(Source("a.parquet", io.BytesIO(b"PAR1 no"))))
