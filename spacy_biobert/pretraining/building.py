"""Build a token store from documents, or add some to one: all of them or none."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from ..atomic import flush, whole_file, whole_folder
from ..errors import Errors
from ..types import Document
from ..workers import open_workers
from .cutting import cut_documents
from .shards import StoreFigures, sum_figures, write_shards, writing
from .store import (
    FORMAT,
    MANIFEST,
    TokenStore,
    open_store,
    read_manifest,
    tokenizer_checksum,
)

# Folders in a store where an append writes; one that stays was left by a killed process.
UNFINISHED = ".append-"


def build_store(
    documents: Iterable[Document],
    tokenizer: Tokenizer,
    folder: Path,
    *,
    held_out: float,
    sources: Iterable[dict[str, str]] = (),
    tokenizer_name: str = "",
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
    tokenizer_name (str): What a message calls the tokenizer, for the manifest.
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
            "tokenizer": tokenizer_name,
            "tokenizer_pieces": tokenizer.get_vocab_size(),
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
    tokenizer_name: str = "",
    n_workers: int = 1,
    report: Callable[[StoreFigures], None] | None = None,
) -> StoreFigures:
    """Cut documents into pieces and add them to a store, all of them or none.

    The shards that are there stay as they are. New ones are written beside them, and
    belong to the store when the manifest, replaced in one step, names them.

    documents, tokenizer, held_out, tokenizer_name, n_workers, report: As of
        `build_store`; the store keeps the name it has.
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


def _write_manifest(manifest: dict[str, Any], path: Path) -> None:
    with writing(path):
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
    if read_manifest(store.folder) != store.manifest:
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
