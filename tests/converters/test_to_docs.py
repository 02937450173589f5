import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.lang.en import English
from spacy.tokens import Doc, DocBin

from spacy_biobert.converters.to_docs import Conversion, to_docs
from spacy_biobert.types import (
    AnnotatedDocument,
    ConceptRelation,
    Mention,
    MentionRelation,
)

NLP = English()
TEXT = "Breast and ovarian cancer respond to 5-fluorouracil (5FU)."


def mention(text: str, label: str = "X", *concepts: str, within: str = TEXT) -> Mention:
    start = within.index(text)
    return Mention(start, start + len(text), text, label, concepts)


def convert(
    document: AnnotatedDocument, alignment: str = "expand"
) -> tuple[Doc, Conversion]:
    [doc], conversion = to_docs([document], NLP.make_doc, alignment=alignment)
    return doc, conversion


def ents(doc: Doc) -> list[tuple[str, str, str]]:
    return [(ent.text, ent.label_, ent.kb_id_) for ent in doc.ents]


def test_to_docs_sets_entities_with_their_concepts() -> None:
    document = AnnotatedDocument(
        "7",
        TEXT,
        mentions=(
            mention("5-fluorouracil", "Chemical", "D3"),
            mention("Breast and ovarian cancer", "Disease", "D1", "D2"),
            mention("5FU", "Chemical"),
        ),
    )
    doc, conversion = convert(document)
    assert ents(doc) == [
        ("Breast and ovarian cancer", "Disease", "D1|D2"),
        ("5-fluorouracil", "Chemical", "D3"),
        ("5FU", "Chemical", ""),
    ]
    assert doc.user_data["document_id"] == "7"
    assert conversion.mentions == {"Disease": 1, "Chemical": 2}
    assert (conversion.documents, conversion.tokens) == (1, len(doc))
    assert (conversion.not_aligned, conversion.overlapping) == (0, 0)


def test_not_annotated_and_none_are_told_apart() -> None:
    missing, _ = convert(AnnotatedDocument("1", TEXT))
    none, _ = convert(
        AnnotatedDocument(
            "1", TEXT, mentions=(), mention_relations=(), concept_relations=()
        )
    )
    assert {token.ent_iob for token in missing} == {0}
    assert {token.ent_iob_ for token in none} == {"O"}
    assert not {"relations", "concept_relations"} & set(missing.user_data)
    assert none.user_data["relations"] == none.user_data["concept_relations"] == []
    assert missing.cats == {}


@pytest.mark.parametrize(
    ("alignment", "expected", "unplaced"),
    [
        ("expand", [("Breast", "X", ""), ("cancer", "X", "")], 0),
        ("contract", [("and", "X", "")], 1),
        ("skip", [], 2),
    ],
)
def test_mention_that_cuts_a_token_follows_the_policy(
    alignment: str, expected: list[tuple[str, str, str]], unplaced: int
) -> None:
    inside = mention("reas")
    second = mention("ance") if alignment != "contract" else mention("t and ova")
    document = AnnotatedDocument("1", TEXT, mentions=(inside, second))
    doc, conversion = convert(document, alignment)
    assert ents(doc) == expected
    assert (conversion.not_aligned, conversion.unplaced) == (2, unplaced)


def test_unknown_policy_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\[B230\] alignment.*expand.*'widen'"):
        convert(AnnotatedDocument("1", TEXT), "widen")


def test_longest_mention_wins_then_the_leftmost() -> None:
    document = AnnotatedDocument(
        "1",
        TEXT,
        mentions=(
            mention("cancer", "A"),
            mention("ovarian cancer", "B"),
            mention("Breast and", "C"),
            mention("and ovarian", "D"),
            mention("Breast and", "E"),
        ),
    )
    doc, conversion = convert(document)
    assert ents(doc) == [("Breast and", "C", ""), ("ovarian cancer", "B", "")]
    assert conversion.overlapping == 3


def test_longer_mention_wins_over_one_to_its_left() -> None:
    document = AnnotatedDocument(
        "1", TEXT, mentions=(mention("Breast and"), mention("and ovarian cancer"))
    )
    assert ents(convert(document)[0]) == [("and ovarian cancer", "X", "")]


def test_contracted_mention_never_begins_with_white_space() -> None:
    text = "rats   ate"
    document = AnnotatedDocument(
        "1", text, mentions=(mention("ts   ate", within=text),)
    )
    doc, conversion = convert(document, "contract")
    assert len(doc.ents) == 0
    assert (conversion.not_aligned, conversion.unplaced) == (1, 1)


def test_white_space_at_the_ends_is_no_part_of_an_entity() -> None:
    text = "a  rat   died"
    document = AnnotatedDocument(
        "1", text, mentions=(mention("  rat   ", within=text), Mention(1, 3, "  ", "X"))
    )
    doc, conversion = convert(document)
    assert [ent.text for ent in doc.ents] == ["rat"]
    assert conversion.unplaced == 1


def test_relations_of_mentions_become_tokens_and_keep_their_direction() -> None:
    document = AnnotatedDocument(
        "1",
        TEXT,
        mentions=(mention("5FU"), mention("ovarian cancer"), mention("cancer")),
        mention_relations=(
            MentionRelation(0, 1, "treats"),
            MentionRelation(0, 2, "treats"),
        ),
    )
    doc, conversion = convert(document)
    chemical, disease = doc.ents[1], doc.ents[0]
    assert doc.user_data["relations"] == [
        (chemical.start, chemical.end, disease.start, disease.end, "treats", 1.0)
    ]
    assert conversion.relations == {"treats": 1}
    assert conversion.relations_without_entity == 1


def test_relations_of_concepts_count_once_and_stay_without_an_entity() -> None:
    document = AnnotatedDocument(
        "1",
        TEXT,
        mentions=(
            mention("5FU", "X", "D1"),
            mention("cancer", "X", "D2"),
            mention("ovarian cancer", "X", "D3", "D4"),
        ),
        concept_relations=(
            ConceptRelation("D1", "D4", "CID"),
            ConceptRelation("D1", "D4", "CID"),
            ConceptRelation("D1", "D2", "CID"),
        ),
    )
    doc, conversion = convert(document)
    assert doc.user_data["concept_relations"] == [
        ("D1", "D4", "CID"),
        ("D1", "D2", "CID"),
    ]
    assert conversion.relations == {"CID": 2}
    assert conversion.relations_without_entity == 1


def test_categories_have_every_label() -> None:
    document = AnnotatedDocument("1", TEXT, categories=("b",))
    [doc], conversion = to_docs(
        [document], NLP.make_doc, category_labels=["c", "b", "a"]
    )
    assert doc.cats == {"c": 0.0, "b": 1.0, "a": 0.0}
    assert conversion.categories == {"b": 1}


def test_annotation_survives_docbin() -> None:
    document = AnnotatedDocument(
        "7",
        TEXT,
        mentions=(mention("5FU", "X", "D1"), mention("cancer", "X", "D2")),
        concept_relations=(ConceptRelation("D1", "D2", "CID"),),
    )
    docs, _ = to_docs([document, AnnotatedDocument("8", TEXT)], NLP.make_doc)
    stored = DocBin(docs=docs, store_user_data=True).to_bytes()
    found, missing = DocBin().from_bytes(stored).get_docs(English().vocab)
    assert ents(found) == ents(docs[0])
    assert [tuple(row) for row in found.user_data["concept_relations"]] == [
        ("D1", "D2", "CID")
    ]
    assert found.user_data["document_id"] == "7"
    assert {token.ent_iob for token in missing} == {0}


SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 12)), max_size=12)


@given(st.text("ab-. 5", max_size=40), SPANS)
def test_every_mention_becomes_an_entity_or_is_counted(
    text: str, spans: list[tuple[int, int]]
) -> None:
    mentions = tuple(
        Mention(start, min(start + size, len(text)), text[start : start + size], "X")
        for start, size in spans
        if start < len(text)
    )
    doc, conversion = convert(AnnotatedDocument("1", text, mentions=mentions))
    assert len(doc.ents) + conversion.overlapping + conversion.unplaced == len(mentions)
    assert doc.text == text
    for ent in doc.ents:
        assert ent.text.strip() == ent.text
        assert any(m.start < ent.end_char and ent.start_char < m.end for m in mentions)
