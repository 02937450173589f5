r"""How fast texts go through our encoder and spacy-transformers' own.

Both have the same weights and run in one process, in turn, on the same tokens: the
encoder alone and the joint pipeline with its heads, of biobert-mini's shape; a
BERT-Base with random weights; abstracts and full articles; one document at a time;
training; and tokenising and aligning alone. Beside every speed stands how far the
outputs agree. Seconds are those of the processor, because other work on a machine
moves the clock far more.

    OMP_NUM_THREADS=1 python -m benchmarks.speed training/release/tuned \
        --abstracts work/release/test/bc5cdr.spacy --articles $SPACY_BIOBERT_DATA/pretraining/articles.jsonl.xz
"""

import sys
import tempfile
from pathlib import Path
from typing import Any, cast

import spacy
import torch
import typer
from spacy.tokens import DocBin
from spacy_transformers import Transformer

from spacy_biobert.encoder.precision import fast_in_bfloat16

from .agreement import agreement_of_entities, agreement_of_vectors
from .record import write_result
from .speed_arms import (
    SPANS,
    WHOLE,
    Arms,
    encoders_alone,
    joint_pipelines,
    save_base,
    save_with_positions,
)
from .speed_texts import Tokens, article_texts, tokens_of
from .speed_works import piece_works, piping, single_documents, updates
from .turns import compare_with_stock, measure_works

# Repeats for one of the rest, where a repeat takes a blink.
QUICK = 3


def main(
    pipeline: Path = typer.Argument(..., help="Trained joint pipeline"),
    abstracts: Path = typer.Option(..., help="A .spacy file with annotated abstracts"),
    articles: Path = typer.Option(..., help="Articles, of any format of `extract`"),
    repeats: int = typer.Option(3),
    n_abstracts: int = typer.Option(300, help="Abstracts for biobert-mini"),
    n_articles: int = typer.Option(20, help="Articles for biobert-mini"),
    base_abstracts: int = typer.Option(16, help="Abstracts for BERT-Base"),
    base_articles: int = typer.Option(1, help="Articles for BERT-Base"),
) -> None:
    """Measure and file the speeds."""
    nlp = spacy.load(pipeline)
    gold = list(DocBin().from_disk(abstracts).get_docs(nlp.vocab))[:n_abstracts]
    short = [tokens_of(doc) for doc in gold]
    long = [tokens_of(nlp.make_doc(t)) for t in article_texts(articles, n_articles)]
    texts = {"abstracts": short, "articles": long}
    few = {"abstracts": short[:base_abstracts], "articles": long[:base_articles]}
    encoder: Any = cast(Transformer, nlp.get_pipe("transformer")).model
    with tempfile.TemporaryDirectory() as mini, tempfile.TemporaryDirectory() as base:
        save_with_positions(mini, encoder.transformer, encoder.tokenizer)
        save_base(base, encoder.tokenizer)
        heads, bare = joint_pipelines(pipeline, mini), encoders_alone(mini)
        figures = {
            "joint": measure_texts(heads, texts, repeats),
            "alone": measure_texts(bare, texts, repeats),
            "base": measure_texts(encoders_alone(base), few, repeats),
            "latency": measure(single_documents(heads, short), len(short), repeats),
            "pieces": measure(
                piece_works(mini, short), count_words(short), QUICK * repeats
            ),
            "agreement": {
                "entities": agreement_of_entities(heads, short),
                "vectors": agreement_of_vectors(bare, short),
            },
            # Last, because it changes the weights.
            "training": measure(updates(heads, gold), count_words(short), repeats),
        }
    settings = {
        "seed": 0,
        "abstracts": abstracts.name,
        "threads": torch.get_num_threads(),
        "fast_in_bfloat16": fast_in_bfloat16(torch.device("cpu")),
        "stock_spans": SPANS,
        "repeats": repeats,
    }
    command = f"python -m benchmarks.speed {' '.join(sys.argv[1:])}".replace(
        str(articles), f"$SPACY_BIOBERT_DATA/pretraining/{articles.name}"
    )
    print(write_result("speed", figures, command=command, settings=settings))


def count_words(tokens: list[Tokens]) -> int:
    """Count the tokens of all documents."""
    return sum(len(words) for words, _ in tokens)


def measure_texts(
    arms: Arms, texts: dict[str, list[Tokens]], repeats: int
) -> dict[str, Any]:
    """Measure `nlp.pipe` on each kind of text, in words a second.

    Articles are not given whole to the stock encoder, which would cut them.
    """
    return {
        kind: {
            "documents": len(tokens),
            **measure(
                piping(
                    {n: a for n, a in arms.items() if n != WHOLE or kind != "articles"},
                    tokens,
                ),
                count_words(tokens),
                repeats,
            ),
        }
        for kind, tokens in texts.items()
    }


def measure(works: Any, n_units: int, repeats: int) -> dict[str, Any]:
    """Measure works in turn, and compare ours with the stock ones."""
    speeds = measure_works(works, n_units=n_units, repeats=repeats)
    return {
        "units": n_units,
        "speeds": speeds,
        "faster": compare_with_stock(speeds["processor"]),
    }


if __name__ == "__main__":
    typer.run(main)
