"""A small store and a config for it, to pretrain on in seconds."""

import random
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from tokenizers import Tokenizer

from spacy_biobert.pretraining.building import build_store
from spacy_biobert.pretraining.feed import Feed, Place, PlannedBatch
from spacy_biobert.pretraining.making import HiddenBatch, make_batches
from spacy_biobert.types import Document, Section

CONFIG = Path(__file__).parents[2] / "configs" / "pretrain_demo.cfg"
SUBJECTS = ["Aspirin", "BRCA1 gene", "drug toxicity", "liver failure", "breast cancer"]
OBJECTS = ["headache in patients", "renal disease", "lymphoma", "hepatitis"]


def make_documents(numbers: Iterable[int], *, seed: int = 0) -> list[Document]:
    """Short texts of few words."""
    dice = random.Random(seed)
    return [
        Document(
            id=f"d{number}",
            title=f"The {dice.choice(SUBJECTS)}.",
            sections=(
                Section(
                    "",
                    " ".join(
                        f"The {dice.choice(SUBJECTS)} causes {dice.choice(OBJECTS)}."
                        for _ in range(6)
                    ),
                ),
            ),
        )
        for number in numbers
    ]


def make_store(folder: Path, tokenizer: Path, *, held_out: float = 0.25) -> Path:
    """Write a store of short texts, some of them held out."""
    build_store(
        make_documents(range(40)),
        Tokenizer.from_file(str(tokenizer / "tokenizer.json")),
        folder,
        held_out=held_out,
    )
    return folder


def overrides(store: Path, encoder: Path, **keys: object) -> dict[str, object]:
    """Values for `CONFIG` that make a run of a few steps."""
    return {
        "paths.store": str(store),
        "paths.tokenizer": str(encoder),
        "network.init": "random",
        "network.layers": 2,
        "network.width": 16,
        "network.heads": 2,
        "network.feedforward_width": 32,
        "network.positions": 64,
        "objective.max_pieces": 32,
        "training.batch_pieces": 128,
        "training.max_steps": 4,
        "training.max_minutes": None,
        "evaluation.log_steps": 2,
        "evaluation.evaluate_steps": 2,
        "evaluation.max_instances": 8,
        "output.checkpoint_steps": 2,
        "machine.precision": "fp32",
        "machine.device": "cpu",
        **{key.replace("__", "."): value for key, value in keys.items()},
    }


def planned(feed: Feed, start: Place | None = None) -> Iterator[PlannedBatch]:
    """The batches of a run one by one, from a place on, without end."""
    return chain.from_iterable(feed.groups(start or Place()))


def make(batch: PlannedBatch) -> HiddenBatch:
    """Make one batch, alone."""
    (made,) = make_batches(batch.inputs, [batch.chosen])
    return made
