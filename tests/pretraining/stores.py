"""Documents for token stores, and what stands in one."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from spacy_biobert.pretraining.documents import StoredDocuments
from spacy_biobert.pretraining.store import TokenStore
from spacy_biobert.types import Document, Section

WORDS = "aspirin reduces fever in most of the patients with gene p53 and MASK".split()


def make_document(number: int, *texts: str, title: str = "A title.") -> Document:
    return Document(f"pmid{number}", title, tuple(Section("", text) for text in texts))


def make_corpus(n_documents: int) -> list[Document]:
    rng = np.random.default_rng(0)

    def sentence() -> str:
        return "The " + " ".join(rng.choice(WORDS, rng.integers(1, 12))) + "."

    return [
        make_document(i, " ".join(sentence() for _ in range(rng.integers(1, 6))))
        for i in range(n_documents)
    ]


def ids_of(store: TokenStore, split: str) -> list[str]:
    found = []
    for shard in store.manifest["shards"]:
        table = pa.ipc.open_file(str(store.folder / shard["name"])).read_all()
        for row in table.to_pylist():
            if row["held_out"] == (split == "held_out"):
                found.append(row["id"])
    return found


def sentences_of(documents: StoredDocuments, index: int) -> list[list[int]]:
    pieces, bounds = documents.pieces(index), documents.bounds(index)
    return [pieces[a:b].tolist() for a, b in zip(bounds, bounds[1:], strict=False)]


def failing(corpus: list[Document]) -> Iterator[Document]:
    yield from corpus
    raise RuntimeError("the disk is on fire")
