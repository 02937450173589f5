"""How fast documents become inputs with hidden pieces: ours and plain Python.

Both begin with documents that are cut into pieces, and end in memory. Ours ends with
padded batches of tensors; plain Python is measured up to its instances, which are lists
of strings, and up to such batches.
"""

import gc
import math
import random
import time
from dataclasses import dataclass
from typing import Any

import torch

from spacy_biobert.pretraining.documents import StoredDocuments
from spacy_biobert.pretraining.feed import Feed, Place, make_own

from .interleaving import compare
from .reference_builder import Document, Settings, create_instances
from .stock_loop import StockBatch, batch_instances

# The documents of the first record batch of the store.
FIRST_DOCUMENTS = Place(parts=1)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Figures of the preparation, and what it left for the loops.

    `planning` is in seconds per piece; `batches` are those of plain Python.
    """

    figures: dict[str, Any]
    planning: float
    batches: list[StockBatch]


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
    speeds: dict[str, list[float]] = {"ours": [], "instances": [], "batches": []}
    planning: list[float] = []
    batches: list[StockBatch] = []
    for repeat in range(repeats):
        # What the last repeat left would cost this one in the garbage collector.
        batches.clear()
        gc.collect()
        speed, planning_time = _prepare_ours(feed)
        speeds["ours"].append(speed)
        planning.append(planning_time)
        gc.collect()
        dice = random.Random(feed.config.training.seed + repeat)
        up_to_instances, up_to_batches, batches = _prepare_plain(
            documents, vocabulary, feed, dice
        )
        speeds["instances"].append(up_to_instances)
        speeds["batches"].append(up_to_batches)
    figures = {
        "documents": len(documents),
        "speeds": {name: [round(s) for s in found] for name, found in speeds.items()},
        "faster": {
            peer: compare(speeds["ours"], speeds[peer])
            for peer in ("instances", "batches")
        },
    }
    return Prepared(figures, max(planning), batches)


def _prepare_ours(feed: Feed) -> tuple[float, float]:
    """Give pieces a second, and the seconds a piece of the planning alone."""
    started = time.process_time()
    planned = next(feed.groups(FIRST_DOCUMENTS))
    was_planned = time.process_time()
    for _ in make_own([planned], owns=lambda number: True):
        pass
    ended = time.process_time()
    n_pieces = sum(batch.n_pieces for batch in planned)
    return n_pieces / (ended - started), (was_planned - started) / n_pieces


def _prepare_plain(
    documents: list[Document], vocabulary: list[str], feed: Feed, dice: random.Random
) -> tuple[float, float, list[StockBatch]]:
    """Give pieces a second up to the instances and up to the batches, and these."""
    ids = {piece: id_ for id_, piece in enumerate(vocabulary)}
    settings, batch_pieces = reference_settings(feed), feed.config.training.batch_pieces
    started = time.process_time()
    instances = create_instances(documents, vocabulary, settings, dice)
    were_made = time.process_time()
    batches = batch_instances(instances, ids, batch_pieces=batch_pieces)
    ended = time.process_time()
    n_pieces = sum(len(instance.pieces) for instance in instances)
    return n_pieces / (were_made - started), n_pieces / (ended - started), batches


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
