"""How fast documents become inputs with hidden pieces: ours and plain Python.

Both begin with documents that are cut into pieces, and end in memory: ours with padded
batches of tensors, plain Python with its instances, which would still have to be turned
into numbers and written.
"""

import math
import random
import time
from dataclasses import dataclass
from typing import Any

import torch

from spacy_biobert.pretraining.feed import Feed, Place
from spacy_biobert.pretraining.store import StoredDocuments

from .interleaving import compare
from .reference_builder import Document, Instance, Settings, create_instances

# The documents of the first record batch of the store.
FIRST_DOCUMENTS = Place(parts=1)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Figures of the preparation, and what it left for the loops.

    `planning` is in seconds per piece; `instances` are in random order.
    """

    figures: dict[str, Any]
    planning: float
    instances: list[Instance]


def measure_preparation(feed: Feed, *, repeats: int) -> Prepared:
    """Prepare the same documents in both ways, in turn, on one core.

    feed (Feed): Ours, with its config.
    repeats (int): How often.
    RETURNS (Prepared): Speeds are real pieces of the inputs, special ones included,
        per second of processor time.
    """
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _measure(feed, repeats)
    finally:
        torch.set_num_threads(n_threads)


def _measure(feed: Feed, repeats: int) -> Prepared:
    vocabulary = read_vocabulary(feed)
    stored = feed.store.documents("train", parts=[0])
    documents = read_documents(stored, vocabulary)
    settings, seed = reference_settings(feed), feed.config.training.seed
    ours: list[float] = []
    peer: list[float] = []
    planning: list[float] = []
    instances: list[Instance] = []
    for repeat in range(repeats):
        started = time.process_time()
        planned = next(feed.groups(FIRST_DOCUMENTS))
        was_planned = time.process_time()
        for batch in planned:
            batch.make()
        seconds = time.process_time() - started
        n_pieces = sum(batch.n_pieces for batch in planned)
        ours.append(n_pieces / seconds)
        planning.append((was_planned - started) / n_pieces)

        dice = random.Random(seed + repeat)
        started = time.process_time()
        instances = create_instances(documents, vocabulary, settings, dice)
        seconds = time.process_time() - started
        peer.append(sum(len(instance.pieces) for instance in instances) / seconds)
    figures = {
        "ours": [round(speed) for speed in ours],
        "plain": [round(speed) for speed in peer],
        "faster": compare(ours, peer),
        "documents": len(documents),
    }
    return Prepared(figures, max(planning), instances)


def read_vocabulary(feed: Feed) -> list[str]:
    """Give the pieces by their ids."""
    ids: dict[str, int] = feed.tokenizer.get_vocab()
    return sorted(ids, key=ids.__getitem__)


def read_documents(stored: StoredDocuments, vocabulary: list[str]) -> list[Document]:
    """Give documents of a store as sentences of pieces, as the builder wants them."""
    documents = []
    for index in range(len(stored)):
        pieces = [vocabulary[id_] for id_ in stored.pieces(index).tolist()]
        bounds = stored.bounds(index).tolist()
        documents.append(
            [pieces[a:b] for a, b in zip(bounds, bounds[1:], strict=False)]
        )
    return documents


def reference_settings(feed: Feed) -> Settings:
    """Give the builder's settings for the same inputs as ours; it makes one pass."""
    objective = feed.config.objective
    return Settings(
        max_pieces=objective.max_pieces,
        passes=1,
        short_probability=objective.short_probability,
        mask_fraction=objective.mask_fraction,
        max_hidden=math.ceil(objective.max_pieces * objective.mask_fraction),
        whole_words=objective.whole_words,
    )
