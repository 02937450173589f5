"""The token store: a corpus as pieces, on disk once, mapped into memory to read.

A shard is an Arrow IPC file with a row a document: its id, whether it is held
out, and its sentences as lists of piece ids. `manifest.json` names the shards in
order, with their checksums; adding to a corpus is adding shards.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tokenizers import Tokenizer

from ..atomic import whole_folder
from ..errors import Errors
from ..sentences import split_sentences
from ..types import Document

Split = Literal["train", "held_out"]
Pieces = NDArray[np.uint16] | NDArray[np.uint32]

FORMAT = 1
MANIFEST = "manifest.json"
# A longer document is an article: each of its sections is a document of its own,
# so that a sentence's neighbours and strangers differ in more than the topic.
ARTICLE_WORDS = 1000
# Documents that are tokenised together, on all cores.
BATCH = 256
SHARD_PIECES = 64_000_000


@dataclass(frozen=True, slots=True)
class StoreFigures:
    """What went into a store."""

    n_documents: int
    n_held_out: int
    n_sentences: int
    n_pieces: int


class StoredDocuments:
    """The documents of one split, read from the mapped shards when asked for."""

    def __init__(self, shards: list["_Shard"], split: Split) -> None:
        held_out = split == "held_out"
        rows = [np.flatnonzero(shard.held_out == held_out) for shard in shards]
        self._shards = shards
        self._rows = np.concatenate([np.zeros(0, np.int64), *rows])
        self._shard_of = np.repeat(np.arange(len(rows)), [len(found) for found in rows])

    def __len__(self) -> int:
        return len(self._rows)

    def pieces(self, index: int) -> Pieces:
        """Give the pieces of a document, a view of the mapped file.

        index (int): Place of the document in the split.
        RETURNS (NDArray): Piece ids [n_pieces].
        """
        shard, row = self._shards[self._shard_of[index]], self._rows[index]
        bounds = shard.bounds[shard.starts[row] : shard.starts[row + 1] + 1]
        return shard.pieces[bounds[0] : bounds[-1]]

    def bounds(self, index: int) -> NDArray[np.int64]:
        """Give where the sentences of a document begin and end.

        index (int): Place of the document in the split.
        RETURNS (NDArray): Offsets [n_sentences + 1] into `pieces(index)`.
        """
        shard, row = self._shards[self._shard_of[index]], self._rows[index]
        bounds = shard.bounds[shard.starts[row] : shard.starts[row + 1] + 1]
        return bounds.astype(np.int64) - bounds[0]


class TokenStore:
    """An open store. Made by `open_store`."""

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.folder = folder
        self.manifest = manifest
        self.tokenizer_sha256: str = manifest["tokenizer_sha256"]
        self.n_pieces = sum(shard["pieces"] for shard in manifest["shards"])
        self._shards = [_open_shard(folder / s["name"]) for s in manifest["shards"]]

    def documents(self, split: Split) -> StoredDocuments:
        """Give the documents of a split."""
        return StoredDocuments(self._shards, split)

    @property
    def sha256(self) -> str:
        """Checksum of the manifest, and through it of everything in the store."""
        return _checksum(self.folder / MANIFEST)

    def verify(self) -> None:
        """Read every shard and compare its checksum with the manifest's.

        RAISES (ValueError): If a shard was cut or changed; it is named.
        """
        for shard in self.manifest["shards"]:
            path = self.folder / shard["name"]
            found = _checksum(path)
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
    report (Callable | None): Called after each batch with the figures so far.
    RETURNS (StoreFigures): What went in.
    RAISES (ValueError): If there is not one document with text.
    """
    kind = pa.uint16() if tokenizer.get_vocab_size() <= 1 << 16 else pa.uint32()
    schema = pa.schema(
        [
            ("id", pa.string()),
            ("held_out", pa.bool_()),
            ("sentences", pa.list_(pa.list_(kind))),
        ]
    )
    n_documents = n_held_out = n_sentences = n_pieces = 0
    figures = StoreFigures(0, 0, 0, 0)
    shards = []
    with whole_folder(folder) as unfinished:
        rows: dict[str, list[Any]] = {name: [] for name in schema.names}
        n_shard = 0
        for ids, sentences in _tokenize(documents, tokenizer):
            kept_out = [_is_held_out(name, held_out) for name in ids]
            for column, values in zip(rows.values(), (ids, kept_out, sentences), strict=True):
                column.extend(values)
            added = sum(len(sentence) for document in sentences for sentence in document)
            n_documents, n_held_out = n_documents + len(ids), n_held_out + sum(kept_out)
            n_sentences += sum(map(len, sentences))
            n_pieces, n_shard = n_pieces + added, n_shard + added
            figures = StoreFigures(n_documents, n_held_out, n_sentences, n_pieces)
            if report is not None:
                report(figures)
            if n_shard >= SHARD_PIECES:
                shards.append(_write_shard(rows, schema, unfinished, len(shards), n_shard))
                rows, n_shard = {name: [] for name in schema.names}, 0
        if rows["id"]:
            shards.append(_write_shard(rows, schema, unfinished, len(shards), n_shard))
        if not shards:
            raise ValueError(Errors.B110)
        manifest = {
            "format": FORMAT,
            "tokenizer_sha256": tokenizer_checksum(tokenizer),
            "held_out": held_out,
            "sources": list(sources),
            "shards": shards,
        }
        (unfinished / MANIFEST).write_text(json.dumps(manifest, indent=1))
    return figures


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
    manifest = json.loads(path.read_text(encoding="utf-8"))
    if manifest.get("format") != FORMAT:
        raise ValueError(
            Errors.B114.format(path=path, expected=FORMAT, found=manifest.get("format"))
        )
    return TokenStore(Path(folder), manifest)


def tokenizer_checksum(tokenizer: Tokenizer) -> str:
    """Hash what decides the ids of a text: vocabulary, casing, accents.

    tokenizer (Tokenizer): A fast tokenizer; a `transformers` one holds it as
        `backend_tokenizer`.
    RETURNS (str): SHA-256, the same however the tokenizer was opened.
    """
    normalizer = json.loads(tokenizer.to_str())["normalizer"] or {}
    lowercase = bool(normalizer.get("lowercase"))
    strip_accents = normalizer.get("strip_accents")
    decisive = {
        "vocabulary": sorted(tokenizer.get_vocab().items(), key=lambda item: item[1]),
        "lowercase": lowercase,
        "strip_accents": lowercase if strip_accents is None else strip_accents,
    }
    return hashlib.sha256(json.dumps(decisive).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Shard:
    held_out: NDArray[np.bool_]
    # Sentence at which each document starts [n_documents + 1].
    starts: NDArray[np.int32]
    # Piece at which each sentence starts [n_sentences + 1].
    bounds: NDArray[np.int32]
    pieces: Pieces


def _open_shard(path: Path) -> _Shard:
    if not path.is_file():
        raise FileNotFoundError(Errors.B115.format(path=path))
    try:
        batch = pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError(Errors.B116.format(path=path, reason=error)) from error
    documents = batch.column("sentences")
    sentences = documents.values
    return _Shard(
        held_out=batch.column("held_out").to_numpy(zero_copy_only=False),
        starts=documents.offsets.to_numpy(),
        bounds=sentences.offsets.to_numpy(),
        pieces=sentences.values.to_numpy(),
    )


def _write_shard(
    rows: dict[str, list[Any]], schema: pa.Schema, folder: Path, number: int, n_pieces: int
) -> dict[str, Any]:
    path = folder / f"shard-{number:05d}.arrow"
    batch = pa.record_batch(
        [pa.array(rows[field.name], field.type) for field in schema], schema=schema
    )
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        writer.write_batch(batch)
    return {
        "name": path.name,
        "documents": len(rows["id"]),
        "pieces": n_pieces,
        "sha256": _checksum(path),
    }


def _tokenize(
    documents: Iterable[Document], tokenizer: Tokenizer
) -> Iterator[tuple[list[str], list[list[list[int]]]]]:
    """Give the ids of some documents, and their sentences as pieces."""
    parts = (part for document in documents for part in _parts(document))
    while batch := list(islice(parts, BATCH)):
        flat = [text for _, texts in batch for text in texts]
        encoded = iter(tokenizer.encode_batch_fast(flat, add_special_tokens=False))
        ids, sentences = [], []
        for name, texts in batch:
            found = [ids_ for _ in texts if (ids_ := next(encoded).ids)]
            if found:
                ids.append(name)
                sentences.append(found)
        yield ids, sentences


def _parts(document: Document) -> Iterator[tuple[str, list[str]]]:
    """Cut a document into sentences; an article first into its sections."""
    title = [document.title] if document.title else []
    texts = [section.text for section in document.sections]
    if sum(len(text.split()) for text in texts) <= ARTICLE_WORDS:
        yield document.id, title + [s for text in texts for s in _sentences(text)]
        return
    for number, text in enumerate(texts):
        yield f"{document.id}#{number}", (title if number == 0 else []) + _sentences(text)


def _sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


def _is_held_out(name: str, share: float) -> bool:
    """Decide by the id of the document, sections of an article together."""
    digest = hashlib.sha256(name.partition("#")[0].encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
