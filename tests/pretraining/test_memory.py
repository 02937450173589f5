"""The memory of a run does not grow with its store."""

import json
import os
import subprocess
import sys
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from spacy_biobert.pretraining.cutting import CutDocument, is_held_out
from spacy_biobert.pretraining.shards import SHARD_PIECES, write_shards
from spacy_biobert.pretraining.store import (
    FORMAT,
    MANIFEST,
    open_store,
    tokenizer_checksum,
)

ROOT = Path(__file__).parents[2]
STATUS = Path("/proc/self/status")
N_GROUPS = 3
# Megabytes that four times the documents may take: some numbers of each record batch.
FEW = 20


def random_documents(n_pieces, *, n_vocab, held_out):
    """A thousand documents of twelve sentences and some 390 pieces, again and again."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(10, 55, (1000, 12)).astype(np.int32)
    documents = [
        CutDocument(
            f"pmid{number}",
            is_held_out(f"pmid{number}", held_out),
            sentences,
            rng.integers(5, n_vocab, sentences.sum()).astype(np.uint32),
        )
        for number, sentences in enumerate(lengths)
    ]
    for document in cycle(documents):
        if n_pieces <= 0:
            return
        n_pieces -= len(document.pieces)
        yield document


@pytest.fixture(scope="module")
def big_store(tmp_path_factory, tiny_encoder):
    """Makes stores of full shards, all of them links to the same one: 128 MB of disk."""
    folder = tmp_path_factory.mktemp("big")
    tokenizer = Tokenizer.from_file(str(tiny_encoder / "tokenizer.json"))
    (folder / "shard").mkdir()
    rows = random_documents(
        SHARD_PIECES, n_vocab=tokenizer.get_vocab_size(), held_out=0.1
    )
    [shard] = write_shards(rows, tokenizer, folder / "shard", first=0)

    def make(n_shards):
        store = folder / f"store{n_shards}"
        store.mkdir()
        shards = [
            shard | {"name": f"shard-{number:05}.arrow"} for number in range(n_shards)
        ]
        for one in shards:
            os.link(folder / "shard" / shard["name"], store / one["name"])
        manifest = {
            "format": FORMAT, "tokenizer_sha256": tokenizer_checksum(tokenizer),
            "held_out": 0.1, "sources": [], "shards": shards,
        }  # fmt: skip
        (store / MANIFEST).write_text(json.dumps(manifest))
        return store

    return make


def feed_from(store, encoder):
    """What feeding from a store took, in a process of its own."""
    found = subprocess.run(
        [sys.executable, "-m", "tests.pretraining.feeding", store, encoder, str(N_GROUPS)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(found.stdout)


@pytest.mark.slow
@pytest.mark.skipif(
    not STATUS.is_file() or "RssAnon" not in STATUS.read_text(),
    reason="this system does not tell anonymous memory from mapped files",
)
def test_feeding_takes_no_more_memory_from_a_gigabyte_than_from_a_quarter(
    big_store, tiny_encoder
):
    small, large = big_store(2), big_store(8)
    n_bytes = sum(shard["bytes"] for shard in open_store(large).manifest["shards"])
    assert n_bytes > 1e9
    few, many = feed_from(small, tiny_encoder), feed_from(large, tiny_encoder)
    grown = {part: many[part] - few[part] for part in few}
    assert max(grown.values()) < FEW, (grown, few)
