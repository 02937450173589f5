"""Documents and their annotation as Parquet: the columns of `annotated_jsonl`."""

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import Errors
from ..types import AnnotatedDocument, Document, Section
from .annotated_jsonl import Record, parse_record
from .faults import SourceError
from .formats import DETAILS, KINDS, Format, Source
from .passages import unannotated

# Rows that are read at once.
ROWS = 256
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        (
            "divisions",
            pa.list_(
                pa.struct(
                    [("start", pa.int32()), ("end", pa.int32()), ("label", pa.string())]
                )
            ),
        ),
        (
            "entities",
            pa.list_(
                pa.struct(
                    [
                        ("start", pa.int32()),
                        ("end", pa.int32()),
                        ("text", pa.string()),
                        ("label", pa.string()),
                        ("confidence", pa.float64()),
                        ("concepts", pa.list_(pa.string())),
                        ("attributes", pa.list_(pa.string())),
                    ]
                )
            ),
        ),
        (
            "relations",
            pa.list_(
                pa.struct(
                    [
                        ("arg1", pa.int32()),
                        ("arg2", pa.int32()),
                        ("label", pa.string()),
                        ("score", pa.float64()),
                    ]
                )
            ),
        ),
        (
            "concept_relations",
            pa.list_(
                pa.struct(
                    [
                        ("concept1", pa.string()),
                        ("concept2", pa.string()),
                        ("label", pa.string()),
                    ]
                )
            ),
        ),
        (
            "categories",
            pa.list_(pa.struct([("label", pa.string()), ("score", pa.float64())])),
        ),
    ]
)


def make_table(records: Iterable[Record]) -> pa.Table:
    """Put records of `annotated_jsonl.make_record` into a table.

    RETURNS (Table): With the columns of SCHEMA; null is what is not annotated.
    """
    rows = []
    for record in records:
        row = {name: record.get(name) for name in SCHEMA.names}
        if row["categories"] is not None:
            row["categories"] = [
                {"label": label, "score": score}
                for label, score in row["categories"].items()
            ]
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def read_parquet(source: Source) -> Iterator[AnnotatedDocument]:
    """Read documents, annotated or not.

    The columns are "text", and where they are there "id" (else the row's number is
    it), "title", which then stands before the text, and those of SCHEMA.

    source (Source): The file, which has to seek.
    YIELDS (AnnotatedDocument): In the order of the file.
    RAISES (SourceError): If it is no Parquet, has no such columns, or an annotation is
        wrong.
    """
    path = source.path
    try:
        opened = pq.ParquetFile(source.file)
        names = [n for n in (*SCHEMA.names, "title") if n in opened.schema_arrow.names]
        kind = opened.schema_arrow.field("text").type if "text" in names else None
        if kind not in (pa.string(), pa.large_string()):
            found = ", ".join(opened.schema_arrow.names) or "none"
            raise SourceError(Errors.B515.format(path=path, found=found))
        number = 0
        for batch in opened.iter_batches(batch_size=ROWS, columns=names):
            for row in batch.to_pylist():
                number += 1
                yield _document(row, number, source)
    except (pa.ArrowException, OSError) as error:
        raise SourceError(Errors.B200.format(path=path, reason=error)) from error


def _document(row: dict[str, Any], number: int, source: Source) -> AnnotatedDocument:
    name = str(number) if row.get("id") is None else str(row["id"])
    text = row["text"] or ""
    if row.get("title"):
        sections = (Section("", text),) if text.strip() else ()
        return unannotated(Document(name, str(row["title"]), sections))
    record = {key: _present(value) for key, value in row.items() if value is not None}
    if "categories" in record:
        record["categories"] = {c["label"]: c["score"] for c in row["categories"]}
    return parse_record({**record, "id": name, "text": text}, source, number)


def _present(value: Any) -> Any:
    """Leave out what is null inside of the objects of a list."""
    if not isinstance(value, list):
        return value
    return [{key: v for key, v in entry.items() if v is not None} for entry in value]


# Written by `annotate` alone, whose blocks become its row groups.
FORMAT = Format(
    read=read_parquet,
    write=None,
    holds=frozenset((*KINDS, *DETAILS)),
    states=frozenset(KINDS),
    looks=lambda head, _: head.startswith(b"PAR1"),
)
