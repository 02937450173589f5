r"""How fast scores become entities on the documents.

What the encoder and the linear layer take is not counted: the scores are there. In
processor time, on one core, in batches as `nlp.pipe` makes them, the two settings in
turn.

    python -m benchmarks.decoding training/release/tuned work/release/dev/bc5cdr.spacy \
        work/release/test/bc5cdr.spacy
"""

import time
from pathlib import Path
from statistics import mean, stdev

import spacy
import typer

from .entity_scores import ScoredCorpus, find_ner, score_corpus
from .record import write_result

CANDIDATES = "candidates"


def main(
    pipeline: Path = typer.Argument(...),
    data: list[Path] = typer.Argument(..., help="Documents, .spacy"),
    kept: Path = typer.Option(Path("work/benchmarks/entity_scores")),
    repeats: int = typer.Option(7),
    batch_size: int = typer.Option(64, help="Documents, as in the configs"),
) -> None:
    """Measure entities alone, and entities with candidates."""
    nlp = spacy.load(pipeline)
    ner = find_ner(nlp)
    corpora = [score_corpus(nlp, path, kept) for path in data]
    whole = ScoredCorpus(
        [eg for corpus in corpora for eg in corpus.examples],
        [rows for corpus in corpora for rows in corpus.scores],
    )
    docs = whole.docs
    n_words = sum(not token.is_space for doc in docs for token in doc)
    speeds: dict[str, list[float]] = {"entities": [], "entities and candidates": []}
    for repeat in range(-1, repeats):
        for name, key in zip(speeds, (None, CANDIDATES), strict=True):
            ner.spans_key = key
            started = time.process_time()
            for first in range(0, len(docs), batch_size):
                batch = slice(first, first + batch_size)
                ner.set_annotations(docs[batch], whole.scores[batch])
            if repeat >= 0:  # the first is to warm up
                speeds[name].append(n_words / (time.process_time() - started))
    figures = {
        "documents": len(docs),
        "words": n_words,
        "entities": sum(len(doc.ents) for doc in docs),
        "candidates": sum(len(doc.spans[CANDIDATES]) for doc in docs),
        "words_per_second": {
            name: {
                "repeats": [round(speed) for speed in found],
                "mean": mean(found),
                "deviation": stdev(found),
            }
            for name, found in speeds.items()
        },
    }
    shown = " ".join(map(str, data))
    print(
        write_result(
            "decoding",
            figures,
            command=f"python -m benchmarks.decoding {pipeline} {shown}",
            settings={"repeats": repeats, "batch_size": batch_size},
        )
    )


if __name__ == "__main__":
    typer.run(main)
