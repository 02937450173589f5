import pytest
import spacy
from spacy.tokens import Doc, Span, SpanGroup

from spacy_biobert.types import (
    AnnotatedDocument,
    ConceptRelation,
    Mention,
    MentionRelation,
    Passage,
)
from spacy_biobert.viewing.from_annotation import show_doc, show_document
from spacy_biobert.viewing.records import (
    ARGUMENTS,
    ShownDocument,
    ShownMention,
    ShownRelation,
    span_layer,
)


@pytest.fixture
def doc() -> Doc:
    doc = spacy.blank("en")("Aspirin causes peptic ulcers.")
    doc.ents = [
        Span(doc, 0, 1, label="Chemical", kb_id="D1|p.1%7C2"),
        Span(doc, 2, 4, label="Disease", kb_id="D2"),
    ]
    doc.user_data |= {
        "document_id": "7",
        "title": "A title",
        "entity_confidences": {"0:1:Chemical": 0.75},
        "entity_attributes": {"2:4:Disease": ["Certain"]},
        "passages": [(0, 29, "abstract")],
    }
    return doc


CHEMICAL = ShownMention(0, 7, "Chemical", confidence=0.75, concepts=("D1", "p.1|2"))
DISEASE = ShownMention(15, 28, "Disease", concepts=("D2",), attributes=("Certain",))


def test_all_annotation_of_a_doc_is_shown(doc: Doc) -> None:
    doc.user_data["relations"] = [(0, 1, 2, 4, "causes", 0.5)]
    doc.user_data["concept_relations"] = [("D1", "D9", "treats")]
    doc.cats = {"safety": 0.25}
    assert show_doc(doc, 3) == ShownDocument(
        "7",
        "Aspirin causes peptic ulcers.",
        title="A title",
        language="en",
        passages=(Passage(0, 29, "abstract"),),
        mentions=(CHEMICAL, DISEASE),
        relations=(
            ShownRelation((0,), (1,), "causes", 0.5),
            ShownRelation((0,), (), "treats", None, "D1", "D9"),
        ),
        topics={"safety": 0.25},
    )


def test_doc_without_id_or_annotation_is_shown_by_its_number() -> None:
    doc = spacy.blank("en")("Nothing.")
    assert show_doc(doc, 3) == ShownDocument("Document 3", "Nothing.", language="en")


def test_end_of_a_relation_that_is_no_entity_is_marked_once(doc: Doc) -> None:
    doc.user_data["relations"] = [
        (0, 1, 3, 4, "causes", 0.5),
        (3, 4, 0, 1, "follows", 0.5),
    ]
    shown = show_doc(doc, 1)
    assert shown.mentions[2:] == (ShownMention(22, 28, "end", layer=ARGUMENTS),)
    assert [(r.arg1, r.arg2) for r in shown.relations] == [((0,), (2,)), ((2,), (0,))]


def test_spans_are_a_layer_by_key_with_their_scores(doc: Doc) -> None:
    spans = [Span(doc, 2, 4, label="A"), Span(doc, 3, 5, label="B")]
    doc.spans["sc"] = SpanGroup(doc, spans=spans, attrs={"scores": [0.25, 0.5]})
    doc.spans["other"] = [spans[0]]
    assert show_doc(doc, 1).mentions[2:] == (
        ShownMention(15, 28, "A", layer=span_layer("sc"), confidence=0.25),
        ShownMention(22, 29, "B", layer=span_layer("sc"), confidence=0.5),
        ShownMention(15, 28, "A", layer=span_layer("other")),
    )


def test_malformed_relations_are_refused_by_name(doc: Doc) -> None:
    doc.user_data["relations"] = [(0, 1, 2, 99, "causes", 0.5)]
    with pytest.raises(ValueError, match=r"B450.*7"):
        show_doc(doc, 1)


def test_document_is_shown_as_its_file_has_it() -> None:
    mentions = (
        Mention(0, 10, "Aspirin an", "Chemical", ("D1",)),
        Mention(0, 7, "Aspirin", "Chemical", ("D1",), ("Negation",)),
    )
    document = AnnotatedDocument(
        "7",
        "Aspirin and so on",
        mentions,
        (MentionRelation(0, 1, "equals"),),
        (ConceptRelation("D1", "D2", "treats"),),
        ("b",),
        (Passage(0, 7, "title"),),
    )
    assert show_document(document, ("a", "b")) == ShownDocument(
        "7",
        "Aspirin and so on",
        passages=(Passage(0, 7, "title"),),
        mentions=(
            ShownMention(0, 10, "Chemical", concepts=("D1",)),
            ShownMention(0, 7, "Chemical", concepts=("D1",), attributes=("Negation",)),
        ),
        relations=(
            ShownRelation((0,), (1,), "equals"),
            ShownRelation((0, 1), (), "treats", None, "D1", "D2"),
        ),
        topics={"a": 0.0, "b": 1.0},
    )


def test_document_without_categories_has_no_topics() -> None:
    assert show_document(AnnotatedDocument("7", "x"), ("a",)).topics == {}
