r"""How fast documents become token vectors: our architecture and spacy-transformers' own.

Both have the same weights and run in one process, in turn, on the same tokens:
tokenising and aligning alone; a BERT-base with random weights; and a trained joint
pipeline with its heads, which hear our encoder or the stock one. Seconds are those of
the processor, because other work on a machine moves the clock far more than them.

    python -m benchmarks.encoder_speed training/real/model-best \
        --docs work/real/test/bc5cdr.spacy
"""

import copy
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any, cast

import spacy
import torch
import typer
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy_transformers import Transformer

from spacy_biobert.encoder.batches import make_batches
from spacy_biobert.encoder.hub import BertConfig, BertModel, open_tokenizer
from spacy_biobert.encoder.precision import fast_in_bfloat16
from spacy_biobert.encoder.rows import CPU_PIECES
from spacy_biobert.models.pieces import to_sequences

from .interleaving import compare
from .record import write_result
from .stock_encoder import (
    Runner,
    our_architecture,
    stock_architecture,
    stock_joint,
    stock_pieces,
    transformer_alone,
)

# Of a BERT-base.
N_POSITIONS = 512
SPANS: dict[str, dict[str, Any]] = {
    "stock, strided spans": {
        "@span_getters": "spacy-transformers.strided_spans.v1",
        "window": 128,
        "stride": 96,
    },
    "stock, whole documents": {"@span_getters": "spacy-transformers.doc_spans.v1"},
}


def main(
    pipeline: Path = typer.Argument(..., help="Trained joint pipeline"),
    docs: Path = typer.Option(..., help="A .spacy file with abstracts"),
    repeats: int = typer.Option(5),
    base_docs: int = typer.Option(8, help="Documents for BERT-base"),
    joint_docs: int = typer.Option(96, help="Documents for the joint pipeline"),
    piece_docs: int = typer.Option(192, help="Documents to tokenise and align"),
) -> None:
    """Measure and file the speeds."""
    budget = {"components.transformer.model.max_batch_pieces": None}
    nlp = spacy.load(pipeline, config=budget)
    found = list(DocBin().from_disk(docs).get_docs(nlp.vocab))
    tokens = [([t.text for t in d], [bool(t.whitespace_) for t in d]) for d in found]
    encoder: Any = cast(Transformer, nlp.get_pipe("transformer")).model
    with tempfile.TemporaryDirectory() as folder:
        save_with_positions(folder, encoder.transformer, encoder.tokenizer)
        trained: dict[str, Callable[[], Language]] = {
            "ours, float32": lambda: nlp,
            **{
                name: partial(stock_joint, nlp, folder, spans)
                for name, spans in SPANS.items()
            },
        }
        figures = {
            "pieces": measure(
                pieces_of(open_tokenizer(folder)), tokens[:piece_docs], 3 * repeats
            ),
            "joint": measure(piping(trained), tokens[:joint_docs], repeats),
        }
    with tempfile.TemporaryDirectory() as folder:
        save_base(folder, encoder.tokenizer)
        figures["base"] = measure(piping(alone(folder)), tokens[:base_docs], repeats)
    settings = {
        "seed": 0,
        "docs": docs.name,
        "threads": torch.get_num_threads(),
        "fast_in_bfloat16": fast_in_bfloat16(torch.device("cpu")),
        "spans": SPANS,
    }
    command = f"python -m benchmarks.encoder_speed {' '.join(sys.argv[1:])}"
    print(write_result("encoder_speed", figures, command=command, settings=settings))


def alone(folder: str) -> dict[str, Callable[[], Language]]:
    """Make pipelines of nothing but an encoder, in each form that this machine has."""
    made: dict[str, Callable[[], Language]] = {
        "ours, float32": lambda: transformer_alone(our_architecture(folder, "fp32"))
    }
    if fast_in_bfloat16(torch.device("cpu")):
        made["ours, bfloat16"] = lambda: transformer_alone(
            our_architecture(folder, "auto")
        )
    for name, spans in SPANS.items():
        made[name] = partial(transformer_alone, stock_architecture(folder, spans))
    return made


def piping(pipelines: dict[str, Callable[[], Language]]) -> dict[str, Runner]:
    """Run whole pipelines over documents that are tokenised already."""

    def runner(nlp: Language) -> Runner:
        def run(tokens: list[Any]) -> Iterator[Callable[[], Any]]:
            docs = [Doc(nlp.vocab, words, spaces) for words, spaces in tokens]
            yield lambda: [None for _ in nlp.pipe(docs)]

        return run

    return {name: runner(make()) for name, make in pipelines.items()}


def pieces_of(tokenizer: Any) -> dict[str, Runner]:
    """Run tokenising and aligning alone; ours up to the batches."""
    nlp = spacy.blank("en")

    def our_pieces(docs: list[Doc]) -> None:
        found = to_sequences(
            docs,
            tokenizer,
            pooling="mean",
            window=512,
            stride=384,
            boundaries="anywhere",
        )
        ids = {"cls_id": tokenizer.cls_token_id, "sep_id": tokenizer.sep_token_id}
        list(make_batches(*found, max_batch_pieces=CPU_PIECES, **ids))

    def runner(make_pieces: Callable[[list[Doc]], None]) -> Runner:
        def run(tokens: list[Any]) -> Iterator[Callable[[], Any]]:
            docs = [Doc(nlp.vocab, words, spaces) for words, spaces in tokens]
            yield lambda: make_pieces(docs)

        return run

    strided = SPANS["stock, strided spans"]
    return {
        "ours, float32": runner(our_pieces),
        "stock, strided spans": runner(stock_pieces(tokenizer, strided)),
    }


def save_with_positions(folder: str, network: Any, tokenizer: Any) -> None:
    """Write an encoder, its positions repeated up to those of a BERT-base.

    The stock encoder cuts what is longer, and would be measured on less text than ours.
    """
    weights = dict(network.state_dict())
    key = "embeddings.position_embeddings.weight"
    n_times = -(-N_POSITIONS // len(weights[key]))
    weights[key] = weights[key].repeat(n_times, 1)[:N_POSITIONS]
    config = BertConfig.from_dict(
        network.config.to_dict() | {"max_position_embeddings": N_POSITIONS}
    )
    longer = _new_bert(config)
    longer.load_state_dict(weights, strict=False)  # but for the pooler, which is random
    longer.save_pretrained(folder)
    save_tokenizer(folder, tokenizer)


def _new_bert(config: Any) -> Any:
    return cast(Any, BertModel)(config)


def save_tokenizer(folder: str, tokenizer: Any) -> None:
    """Write a tokenizer for that many positions."""
    own = copy.deepcopy(tokenizer)
    own.model_max_length = N_POSITIONS
    own.save_pretrained(folder)


def save_base(folder: str, tokenizer: Any) -> None:
    """Write a BERT-base with random weights and the vocabulary of a tokenizer."""
    torch.manual_seed(0)
    config = BertConfig.from_dict({"vocab_size": len(tokenizer)})
    _new_bert(config).save_pretrained(folder)
    save_tokenizer(folder, tokenizer)


def measure(
    runners: dict[str, Runner], tokens: list[Any], repeats: int
) -> dict[str, Any]:
    """Run all in turn, each repeat beginning with another; one round is not counted.

    runners (dict[str, Runner]): Ours first.
    tokens (list): Words and spaces of each document.
    repeats (int): Rounds that count.
    RETURNS (dict): Words a second by name, of the processor and by the clock, and how
        many times as fast each was as those that are not ours.
    """
    n_words = sum(len(words) for words, _ in tokens)
    names = list(runners)
    speeds: dict[str, dict[str, list[float]]] = {
        name: {"processor": [], "clock": []} for name in names
    }
    for repeat in range(-1, repeats):
        first = repeat % len(names)
        for name in names[first:] + names[:first]:
            for work in runners[name](tokens):
                started = time.process_time(), time.perf_counter()
                work()
                spent = (
                    time.process_time() - started[0],
                    time.perf_counter() - started[1],
                )
            if repeat >= 0:
                for clock, seconds in zip(speeds[name], spent, strict=True):
                    speeds[name][clock].append(n_words / seconds)
        shown = {
            name: f"{mean(found['processor'] or [0]):,.0f}"
            for name, found in speeds.items()
        }
        print(repeat, shown, flush=True)
    return {
        "documents": len(tokens),
        "words": n_words,
        "words_per_second": speeds,
        "faster": {
            peer: {
                name: compare(speeds[name]["processor"], speeds[peer]["processor"])
                for name in names
                if name.startswith("ours")
            }
            for peer in names
            if not peer.startswith("ours")
        },
    }


if __name__ == "__main__":
    typer.run(main)
