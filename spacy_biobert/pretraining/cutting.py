"""Documents in, pieces out: sentence by sentence, an article section by section. No I/O."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from ..sentences import split_sentences
from ..types import Document
from ..workers import Workers, map_in_order

# A longer document is an article: each of its sections is a document of its own,
# so that a sentence's neighbours and strangers differ in more than the topic.
ARTICLE_WORDS = 1000
# Documents that are tokenised together: on all cores, or by one of several processes.
BATCH_DOCUMENTS = 256


@dataclass(frozen=True, slots=True)
class CutDocument:
    """A document as pieces, and how many of them each sentence has."""

    id: str
    held_out: bool
    n_pieces: NDArray[np.int32]
    pieces: NDArray[np.uint32]


def cut_documents(
    documents: Iterable[Document],
    tokenizer: Tokenizer,
    *,
    held_out: float,
    workers: Workers,
) -> Iterator[CutDocument]:
    """Cut documents into sentences, and sentences into pieces.

    documents (Iterable[Document]): Read once, some hundred at a time.
    tokenizer (Tokenizer): Not modified; its truncation and padding are not used, and
        a "[MASK]" in a text is text.
    held_out (float): Share of the documents kept for evaluation, 0 to 1.
    workers (Workers): From `open_workers`. The pieces are the same for any number.
    YIELDS (CutDocument): In the order of the documents, the sections of an article one
        by one. What has no pieces is left out: empty sections, empty documents.
    """
    left = iter(documents)
    batches = iter(lambda: list(islice(left, BATCH_DOCUMENTS)), [])
    cut = partial(_cut, tokenizer.to_str(), held_out)
    for found in map_in_order(cut, batches, workers):
        yield from found


def _cut(
    tokenizer: str, held_out: float, documents: list[Document]
) -> list[CutDocument]:
    """Cut some documents, perhaps in another process."""
    parts = [
        (name, is_held_out(document.id, held_out), sentences)
        for document in documents
        for name, sentences in _parts(document)
    ]
    flat = [sentence for _, _, sentences in parts for sentence in sentences]
    cutter = _open_cutter(tokenizer)
    encoded = iter(cutter.encode_batch_fast(flat, add_special_tokens=False))
    rows = []
    for name, kept_out, sentences in parts:
        found = [ids for _ in sentences if (ids := next(encoded).ids)]
        if found:
            n_pieces = np.array([len(ids) for ids in found], np.int32)
            pieces = np.fromiter(chain.from_iterable(found), np.uint32, n_pieces.sum())
            rows.append(CutDocument(name, kept_out, n_pieces, pieces))
    return rows


# A process gets the tokenizer with every batch, but reads it once.
@lru_cache(maxsize=1)
def _open_cutter(tokenizer: str) -> Tokenizer:
    cutter = Tokenizer.from_str(tokenizer)
    cutter.no_truncation()
    cutter.no_padding()
    cutter.encode_special_tokens = True
    return cutter


def is_held_out(name: str, share: float) -> bool:
    """Tell whether a document is kept for evaluation, the sections of one together.

    name (str): Id of the document; the answer is a function of it alone, so that it
        stays the same when a corpus grows.
    share (float): Share of the documents that is kept, 0 to 1.
    RETURNS (bool): Whether it is one of them.
    """
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def _parts(document: Document) -> Iterator[tuple[str, list[str]]]:
    """Cut a document into sentences; an article first into its sections."""
    title = [document.title] if document.title else []
    texts = [section.text for section in document.sections]
    if sum(len(text.split()) for text in texts) <= ARTICLE_WORDS:
        yield document.id, title + [s for text in texts for s in _sentences(text)]
        return
    for number, text in enumerate(texts):
        yield (
            f"{document.id}#{number}",
            (title if number == 0 else []) + _sentences(text),
        )


def _sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]
