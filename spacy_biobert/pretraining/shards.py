"""The shards of a token store: Arrow IPC files with a row a document."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from tokenizers import Tokenizer

from ..checksums import file_checksum
from ..errors import Errors
from .cutting import CutDocument

SHARD_NAME = "shard-{number:05d}.arrow"
# Pieces that are held in memory before they are written, as one record batch.
BATCH_PIECES = 1 << 19
SHARD_PIECES = 64_000_000


@dataclass(frozen=True, slots=True)
class StoreFigures:
    """What went into a store. The sections of an article count as documents."""

    n_documents: int
    n_held_out: int
    n_sentences: int
    n_pieces: int

    def __add__(self, other: "StoreFigures") -> "StoreFigures":
        return StoreFigures(
            self.n_documents + other.n_documents,
            self.n_held_out + other.n_held_out,
            self.n_sentences + other.n_sentences,
            self.n_pieces + other.n_pieces,
        )


def write_shards(
    rows: Iterable[CutDocument],
    tokenizer: Tokenizer,
    folder: Path,
    *,
    first: int,
    report: Callable[[StoreFigures], None] | None = None,
) -> list[dict[str, Any]]:
    """Write documents as shards, a new one when the one before is full.

    rows (Iterable[CutDocument]): Read once.
    tokenizer (Tokenizer): Its vocabulary decides between 16 and 32 bits a piece.
    folder (Path): Where to write.
    first (int): Number of the first shard.
    report (Callable | None): Called now and then with the figures so far.
    RETURNS (list[dict]): What the manifest says of each shard.
    RAISES (ValueError): If there is not one document.
    """
    schema = _make_schema(tokenizer)
    batches = _watch(_make_batches(rows, schema), report)
    shards: list[dict[str, Any]] = []
    while (batch := next(batches, None)) is not None:
        path = folder / SHARD_NAME.format(number=first + len(shards))
        shards.append(_write_shard(path, schema, chain([batch], batches)))
    if not shards:
        raise ValueError(Errors.B110)
    return shards


def sum_figures(shards: Iterable[dict[str, Any]]) -> StoreFigures:
    """Sum up what the manifest says of shards."""
    total = StoreFigures(0, 0, 0, 0)
    for shard in shards:
        total += StoreFigures(
            n_documents=shard["documents"],
            n_held_out=shard["held_out"],
            n_sentences=shard["sentences"],
            n_pieces=shard["pieces"],
        )
    return total


def _make_schema(tokenizer: Tokenizer) -> pa.Schema:
    kind = pa.uint16() if tokenizer.get_vocab_size() <= 1 << 16 else pa.uint32()
    return pa.schema(
        [
            ("id", pa.string()),
            ("held_out", pa.bool_()),
            ("sentences", pa.list_(pa.list_(kind))),
        ]
    )


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say which file of a store could not be written, and what to do then.

    path (Path): The file.
    RAISES (OSError): If the system refuses it, for instance because the disk is full.
    """
    try:
        yield
    except OSError as error:
        raise OSError(Errors.B126.format(path=path, reason=error)) from error


def _write_shard(
    path: Path, schema: pa.Schema, batches: Iterator[pa.RecordBatch]
) -> dict[str, Any]:
    """Write record batches until the shard is full, and describe it."""
    total = StoreFigures(0, 0, 0, 0)
    with _open_shard(path, schema) as write:
        for batch in batches:
            write(batch)
            total += _figures(batch)
            if total.n_pieces >= SHARD_PIECES:
                break
    return {
        "name": path.name,
        "bytes": path.stat().st_size,
        "sha256": file_checksum(path),
        "documents": total.n_documents,
        "held_out": total.n_held_out,
        "sentences": total.n_sentences,
        "pieces": total.n_pieces,
    }


@contextmanager
def _open_shard(
    path: Path, schema: pa.Schema
) -> Iterator[Callable[[pa.RecordBatch], None]]:
    """Give what writes a record batch; the errors of its reading are not ours."""
    with writing(path):
        sink = pa.OSFile(str(path), "wb")
        writer = pa.ipc.new_file(sink, schema)

    def write(batch: pa.RecordBatch) -> None:
        with writing(path):
            writer.write_batch(batch)

    try:
        yield write
        with writing(path):
            writer.close()
    finally:
        sink.close()


def _watch(
    batches: Iterable[pa.RecordBatch], report: Callable[[StoreFigures], None] | None
) -> Iterator[pa.RecordBatch]:
    total = StoreFigures(0, 0, 0, 0)
    for batch in batches:
        total += _figures(batch)
        if report is not None:
            report(total)
        yield batch


def _figures(batch: pa.RecordBatch) -> StoreFigures:
    documents = batch.column("sentences")
    return StoreFigures(
        n_documents=batch.num_rows,
        n_held_out=batch.column("held_out").true_count,
        n_sentences=len(documents.values),
        n_pieces=len(documents.values.values),
    )


def _make_batches(
    rows: Iterable[CutDocument], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    kept: list[CutDocument] = []
    n_pieces = 0
    for row in rows:
        kept.append(row)
        n_pieces += len(row.pieces)
        if n_pieces >= BATCH_PIECES:
            yield _make_batch(kept, schema)
            kept, n_pieces = [], 0
    if kept:
        yield _make_batch(kept, schema)


def _make_batch(rows: list[CutDocument], schema: pa.Schema) -> pa.RecordBatch:
    starts = np.cumsum([0, *(len(row.n_pieces) for row in rows)], dtype=np.int32)
    zero = np.zeros(1, np.int32)
    bounds = np.cumsum(
        np.concatenate([zero, *(row.n_pieces for row in rows)]), dtype=np.int32
    )
    kind = schema.field("sentences").type.value_type.value_type
    pieces = np.concatenate([row.pieces for row in rows]).astype(kind.to_pandas_dtype())
    sentences = pa.ListArray.from_arrays(bounds, pieces)
    return pa.record_batch(
        [
            pa.array([row.id for row in rows], pa.string()),
            pa.array([row.held_out for row in rows], pa.bool_()),
            pa.ListArray.from_arrays(starts, sentences),
        ],
        schema=schema,
    )
