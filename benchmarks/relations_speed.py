r"""Measure what relations cost beside the encoder, in time and in memory.

The component on annotated abstracts with their gold entities, on random vectors as
wide as those of a BERT-Base that were made before; and a BERT-Base of random weights on
some of the same abstracts. Processor time of one thread each, in turn.

    python -m benchmarks.relations_speed work/release/dev/bc5cdr.spacy
"""

import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy
import spacy
import torch
import typer
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import registry
from thinc.api import Model
from thinc.types import Floats2d
from transformers import BertConfig, BertModel, BertTokenizerFast

from spacy_biobert.models.encoder import build_biobert_model_v1
from spacy_biobert.pipeline.relation_pipe import BioBertRelation
from spacy_biobert.readers import create_corpus_v1

from .record import write_result

TOKENIZER = Path(__file__).parent.parent / "assets" / "biobert-mini"
# BERT-Base, and the settings of configs/relation.cfg for it.
WIDTH, WINDOW, STRIDE = 768, 512, 384
N_BATCH = 64
N_ENTITIES = 400
# Learning is slower: every so many documents are enough.
LEARNED = 8
VECTORS = "relations_speed.random_vectors"


@registry.architectures(VECTORS)  # type: ignore[untyped-decorator]
def build_random_vectors() -> Model[list[Doc], list[Floats2d]]:
    """Give each doc vectors that were made before, in place of an encoder."""

    def forward(
        model: Model[Any, Any], docs: list[Doc], is_train: bool
    ) -> tuple[list[Floats2d], Callable[[Any], list[Doc]]]:
        return [doc.user_data["vectors"] for doc in docs], lambda dY: docs

    return Model("random_vectors", forward)


def main(corpus: Path, repeats: int = 5, encoded: int = 8) -> None:
    """Measure on a corpus that `convert` made, and write the result file."""
    torch.set_num_threads(1)
    nlp = make_pipeline()
    examples = list(create_corpus_v1(corpus, gold_ents=True)(nlp))
    for eg in examples:
        add_vectors(eg.predicted)
        # `initialize` reads the widths from it.
        add_vectors(eg.reference)
    nlp.initialize(lambda: examples)
    with tempfile.TemporaryDirectory() as folder:
        encoder = make_encoder(Path(folder), examples[0].reference)
    figures = {
        "documents": len(examples),
        "pairs": count_pairs(nlp, examples),
        "speed": measure_speed(nlp, encoder, examples, repeats, encoded),
        "memory": measure_memory(nlp),
    }
    settings = {"repeats": repeats, "encoded": encoded, "width": WIDTH, "threads": 1}
    command = f"python -m benchmarks.relations_speed {' '.join(sys.argv[1:])}"
    result = write_result(
        "relations_speed", figures, command=command, settings=settings
    )
    print(result, result.read_text())


def make_pipeline() -> Language:
    """Make a pipeline of the component with its default network."""
    nlp = spacy.blank("en")
    model = {
        "@architectures": "spacy-biobert.RelationModel.v1",
        "tok2vec": {"@architectures": VECTORS},
    }
    nlp.add_pipe("biobert_relation", "relation", config={"model": model})
    return nlp


def add_vectors(doc: Doc) -> None:
    """Make a doc's vectors."""
    generator = numpy.random.default_rng(len(doc))
    vectors = generator.standard_normal((len(doc), WIDTH), dtype="f")
    doc.user_data["vectors"] = vectors


def make_encoder(folder: Path, doc: Doc) -> Model[list[Doc], Any]:
    """Make a BERT-Base of random weights, with the pieces of biobert-mini."""
    tokenizer = BertTokenizerFast.from_pretrained(TOKENIZER)
    tokenizer.save_pretrained(folder)
    config = BertConfig(vocab_size=len(tokenizer))  # type: ignore[no-untyped-call]
    BertModel(config).save_pretrained(folder)  # type: ignore[no-untyped-call]
    encoder = build_biobert_model_v1(name=str(folder), window=WINDOW, stride=STRIDE)
    encoder.initialize(X=[doc])
    return encoder


def get_relation(nlp: Language) -> BioBertRelation:
    """Give the component."""
    relation = nlp.get_pipe("relation")
    assert isinstance(relation, BioBertRelation)
    return relation


def count_pairs(nlp: Language, examples: list[Example]) -> int:
    """Count the pairs that are proposed."""
    get_pairs = get_relation(nlp).model.attrs["get_pairs"]
    return sum(len(get_pairs(eg.predicted)) for eg in examples)


def measure_speed(
    nlp: Language,
    encoder: Model[list[Doc], Any],
    examples: list[Example],
    repeats: int,
    encoded: int,
) -> dict[str, Any]:
    """Time both in turn.

    RETURNS (dict): Seconds per 1,000 documents in each repeat, by what was done, and
        the share that relations add to the encoder: "mean", "deviation", "most".
    """
    relation = get_relation(nlp)
    # Spread over the corpus, so that they are as long as the others.
    few = [eg.predicted for eg in examples[:: max(1, len(examples) // encoded)]][
        :encoded
    ]
    seconds: dict[str, list[float]] = {"encoder": [], "predict": [], "update": []}

    def predict() -> None:
        for batch in batches(examples):
            docs = [eg.predicted for eg in batch]
            relation.set_annotations(docs, relation.predict(docs))

    learned = examples[::LEARNED]

    def update() -> None:
        for batch in batches(learned):
            relation.update(batch, drop=0.1)

    relation.update(examples[:2])
    encoder.predict(few[:1])
    for _ in range(repeats):
        seconds["encoder"].append(clock(lambda: encoder.predict(few)) / len(few))
        seconds["predict"].append(clock(predict) / len(examples))
        seconds["update"].append(clock(update) / len(learned))
    shares = [
        ours / theirs
        for ours, theirs in zip(seconds["predict"], seconds["encoder"], strict=True)
    ]
    return {
        "seconds_per_1000": {
            name: [1000 * spent for spent in found] for name, found in seconds.items()
        },
        "share": {
            "mean": mean(shares),
            "deviation": stdev(shares) if len(shares) > 1 else None,
            "most": max(shares),
        },
    }


def batches(examples: list[Example]) -> Iterator[list[Example]]:
    """Give the examples some at a time."""
    for start in range(0, len(examples), N_BATCH):
        yield examples[start : start + N_BATCH]


def clock(work: Callable[[], object]) -> float:
    """Give the seconds of processor time that something takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def measure_memory(nlp: Language) -> dict[str, Any]:
    """Take the most memory that a document of many entities needs at once, in MB.

    RETURNS (dict): "entities", "pairs", and "peak_mb" by what was done. The vectors of
        the document itself do not count.
    """
    doc = nlp.make_doc("word of " * N_ENTITIES)
    doc.ents = [Span(doc, 2 * i, 2 * i + 1, "Chemical") for i in range(N_ENTITIES)]
    reference = doc.copy()
    add_vectors(doc)
    relation = get_relation(nlp)
    reference.user_data["relations"] = [(0, 1, 2, 3, relation.labels[0], 1.0)]
    eg = Example(doc, reference)
    peaks = {
        "predict": peak(lambda: relation.predict([doc])),
        "update": peak(lambda: relation.update([eg])),
    }
    relation.negative_rate = 0.1
    peaks["update, negative_rate 0.1"] = peak(lambda: relation.update([eg]))
    n_pairs = N_ENTITIES * (N_ENTITIES - 1)
    return {"entities": N_ENTITIES, "pairs": n_pairs, "peak_mb": peaks}


def peak(work: Callable[[], object]) -> float:
    """Give the most memory in MB that something takes above what was taken before."""
    tracemalloc.start()
    work()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / 2**20


if __name__ == "__main__":
    typer.run(main)
