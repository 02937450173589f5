"""More to score on than the test split: perturbed, and of another corpus."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import spacy
from spacy.tokens import Doc

from spacy_biobert.converters.from_docs import from_doc
from spacy_biobert.converters.to_docs import Conversion, iter_docs

from .corpora import (
    BC5CDR,
    NCBI_DISEASE,
    Corpus,
    Task,
    convert_corpus,
    read_split,
    write_split,
)
from .perturbations import PERTURBATIONS, Perturb, perturb_document
from .stock import TOKENIZER

# The label that both corpora have.
DISEASE = "Disease"
# For the task of one, the corpus whose test split has the same label.
ACROSS: dict[str, Corpus] = {"bc5cdr": NCBI_DISEASE, "ncbi_disease": BC5CDR}


def more_tests(
    task: Task, data: Path, work: Path, *, perturb: bool, across: bool
) -> dict[str, Path]:
    """Give what a task is scored on besides its test split.

    task (Task): The task, its corpus converted.
    data (Path): The folder that docs/data.md describes.
    work (Path): Has the converted corpora.
    perturb (bool): Each perturbation of the test split, by its name.
    across (bool): The diseases of the other corpus, by its name.
    RETURNS (dict[str, Path]): .spacy files; those that are there are kept.
    """
    found = {}
    if perturb:
        test = work / task.corpus.name / "test.spacy"
        for name, one in PERTURBATIONS.items():
            found[name] = test.with_name(f"test_{name}.spacy")
            if not found[name].is_file():
                write_split(found[name], perturbed(read_split(test), one))
    other = ACROSS.get(task.name) if across else None
    if other is not None:
        test = convert_corpus(other, data, work)["test"]
        found[other.name] = test.with_name(f"test_{DISEASE}.spacy")
        if not found[other.name].is_file():
            docs = read_split(test)
            for doc in docs:
                keep_label(doc, DISEASE)
            write_split(found[other.name], docs)
    return found


def perturbed(docs: list[Doc], perturb: Perturb) -> Iterator[Doc]:
    """Perturb documents and cut them into our tokens anew.

    docs (list[Doc]): With gold annotation. A mention whose bound lies inside of a new
        token is expanded to the token, as `convert` does it.
    perturb (Callable): One of PERTURBATIONS.
    YIELDS (Doc): The perturbed documents, in order.
    """
    nlp = spacy.blank("en", config={"nlp": {"tokenizer": TOKENIZER}})
    documents = (perturb_document(from_doc(doc, Counter()), perturb) for doc in docs)
    labels = list(dict.fromkeys(label for doc in docs for label in doc.cats))
    return iter_docs(
        documents, nlp.make_doc, counts=Conversion(), category_labels=labels
    )


def keep_label(doc: Doc, label: str) -> None:
    """Leave only the entities of one label in a document."""
    doc.set_ents([ent for ent in doc.ents if ent.label_ == label], default="outside")
