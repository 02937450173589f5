import numpy
import pytest
from spacy.tokens import Doc, DocBin, Span
from spacy.tokens.underscore import Underscore
from spacy.vocab import Vocab

from spacy_biobert.extensions import (
    ConceptRow,
    DocRelation,
    RelationRow,
    add_doc_relations,
    add_span_confidence,
    copy_doc,
    read_concept_relations,
    read_relations,
)

WORDS = "Aspirin causes renal failure .".split()
ROW = (0, 1, 2, 4, "induces", 0.75)


@pytest.fixture(autouse=True)
def _own_extensions():
    """Each test registers anew; what others had registered comes back."""
    before = Underscore.get_state()
    Underscore.load_state(tuple(dict(kind) for kind in before))
    for owner, name in ((Doc, "relations"), (Span, "confidence")):
        if owner.has_extension(name):
            owner.remove_extension(name)
    yield
    Underscore.load_state(before)


def make_doc(*rows):
    doc = Doc(Vocab(), words=WORDS)
    doc.ents = [Span(doc, 0, 1, "Chemical"), Span(doc, 2, 4, "Disease")]
    if rows:
        doc.user_data["relations"] = list(rows)
    return doc


def test_copied_doc_shares_what_its_user_data_holds():
    doc = make_doc(ROW)
    vectors = doc.user_data["vectors"] = numpy.zeros(3)

    copied = copy_doc(doc)
    copied.ents = []
    copied.user_data["more"] = True

    assert copied.user_data["vectors"] is vectors
    assert copied.user_data["relations"] == [ROW]
    assert len(doc.ents) == 2
    assert "more" not in doc.user_data


def test_relations_are_read_with_the_doc_s_entities():
    add_doc_relations()
    doc = make_doc(ROW)
    (found,) = doc._.relations
    assert found == DocRelation(doc.ents[0], doc.ents[1], "induces", 0.75)
    assert (found.arg1.label_, found.arg2.label_) == ("Chemical", "Disease")


def test_relations_between_other_spans_are_read_as_plain_spans():
    add_doc_relations()
    (found,) = make_doc((1, 2, 4, 5, "x", 1))._.relations
    assert (found.arg1.text, found.arg1.label_, found.arg2.text) == ("causes", "", ".")


def test_relations_are_empty_where_there_is_no_annotation():
    add_doc_relations()
    doc = make_doc()
    assert doc._.relations == []
    assert doc.user_data == {}
    assert read_relations(doc) is None
    assert read_concept_relations(doc) is None


def test_annotated_without_relations_is_not_the_same_as_not_annotated():
    doc = make_doc()
    doc.user_data.update(relations=[], concept_relations=[])
    assert read_relations(doc) == []
    assert read_concept_relations(doc) == []


def test_assigned_relations_are_stored_as_plain_data():
    add_doc_relations()
    doc = make_doc()
    relation = DocRelation(doc.ents[0], doc.ents[1], "induces", numpy.float32(0.75))
    doc._.relations = [relation]
    assert doc.user_data == {"relations": [ROW]}
    assert {type(part) for part in doc.user_data["relations"][0]} == {int, str, float}
    assert doc._.relations == [relation]


def through_bytes(doc):
    return Doc(doc.vocab).from_bytes(doc.to_bytes())


def through_docbin(doc):
    docs = DocBin(store_user_data=True, docs=[doc]).to_bytes()
    return next(iter(DocBin().from_bytes(docs).get_docs(doc.vocab)))


@pytest.mark.parametrize("send", [through_bytes, through_docbin, Doc.copy])
def test_relations_survive(send):
    add_doc_relations()
    doc = make_doc(ROW)
    doc.user_data["concept_relations"] = [("D1", "D2", "CID")]
    other = send(doc)
    (found,) = other._.relations
    assert found.arg1.doc is other
    assert (found.arg1.label_, found.label, found.score) == (
        "Chemical",
        "induces",
        0.75,
    )
    assert read_concept_relations(other) == [ConceptRow("D1", "D2", "CID")]


def test_relations_survive_on_disk(tmp_path):
    doc = make_doc(ROW)
    doc.to_disk(tmp_path / "doc")
    other = Doc(doc.vocab).from_disk(tmp_path / "doc")
    assert read_relations(other) == [RelationRow(*ROW)]


@pytest.mark.parametrize(
    "row",
    [
        (0, 1, 2, 4, "induces"),
        (0, 1, 2, 6, "induces", 1.0),
        (-1, 1, 2, 4, "induces", 1.0),
        (1, 1, 2, 4, "induces", 1.0),
        (0.5, 1, 2, 4, "induces", 1.0),
        (0, 1, 2, 4, 7, 1.0),
        (0, 1, 2, 4, "induces", "high"),
        None,
    ],
)
def test_malformed_relations_are_refused(row):
    add_doc_relations()
    with pytest.raises(ValueError, match=r"^\[B450\] Document 'Aspirin causes"):
        _ = make_doc(row)._.relations


@pytest.mark.parametrize("row", [("D1", "D2"), ("D1", 2, "CID")])
def test_malformed_concept_relations_are_refused(row):
    doc = make_doc()
    doc.user_data.update(concept_relations=[row], document_id="17")
    with pytest.raises(ValueError, match=r"^\[B451\] Document '17'"):
        read_concept_relations(doc)


def test_relations_between_spans_of_another_doc_are_refused():
    add_doc_relations()
    doc, other = make_doc(), make_doc()
    with pytest.raises(ValueError, match=r"^\[B452\]"):
        doc._.relations = [DocRelation(doc.ents[0], other.ents[1], "x", 1.0)]


@pytest.mark.parametrize(
    ("owner", "name", "add"),
    [(Doc, "relations", add_doc_relations), (Span, "confidence", add_span_confidence)],
)
def test_somebody_else_s_attribute_stays(owner, name, add):
    owner.set_extension(name, default="theirs")
    with pytest.warns(UserWarning, match=rf"^\[B453\] {owner.__name__}._.{name}"):
        add()
    assert owner.get_extension(name)[0] == "theirs"


def test_attributes_are_added_twice_without_a_warning():
    for add in (add_doc_relations, add_span_confidence) * 2:
        add()


def test_confidence_is_that_of_the_entity_with_this_label():
    add_span_confidence()
    doc = make_doc()
    doc.user_data["entity_confidences"] = {"0:1:Chemical": 0.5}
    assert doc.ents[0]._.confidence == 0.5
    assert doc.ents[1]._.confidence is None
    assert Span(doc, 0, 1, "Disease")._.confidence is None
