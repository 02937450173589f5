r"""What bfloat16 changes in the entities of a trained pipeline, against its own float32.

The same weights read the same documents in both; the rest of the pipeline computes in
float32 always. Entities of bfloat16 that float32 finds, too, with the same bounds and
label, are right.

    python -m benchmarks.bf16_entities training/release/tuned \
        --documents work/mini/documents.jsonl.gz
"""

import sys
from itertools import islice
from pathlib import Path
from typing import Any

import spacy
import torch
import typer
from thinc.api import require_gpu

from spacy_biobert.cli.sources import read_documents
from spacy_biobert.encoder.precision import fast_in_bfloat16, resolve_device

from .record import write_result

# Of each document the confidences, by start, end and label of the entity.
Found = list[dict[tuple[int, int, str], float]]


def main(
    pipeline: Path = typer.Argument(..., help="Trained pipeline with entities"),
    documents: Path = typer.Option(..., help="JSON lines, as `extract` writes them"),
    n_documents: int = typer.Option(2_000, "--n", help="How many, from the first on"),
    gpu_id: int = typer.Option(-1, help="GPU, -1 for the CPU"),
) -> None:
    """Measure and file the difference."""
    if gpu_id >= 0:
        require_gpu(gpu_id)
    device = resolve_device("cpu" if gpu_id < 0 else f"cuda:{gpu_id}")
    if not fast_in_bfloat16(device):
        sys.exit(f"{device}: expected a device that is fast in bfloat16")
    texts = [
        " ".join([document.title, *(section.text for section in document.sections)])
        for document in islice(read_documents(documents), n_documents)
    ]
    exact, rounded = (find_entities(pipeline, texts, p) for p in ("fp32", "bf16"))
    settings = {
        "documents": documents.name,
        "threads": torch.get_num_threads(),
        "device": str(device),
    }
    command = f"python -m benchmarks.bf16_entities {' '.join(sys.argv[1:])}"
    figures = compare(exact, rounded)
    print(figures)
    print(write_result("bf16_entities", figures, command=command, settings=settings))


def find_entities(pipeline: Path, texts: list[str], precision: str) -> Found:
    """Find the entities of texts, with their confidences.

    pipeline (Path): Its components `transformer` and `ner` run.
    texts (list[str]): The documents.
    precision (str): "fp32" or "bf16".
    RETURNS (Found): Of each document.
    """
    setting = {"components.transformer.model.precision": precision}
    nlp = spacy.load(pipeline, config=setting, enable=["transformer", "ner"])
    found = []
    for doc in nlp.pipe(texts):
        doc._.trf_data = None
        found.append(
            {(e.start, e.end, e.label_): float(e._.confidence) for e in doc.ents}
        )
    return found


def compare(exact: Found, rounded: Found) -> dict[str, Any]:
    """Count what is the same, and how far the confidences of that lie apart.

    exact (Found): Of float32.
    rounded (Found): Of bfloat16, the same documents.
    RETURNS (dict): Numbers of documents and entities; precision, recall and F1, 0 to
        1, of bfloat16; the mean and the greatest difference of confidences, 0 to 1,
        of the entities that both find, and the mean of "bf16" less "fp32".
    """
    pairs = list(zip(exact, rounded, strict=True))
    n_exact, n_rounded = (sum(map(len, found)) for found in (exact, rounded))
    differences = [
        theirs[entity] - confidence
        for ours, theirs in pairs
        for entity, confidence in ours.items()
        if entity in theirs
    ]
    n_same = len(differences)
    apart = [abs(difference) for difference in differences]
    return {
        "documents": len(exact),
        "documents_that_differ": sum(
            ours.keys() != theirs.keys() for ours, theirs in pairs
        ),
        "entities": {"fp32": n_exact, "bf16": n_rounded, "same": n_same},
        "precision": n_same / n_rounded if n_rounded else 1.0,
        "recall": n_same / n_exact if n_exact else 1.0,
        "f1": 2 * n_same / (n_exact + n_rounded) if n_exact + n_rounded else 1.0,
        "confidence": {
            "mean_difference": sum(apart) / n_same if n_same else 0.0,
            "greatest_difference": max(apart, default=0.0),
            "mean_shift": sum(differences) / n_same if n_same else 0.0,
        },
    }


if __name__ == "__main__":
    typer.run(main)
