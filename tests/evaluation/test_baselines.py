import pytest
import spacy
from spacy.tokens import Doc, Span

from spacy_biobert.evaluation.baselines import (
    annotate_by_majority,
    annotate_by_names,
    count_annotations,
)


@pytest.fixture
def train() -> list[Doc]:
    nlp = spacy.blank("en")
    first = nlp("Type 2 diabetes is treated with metformin")
    first.set_ents(
        [
            Span(first, 0, 3, label="DISEASE", kb_id="D1"),
            Span(first, 6, 7, label="CHEMICAL", kb_id="C1|C2"),
        ]
    )
    first.user_data["concept_relations"] = [("C2", "D1", "treats")]
    second = nlp("Metformin here is a gene")
    second.set_ents([Span(second, 0, 1, label="GENE")])
    third = nlp("Metformin")
    third.set_ents([Span(third, 0, 1, label="CHEMICAL")])
    topic = nlp("About")
    topic.cats = {"review": 1.0, "trial": 0.0}
    return [first, second, third, topic]


def test_counts_are_those_counted_by_hand(train: list[Doc]) -> None:
    counts = count_annotations(train)

    assert counts.entity_labels == {
        ("type", "2", "diabetes"): "DISEASE",
        ("metformin",): "CHEMICAL",
    }
    assert counts.relation_labels == {("CHEMICAL", "DISEASE"): "treats"}
    assert counts.category == "review"
    assert counts.categories == ("review", "trial")


def test_relations_without_direction_count_for_both_orders(train: list[Doc]) -> None:
    counts = count_annotations(train, directed=False)

    assert counts.relation_labels == {
        ("CHEMICAL", "DISEASE"): "treats",
        ("DISEASE", "CHEMICAL"): "treats",
    }


def test_annotation_by_names_takes_the_longest_name_and_the_types_relation(
    train: list[Doc],
) -> None:
    doc = spacy.blank("en")("Metformin for type 2 diabetes")

    annotate_by_names(doc, count_annotations(train))

    assert [(ent.text, ent.label_) for ent in doc.ents] == [
        ("Metformin", "CHEMICAL"),
        ("type 2 diabetes", "DISEASE"),
    ]
    assert doc.user_data["relations"] == [(0, 1, 2, 5, "treats", 1.0)]


def test_annotation_by_majority_knows_one_category_and_nothing_else(
    train: list[Doc],
) -> None:
    doc = spacy.blank("en")("Metformin for type 2 diabetes")

    annotate_by_majority(doc, count_annotations(train))

    assert not doc.ents
    assert doc.has_annotation("ENT_IOB")
    assert doc.user_data["relations"] == []
    assert doc.cats == {"review": 1.0, "trial": 0.0}


def test_counts_of_nothing_annotate_nothing() -> None:
    doc = spacy.blank("en")("Metformin")

    annotate_by_names(doc, count_annotations([]))

    assert not doc.ents
    assert doc.user_data["relations"] == []
