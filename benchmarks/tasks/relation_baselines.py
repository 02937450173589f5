"""Relations without a model: what the gold entities of a training set tell."""

import time
from collections.abc import Callable

import spacy
from spacy.tokens import Doc
from spacy.training import Example

from spacy_biobert.evaluation.baselines import (
    Counts,
    annotate_by_majority,
    count_annotations,
)
from spacy_biobert.evaluation.scorers import score_relations
from spacy_biobert.models.candidates import make_entity_pairs_v1
from spacy_biobert.readers import create_corpus_v1

from .corpora import Task, read_split
from .jobs import SCORES, Job, Outcome

Annotate = Callable[[Doc, Counts, Task], Doc]


def run_majority(job: Job) -> Outcome:
    """Find no relation, because most pairs have none."""
    return run_baseline(lambda doc, counts, _: annotate_by_majority(doc, counts), job)


def run_cooccurrence(job: Job) -> Outcome:
    """Give each pair the relation that its labels have most often."""
    return run_baseline(relate_by_labels, job)


def run_baseline(annotate: Annotate, job: Job) -> Outcome:
    """Count the training set, annotate and score the others.

    annotate (Callable): Annotates a document by the counts, in place.
    job (Job): The run.
    RETURNS (Outcome): What came of it, in no step.
    """
    began = time.perf_counter()
    nlp = spacy.blank("en")
    find_sentences = nlp.add_pipe("biobert_sentences")
    directed = bool(job.task.pairs.get("directed", True))
    counts = count_annotations(read_split(job.data["train"]), directed=directed)
    scores = {}
    for split, path in job.data.items():
        if split != "train":
            examples = create_corpus_v1(path, gold_ents=True)(nlp)
            annotated = [
                Example(
                    annotate(find_sentences(eg.predicted), counts, job.task),
                    eg.reference,
                )
                for eg in examples
            ]
            scores[split] = score_relations(annotated, directed=directed)
    dev = scores.pop("dev")[SCORES["relations"]]
    minutes = round((time.perf_counter() - began) / 60, 1)
    return {
        "dev": dev, "scores": scores, "best_step": 0, "steps": 0, "minutes": minutes
    }  # fmt: skip


def relate_by_labels(doc: Doc, counts: Counts, task: Task) -> Doc:
    """Relate the pairs that our arm is shown by the labels of their entities.

    doc (Doc): With entities; changed in place.
    counts (Counts): Of the training set.
    task (Task): Says which pairs there are.
    RETURNS (Doc): The same document.
    """
    pairs = make_entity_pairs_v1(**task.pairs)(doc).tolist()  # type: ignore[arg-type]
    labels = {(ent.start, ent.end): ent.label_ for ent in doc.ents}
    doc.user_data["relations"] = [
        (start1, end1, start2, end2, label, 1.0)
        for start1, end1, start2, end2 in pairs
        if (
            label := counts.relation_labels.get(
                (labels[start1, end1], labels[start2, end2])
            )
        )
    ]
    return doc
