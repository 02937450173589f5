"""The token store: a corpus as pieces, on disk once, mapped into memory to read.

A shard is an Arrow IPC file with a row a document: its id, whether it is held
out, and its sentences as lists of piece ids. `manifest.json` names the shards in
order, with their checksums; adding to a corpus is adding shards.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from tokenizers import Tokenizer

from ..atomic import flush, whole_file, whole_folder
from ..checksums import file_checksum
from ..errors import Errors
from ..types import Document
from ..workers import open_workers
from .cutting import cut_documents
from .documents import Part, Split, StoredDocuments
from .shards import StoreFigures, sum_figures, write_shards

FORMAT = 1
MANIFEST = "manifest.json"
# Folders in a store where an append writes; one that stays was left by a killed process.
UNFINISHED = ".append-"


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

    def part_pieces(self, part: int) -> int:
        """Give the number of pieces in a record batch, by its number."""
        return len(self._parts[part].pieces)

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
    n_workers: int = 1,
    report: Callable[[StoreFigures], None] | None = None,
) -> StoreFigures:
    """Cut documents into pieces and write them as a store, whole or not at all.

    documents (Iterable[Document]): Read once. One without text is left out.
    tokenizer (Tokenizer): Its vocabulary decides between 16 and 32 bits a piece.
    folder (Path): The store to be; one that is there is replaced at the end.
    held_out (float): Share of the documents kept for evaluation, 0 to 1, chosen
        by a hash of the id, so that it stays the same when a corpus grows.
    sources (Iterable[dict]): What the documents came from, for the manifest.
    n_workers (int): Processes to cut with. The store is the same for any number.
    report (Callable | None): Called now and then with the figures so far.
    RETURNS (StoreFigures): What went in.
    RAISES (ValueError): If there is not one document with text.
    RAISES (OSError): If the folder holds anything but a store.
    """
    _check_folder(folder)
    with (
        open_workers(n_workers) as workers,
        whole_folder(folder) as unfinished,
    ):
        rows = cut_documents(documents, tokenizer, held_out=held_out, workers=workers)
        shards = write_shards(rows, tokenizer, unfinished, first=0, report=report)
        manifest = {
            "format": FORMAT,
            "tokenizer_sha256": tokenizer_checksum(tokenizer),
            "held_out": held_out,
            "sources": list(sources),
            "shards": shards,
        }
        _write_manifest(manifest, unfinished / MANIFEST)
    return sum_figures(shards)


def append_to_store(
    documents: Iterable[Document],
    tokenizer: Tokenizer,
    folder: Path,
    *,
    held_out: float,
    sources: Sequence[dict[str, str]] = (),
    n_workers: int = 1,
    report: Callable[[StoreFigures], None] | None = None,
) -> StoreFigures:
    """Cut documents into pieces and add them to a store, all of them or none.

    The shards that are there stay as they are. New ones are written beside them, and
    belong to the store when the manifest, replaced in one step, names them.

    documents, tokenizer, held_out, n_workers, report: As of `build_store`.
    folder (Path): The store. What a killed append left in it is removed.
    sources (Sequence[dict]): What the documents came from.
    RETURNS (StoreFigures): What was added.
    RAISES (ValueError): If the store was made with another tokenizer or held-out
        share, has one of the sources, or there is not one document with text.
    RAISES (OSError): If there is no store, or another append finished meanwhile.
    """
    store = open_store(folder)
    _check_growth(store, tokenizer, held_out, sources)
    _remove_leftovers(folder, store.manifest)
    unfinished = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=folder))
    try:
        with open_workers(n_workers) as workers:
            rows = cut_documents(
                documents, tokenizer, held_out=held_out, workers=workers
            )
            n_old = len(store.manifest["shards"])
            shards = write_shards(
                rows, tokenizer, unfinished, first=n_old, report=report
            )
        _add_shards(store, shards, unfinished, sources)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return sum_figures(shards)


def open_store(folder: Path) -> TokenStore:
    """Open a store without reading its pieces.

    folder (Path): Made by `build_store`.
    RETURNS (TokenStore): Its shards are mapped into memory.
    RAISES (OSError): If there is no store, or a shard of it is missing.
    RAISES (ValueError): If it has another format, or a shard was cut.
    """
    manifest = _read_manifest(Path(folder))
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


def _read_manifest(folder: Path) -> dict[str, Any]:
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


def _write_manifest(manifest: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _check_growth(
    store: TokenStore,
    tokenizer: Tokenizer,
    held_out: float,
    sources: Sequence[dict[str, str]],
) -> None:
    """Refuse to add what does not go with a store, or is in it."""
    store.check_tokenizer(tokenizer_checksum(tokenizer))
    expected = store.manifest["held_out"]
    if held_out != expected:
        raise ValueError(
            Errors.B122.format(folder=store.folder, expected=expected, found=held_out)
        )
    known = {source["sha256"]: source["path"] for source in store.manifest["sources"]}
    for source in sources:
        if source["sha256"] in known:
            raise ValueError(
                Errors.B123.format(
                    folder=store.folder,
                    path=source["path"],
                    known=known[source["sha256"]],
                )
            )


def _add_shards(
    store: TokenStore,
    shards: list[dict[str, Any]],
    unfinished: Path,
    sources: Sequence[dict[str, str]],
) -> None:
    """Move shards into a store, and make them a part of it by its manifest."""
    if _read_manifest(store.folder) != store.manifest:
        raise FileExistsError(Errors.B124.format(folder=store.folder))
    for shard in shards:
        flush(unfinished / shard["name"])
        os.replace(unfinished / shard["name"], store.folder / shard["name"])
    manifest = {
        **store.manifest,
        "sources": [*store.manifest["sources"], *sources],
        "shards": [*store.manifest["shards"], *shards],
    }
    with whole_file(store.folder / MANIFEST) as path:
        _write_manifest(manifest, path)


def _remove_leftovers(folder: Path, manifest: dict[str, Any]) -> None:
    """Remove what a killed append left: its folder, shards the manifest does not name."""
    named = {shard["name"] for shard in manifest["shards"]}
    for path in folder.glob("shard-*.arrow"):
        if path.name not in named:
            path.unlink()
    for path in folder.glob(f"{UNFINISHED}*"):
        shutil.rmtree(path)
