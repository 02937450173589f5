"""The token store: a corpus as pieces, on disk once, mapped into memory to read.

A shard is an Arrow IPC file with a row a document: its id, whether it is held
out, and its sentences as lists of piece ids. `manifest.json` names the shards in
order, with their checksums; adding to a corpus is adding shards.
"""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, chain
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tokenizers import Tokenizer

from ..atomic import whole_folder
from ..errors import Errors
from ..types import Document
from .cutting import CutDocument, cut_documents

Split = Literal["train", "held_out"]
Pieces = NDArray[np.uint16] | NDArray[np.uint32]

FORMAT = 1
MANIFEST = "manifest.json"
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


class StoredDocuments:
    """The documents of one split, read from the mapped shards when asked for."""

    def __init__(self, batches: list["_Batch"], split: Split) -> None:
        held_out = split == "held_out"
        self._batches = batches
        self._rows = [
            np.flatnonzero(batch.held_out == held_out).astype(np.int32)
            for batch in batches
        ]
        self._ends = list(accumulate(len(rows) for rows in self._rows))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def pieces(self, index: int) -> Pieces:
        """Give the pieces of a document, a view of the mapped file.

        index (int): Place of the document in the split.
        RETURNS (NDArray): Piece ids [n_pieces].
        """
        batch, bounds = self._find(index)
        return batch.pieces[bounds[0] : bounds[-1]]

    def bounds(self, index: int) -> NDArray[np.int64]:
        """Give where the sentences of a document begin and end.

        index (int): Place of the document in the split.
        RETURNS (NDArray): Offsets [n_sentences + 1] into `pieces(index)`.
        """
        _, bounds = self._find(index)
        return bounds.astype(np.int64) - bounds[0]

    def name(self, index: int) -> str:
        """Give the id of a document.

        index (int): Place of the document in the split.
        """
        number = bisect_right(self._ends, index)
        row = self._rows[number][index - self._ends[number] + len(self._rows[number])]
        found: str = self._batches[number].names[int(row)].as_py()
        return found

    def _find(self, index: int) -> tuple["_Batch", NDArray[np.int32]]:
        """Give the record batch of a document, and its sentences' bounds in it."""
        number = bisect_right(self._ends, index)
        batch, rows = self._batches[number], self._rows[number]
        row = rows[index - self._ends[number] + len(rows)]
        return batch, batch.bounds[batch.starts[row] : batch.starts[row + 1] + 1]


class TokenStore:
    """An open store. Made by `open_store`."""

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.folder = folder
        self.manifest = manifest
        self.tokenizer_sha256: str = manifest["tokenizer_sha256"]
        self.n_pieces = sum(shard["pieces"] for shard in manifest["shards"])
        self._batches = [
            batch
            for shard in manifest["shards"]
            for batch in _open_shard(folder / shard["name"], shard["bytes"])
        ]

    @property
    def n_parts(self) -> int:
        """Record batches; adding shards adds some at the end."""
        return len(self._batches)

    def part_pieces(self, part: int) -> int:
        """Give the number of pieces in a record batch, by its number."""
        return len(self._batches[part].pieces)

    def documents(
        self, split: Split, *, parts: Iterable[int] | None = None
    ) -> StoredDocuments:
        """Give the documents of a split.

        split (Split): "train" or "held_out".
        parts (Iterable[int] | None): Numbers of record batches; None for all.
        RETURNS (StoredDocuments): In the order of the parts.
        """
        numbers = range(self.n_parts) if parts is None else parts
        return StoredDocuments([self._batches[number] for number in numbers], split)

    @property
    def sha256(self) -> str:
        """Checksum of the manifest, and through it of everything in the store."""
        return file_checksum(self.folder / MANIFEST)

    @property
    def shard_checksums(self) -> list[list[str]]:
        """Name and SHA-256 of each shard, in order."""
        return [[shard["name"], shard["sha256"]] for shard in self.manifest["shards"]]

    def verify(self) -> None:
        """Read every shard and compare its checksum with the manifest's.

        RAISES (ValueError): If a shard was cut or changed; it is named.
        """
        for shard in self.manifest["shards"]:
            path = self.folder / shard["name"]
            found = file_checksum(path)
            if found != shard["sha256"]:
                raise ValueError(
                    Errors.B111.format(path=path, expected=shard["sha256"], found=found)
                )

    def check_tokenizer(self, sha256: str) -> None:
        """Refuse a tokenizer that is not the one the store was made with.

        sha256 (str): From `tokenizer_checksum`.
        RAISES (ValueError): If it is another one.
        """
        if sha256 != self.tokenizer_sha256:
            raise ValueError(
                Errors.B112.format(
                    folder=self.folder, expected=self.tokenizer_sha256, found=sha256
                )
            )


def build_store(
    documents: Iterable[Document],
    tokenizer: Tokenizer,
    folder: Path,
    *,
    held_out: float,
    sources: Iterable[dict[str, str]] = (),
    report: Callable[[StoreFigures], None] | None = None,
) -> StoreFigures:
    """Cut documents into pieces and write them as a store, whole or not at all.

    documents (Iterable[Document]): Read once. One without text is left out.
    tokenizer (Tokenizer): Its vocabulary decides between 16 and 32 bits a piece.
    folder (Path): The store to be; one that is there is replaced at the end.
    held_out (float): Share of the documents kept for evaluation, 0 to 1, chosen
        by a hash of the id, so that it stays the same when a corpus grows.
    sources (Iterable[dict]): What the documents came from, for the manifest.
    report (Callable | None): Called now and then with the figures so far.
    RETURNS (StoreFigures): What went in.
    RAISES (ValueError): If there is not one document with text.
    RAISES (OSError): If the folder holds anything but a store.
    """
    _check_folder(folder)
    schema = _make_schema(tokenizer)
    rows = cut_documents(documents, tokenizer, held_out=held_out)
    batches = _watch(_make_batches(rows, schema), report)
    shards: list[dict[str, Any]] = []
    with whole_folder(folder) as unfinished:
        while (first := next(batches, None)) is not None:
            path = unfinished / SHARD_NAME.format(number=len(shards))
            shards.append(_write_shard(path, schema, chain([first], batches)))
        if not shards:
            raise ValueError(Errors.B110)
        manifest = {
            "format": FORMAT,
            "tokenizer_sha256": tokenizer_checksum(tokenizer),
            "held_out": held_out,
            "sources": list(sources),
            "shards": shards,
        }
        (unfinished / MANIFEST).write_text(
            json.dumps(manifest, indent=1), encoding="utf-8"
        )
    return StoreFigures(
        n_documents=sum(shard["documents"] for shard in shards),
        n_held_out=sum(shard["held_out"] for shard in shards),
        n_sentences=sum(shard["sentences"] for shard in shards),
        n_pieces=sum(shard["pieces"] for shard in shards),
    )


def open_store(folder: Path) -> TokenStore:
    """Open a store without reading its pieces.

    folder (Path): Made by `build_store`.
    RETURNS (TokenStore): Its shards are mapped into memory.
    RAISES (OSError): If there is no store, or a shard of it is missing.
    RAISES (ValueError): If it has another format, or a shard was cut.
    """
    path = Path(folder) / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(Errors.B113.format(folder=folder))
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(Errors.B119.format(path=path, reason=error)) from error
    found = manifest.get("format") if isinstance(manifest, dict) else None
    if found != FORMAT:
        raise ValueError(Errors.B114.format(path=path, expected=FORMAT, found=found))
    try:
        return TokenStore(Path(folder), manifest)
    except KeyError as error:
        reason = f"it has no {error}"
        raise ValueError(Errors.B119.format(path=path, reason=reason)) from error


def tokenizer_checksum(tokenizer: Tokenizer) -> str:
    """Hash what decides the ids of a text: vocabulary, casing, how words are cut.

    tokenizer (Tokenizer): A fast tokenizer; a `transformers` one holds it as
        `backend_tokenizer`.
    RETURNS (str): SHA-256, the same however the tokenizer was opened.
    """
    parts = json.loads(tokenizer.to_str())
    normalizer = parts["normalizer"] or {}
    if normalizer.get("strip_accents", False) is None:
        normalizer["strip_accents"] = normalizer["lowercase"]
    model = {key: value for key, value in parts["model"].items() if key != "vocab"}
    decisive = {
        "vocabulary": sorted(tokenizer.get_vocab().items(), key=lambda item: item[1]),
        "normalizer": normalizer,
        "pre_tokenizer": parts["pre_tokenizer"],
        "model": model,
    }
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def file_checksum(path: Path) -> str:
    """Give the SHA-256 of a file's bytes.

    RAISES (OSError): If it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class _Batch:
    """A record batch of a mapped shard."""

    names: pa.StringArray
    held_out: NDArray[np.bool_]
    # Sentence at which each document starts [n_documents + 1].
    starts: NDArray[np.int32]
    # Piece at which each sentence starts [n_sentences + 1].
    bounds: NDArray[np.int32]
    pieces: Pieces


def _open_shard(path: Path, n_bytes: int) -> Iterator[_Batch]:
    if not path.is_file():
        raise FileNotFoundError(Errors.B115.format(path=path))
    found = path.stat().st_size
    if found != n_bytes:
        raise ValueError(Errors.B118.format(path=path, expected=n_bytes, found=found))
    try:
        file = pa.ipc.open_file(pa.memory_map(str(path)))
        batches = [file.get_batch(number) for number in range(file.num_record_batches)]
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError(Errors.B116.format(path=path, reason=error)) from error
    for batch in batches:
        documents = batch.column("sentences")
        sentences = documents.values
        yield _Batch(
            names=batch.column("id"),
            held_out=batch.column("held_out").to_numpy(zero_copy_only=False),
            starts=documents.offsets.to_numpy(),
            bounds=sentences.offsets.to_numpy(),
            pieces=sentences.values.to_numpy(),
        )


def _check_folder(folder: Path) -> None:
    """Refuse to replace what is no store."""
    found = [folder] if folder.is_file() else folder.glob("[!.]*")
    others = sorted(
        file.name
        for file in found
        if file.name != MANIFEST and not file.match("shard-*.arrow")
    )
    if others:
        raise FileExistsError(Errors.B121.format(folder=folder, found=others[0]))


def _make_schema(tokenizer: Tokenizer) -> pa.Schema:
    kind = pa.uint16() if tokenizer.get_vocab_size() <= 1 << 16 else pa.uint32()
    return pa.schema(
        [
            ("id", pa.string()),
            ("held_out", pa.bool_()),
            ("sentences", pa.list_(pa.list_(kind))),
        ]
    )


def _write_shard(
    path: Path, schema: pa.Schema, batches: Iterator[pa.RecordBatch]
) -> dict[str, Any]:
    """Write record batches until the shard is full, and describe it."""
    total = StoreFigures(0, 0, 0, 0)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
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
