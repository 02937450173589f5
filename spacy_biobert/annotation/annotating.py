"""Annotate a block: from documents to the bytes of a part of the output."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from spacy.language import Language
from spacy.tokens import Doc, DocBin

from ..converters.annotated_jsonl import make_record
from ..converters.from_docs import from_doc
from ..converters.probabilities import DIGITS
from ..errors import Errors
from ..types import AnnotatedDocument
from .blocks import Block
from .checks import SetAside

# Where the transformer component leaves its vectors; far larger than what is found.
VECTORS = ("._.", "trf_data", None, None)
# What says nothing about a document, but about the machine. Not `Exception`: what ends
# the process, and a full disk, end the run.
FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
FULL = (MemoryError, torch.OutOfMemoryError)


@dataclass(slots=True)
class Counts:
    """What a block or a whole run holds: documents, and annotations by label."""

    documents: int = 0
    mentions: Counter[str] = field(default_factory=Counter)
    relations: Counter[str] = field(default_factory=Counter)
    categories: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)

    def count(self, document: AnnotatedDocument) -> None:
        """Count what a document has."""
        self.documents += 1
        self.mentions.update(mention.label for mention in document.mentions or ())
        self.relations.update(r.label for r in document.mention_relations or ())
        self.categories.update(document.categories or ())


@dataclass(frozen=True, slots=True)
class AnnotatedBlock:
    """A block's part of the output, and what is told of it."""

    number: int
    content: bytes
    counts: Counts
    set_aside: tuple[SetAside, ...]


def annotate_block(
    nlp: Language, block: Block, *, kind: str, about: dict[str, str]
) -> AnnotatedBlock:
    """Annotate the documents of a block.

    The sums of a network depend on the number of threads and on what is computed
    together: one thread, and always the whole block.

    nlp (Language): The pipeline.
    block (Block): The documents.
    kind (str): "records" for lines as `converters.annotated_jsonl` has them, with
        all scores; "docs" for a .spacy file.
    about (dict[str, str]): What is said of the pipeline with each document.
    RETURNS (AnnotatedBlock): What was found. Documents at which the pipeline fails
        are set aside.
    RAISES (MemoryError): If the memory does not suffice.
    """
    counts, failed = Counts(), list[SetAside]()
    # Words that the pipeline had not seen are forgotten at the end: all of PubMed's
    # would fill the memory.
    with _one_thread(), nlp.memory_zone():
        docs = _annotated(nlp, block, failed)
        write = {"records": _records, "docs": _docs}[kind]
        content = write(docs, about, counts)
    set_aside = (*block.set_aside, *failed)
    return AnnotatedBlock(block.number, content, counts, set_aside)


def _records(docs: Iterable[Doc], about: dict[str, str], counts: Counts) -> bytes:
    lines = []
    for doc in docs:
        document = from_doc(doc, counts.lost)
        counts.count(document)
        scores = {label: round(score, DIGITS) for label, score in doc.cats.items()}
        record = {**make_record(document, scores), **about}
        lines.append(json.dumps(record, ensure_ascii=False) + "\n")
    return "".join(lines).encode("utf-8")


def _docs(docs: Iterable[Doc], about: dict[str, str], counts: Counts) -> bytes:
    store = DocBin(store_user_data=True)
    for doc in docs:
        counts.count(from_doc(doc, counts.lost))
        doc.user_data.update(about)
        store.add(doc)
    return store.to_bytes()


def _annotated(nlp: Language, block: Block, failed: list[SetAside]) -> Iterator[Doc]:
    """Annotate the block at once or, where that fails, each document by itself."""
    made = [_make_doc(nlp, document) for document in block.documents]
    try:
        annotated = [_without_vectors(doc) for doc in nlp.pipe(made)]
    except FULL as error:
        raise MemoryError(str(error)) from error
    except FAULTS:
        annotated = _one_by_one(nlp, block, failed)
    yield from annotated


def _one_by_one(nlp: Language, block: Block, failed: list[SetAside]) -> list[Doc]:
    annotated = []
    for document, source in zip(block.documents, block.sources, strict=True):
        try:
            annotated.append(_without_vectors(nlp(_make_doc(nlp, document))))
        except FULL as error:
            raise MemoryError(str(error)) from error
        except FAULTS as error:
            reason = f"{type(error).__name__}: {error}"
            failed.append(
                SetAside(source, document.id, Errors.B508.format(reason=reason))
            )
    return annotated


def _make_doc(nlp: Language, document: AnnotatedDocument) -> Doc:
    doc = nlp.make_doc(document.text)
    doc.user_data["document_id"] = document.id
    if document.passages:
        doc.user_data["passages"] = [
            (passage.start, passage.end, passage.label) for passage in document.passages
        ]
    return doc


def _without_vectors(doc: Doc) -> Doc:
    data: dict[Any, Any] = doc.user_data
    data.pop(VECTORS, None)
    return doc


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
