"""A small joint pipeline on the tiny encoder: entities, relations, categories."""

from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example

from .pipelines import RELEASE, make_nlp

NER = """factory = "biobert_ner"
[model]
@architectures = "spacy-biobert.TaggingModel.v1"
[model.tok2vec]
LISTENER"""
RELATION = """factory = "biobert_relation"
threshold = 0.0
[model]
@architectures = "spacy-biobert.RelationModel.v1"
pooling = {"@layers":"reduce_mean.v1"}
[model.get_pairs]
@misc = "spacy-biobert.entity_pairs.v1"
[model.tok2vec]
LISTENER"""
TEXTCAT = """factory = "biobert_textcat_multilabel"
[model]
@architectures = "spacy-biobert.TextCatModel.v1"
[model.tok2vec]
CLS_LISTENER"""


def make_joint(encoder: Path) -> Language:
    """Build and initialize the pipeline on two documents, with fixed weights."""
    nlp = make_nlp(
        encoder, ner=NER, relation=RELATION, textcat=TEXTCAT, release=RELEASE
    )
    nlp.initialize(
        lambda: [Example(nlp.make_doc(doc.text), doc) for doc in annotated_docs(nlp)]
    )
    return nlp


def annotated_docs(nlp: Language) -> list[Doc]:
    """One document with entities and a relation, one with categories."""
    first = nlp.make_doc("Aspirin caused headache in patients")
    first.set_ents(
        [
            Span(first, 0, 1, label="Chemical", kb_id="C1"),
            Span(first, 2, 3, label="Disease", kb_id="D1"),
        ],
        default="outside",
    )
    first.user_data["concept_relations"] = [("C1", "D1", "causes")]
    second = nlp.make_doc("The liver of a patient")
    second.cats = {"case report": 1.0, "review, or not": 0.0}
    return [first, second]


def write_docs(nlp: Language, path: Path) -> Path:
    """Write the two documents as a .spacy file."""
    DocBin(docs=annotated_docs(nlp), store_user_data=True).to_disk(path)
    return path
