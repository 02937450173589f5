"""The works that speeds are measured by: what each arm does with the same tokens."""

from collections.abc import Callable
from functools import partial
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import minibatch
from thinc.api import Adam

from spacy_biobert.encoder.batches import make_batches
from spacy_biobert.encoder.hub import open_tokenizer
from spacy_biobert.encoder.rows import CPU_PIECES
from spacy_biobert.models.pieces import to_sequences

from .speed_arms import SPANS, Arms
from .speed_texts import Tokens, docs_of, tokens_of
from .stock_encoder import stock_pieces
from .turns import Work

Works = dict[str, Callable[[], Work]]
# About as many abstracts as the recipe's 2,000 words.
BATCH_DOCS = 10
# Low, so that the trained weights stay nearly what they are.
RATE = 1e-6


def piping(arms: Arms, tokens: list[Tokens]) -> Works:
    """Run whole pipelines over all documents."""

    def prepare(nlp: Language) -> Work:
        docs = docs_of(tokens, nlp.vocab)
        return lambda: [None for _ in nlp.pipe(docs)]

    return {name: partial(prepare, nlp) for name, nlp in arms.items()}


def single_documents(arms: Arms, tokens: list[Tokens]) -> Works:
    """Run pipelines over one document at a time, as a service does."""

    def prepare(nlp: Language) -> Work:
        docs = docs_of(tokens, nlp.vocab)
        return lambda: [None for doc in docs if nlp(doc)]

    return {name: partial(prepare, nlp) for name, nlp in arms.items()}


def updates(arms: Arms, gold: list[Doc]) -> Works:
    """Train pipelines on all documents once, in batches, each with an optimizer."""
    optimizers = {
        name: nlp.resume_training(sgd=Adam(RATE, L2=0.01, grad_clip=1.0))
        for name, nlp in arms.items()
    }

    def prepare(name: str, nlp: Language) -> Work:
        predicted = docs_of([tokens_of(doc) for doc in gold], nlp.vocab)
        examples = [Example(*pair) for pair in zip(predicted, gold, strict=True)]

        def train() -> None:
            for batch in minibatch(examples, BATCH_DOCS):  # type: ignore[no-untyped-call]
                nlp.update(batch, sgd=optimizers[name], drop=0.1)

        return train

    return {name: partial(prepare, name, nlp) for name, nlp in arms.items()}


def piece_works(folder: str, tokens: list[Tokens]) -> Works:
    """Run tokenising and aligning alone; ours up to the batches."""
    nlp, tokenizer = spacy.blank("en"), open_tokenizer(folder)
    stock = stock_pieces(tokenizer, SPANS["stock, strided spans"])

    def ours(docs: list[Doc]) -> None:
        found: Any = to_sequences(
            docs,
            tokenizer,
            pooling="mean",
            window=512,
            stride=384,
            boundaries="anywhere",
        )
        ids = {"cls_id": tokenizer.cls_token_id, "sep_id": tokenizer.sep_token_id}
        list(make_batches(*found, max_batch_pieces=CPU_PIECES, **ids))

    def prepare(make_pieces: Callable[[list[Doc]], None]) -> Work:
        docs = docs_of(tokens, nlp.vocab)
        return lambda: make_pieces(docs)

    return {
        "ours": partial(prepare, ours),
        "stock, strided spans": partial(prepare, stock),
    }
