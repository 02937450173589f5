"""The token store: a corpus as pieces, on disk once, mapped into memory to read.

A shard is an Arrow IPC file with a row a document: its id, whether it is held
out, and its sentences as lists of piece ids. `manifest.json` names the shards in
order, with their checksums; adding to a corpus is adding shards (`building.py`).
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from tokenizers import Tokenizer

from ..checksums import file_checksum
from ..errors import Errors
from .documents import Part, Split, StoredDocuments

FORMAT = 1
MANIFEST = "manifest.json"


class TokenStore:
    """An open store. Made by `open_store`."""

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.folder = folder
        self.manifest = manifest
        self.tokenizer_sha256: str = manifest["tokenizer_sha256"]
        self.n_pieces = sum(shard["pieces"] for shard in manifest["shards"])
        self._parts = [
            part
            for shard in manifest["shards"]
            for part in _open_shard(folder / shard["name"], shard["bytes"])
        ]

    @property
    def n_parts(self) -> int:
        """Record batches; adding shards adds some at the end."""
        return len(self._parts)

    def n_documents(self, split: Split) -> int:
        """Give the number of documents in a split, as the manifest says."""
        shards = self.manifest["shards"]
        n_held_out: int = sum(shard["held_out"] for shard in shards)
        if split == "held_out":
            return n_held_out
        return sum(shard["documents"] for shard in shards) - n_held_out

    def part_pieces(self, part: int) -> int:
        """Give the number of pieces in a record batch, by its number."""
        return len(self._parts[part].pieces)

    def first_parts(self, split: Split, n_pieces: int) -> range:
        """Give the first record batches that hold so much of a split.

        split (Split): "train" or "held_out".
        n_pieces (int): Pieces in documents of the split.
        RETURNS (range): Their numbers; those of all if there is less.
        """
        for number, part in enumerate(self._parts):
            if n_pieces <= 0:
                return range(number)
            n_pieces -= part.n_pieces(split)
        return range(self.n_parts)

    def documents(
        self, split: Split, *, parts: Iterable[int] | None = None
    ) -> StoredDocuments:
        """Give the documents of a split.

        split (Split): "train" or "held_out".
        parts (Iterable[int] | None): Numbers of record batches; None for all.
        RETURNS (StoredDocuments): In the order of the parts.
        """
        numbers = range(self.n_parts) if parts is None else parts
        return StoredDocuments([self._parts[number] for number in numbers], split)

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
            expected = describe_tokenizer(
                self.tokenizer_sha256,
                name=self.manifest.get("tokenizer"),
                n_pieces=self.manifest.get("tokenizer_pieces"),
            )
            raise ValueError(
                Errors.B112.format(
                    folder=self.folder,
                    expected=expected,
                    found=describe_tokenizer(sha256),
                )
            )


def open_store(folder: Path) -> TokenStore:
    """Open a store without reading its pieces.

    folder (Path): Made by `build_store`.
    RETURNS (TokenStore): Its shards are mapped into memory.
    RAISES (OSError): If there is no store, or a shard of it is missing.
    RAISES (ValueError): If it has another format, or a shard was cut.
    """
    manifest = read_manifest(Path(folder))
    try:
        return TokenStore(Path(folder), manifest)
    except KeyError as error:
        path, reason = Path(folder) / MANIFEST, f"it has no {error}"
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


def describe_tokenizer(
    sha256: str, *, name: str | None = None, n_pieces: int | None = None
) -> str:
    """Say which tokenizer is meant, by what is known of it.

    sha256 (str): From `tokenizer_checksum`.
    name (str | None): Where it was, when the store was made.
    n_pieces (int | None): Pieces in its vocabulary. Older stores have neither.
    RETURNS (str): Such as "work/tokenizer with 16,000 pieces, SHA-256 1a2b3c4d5e6f".
    """
    known = [name] if name else []
    known += [f"with {n_pieces:,} pieces"] if n_pieces else []
    return ", ".join([*([" ".join(known)] if known else []), f"SHA-256 {sha256[:12]}"])


def _open_shard(path: Path, n_bytes: int) -> Iterator[Part]:
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
        yield Part(
            names=batch.column("id"),
            held_out=batch.column("held_out"),
            starts=documents.offsets.to_numpy(),
            bounds=sentences.offsets.to_numpy(),
            pieces=sentences.values.to_numpy(),
        )


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read what a store says of itself.

    folder (Path): Of the store.
    RETURNS (dict): Its shards in order, where they came from, how they were made.
    RAISES (OSError): If there is none.
    RAISES (ValueError): If it is no manifest, or one of another format.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(Errors.B113.format(folder=folder))
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(Errors.B119.format(path=path, reason=error)) from error
    found = manifest.get("format") if isinstance(manifest, dict) else None
    if found != FORMAT:
        raise ValueError(Errors.B114.format(path=path, expected=FORMAT, found=found))
    return manifest
