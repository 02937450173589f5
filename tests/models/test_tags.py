import pytest
from spacy.lang.en import English
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import create_vocab

from spacy_biobert.models.tags import (
    MISSING,
    find_tags_of_others,
    get_gold_tags,
    make_tag_names,
)

LABELS = ("Chemical", "Disease")
VOCAB = create_vocab("en", English.Defaults)


def annotate(words, ents, **kwargs):
    reference = Doc(VOCAB, words=words)
    reference.set_ents([Span(reference, *ent) for ent in ents], **kwargs)
    return Example(Doc(VOCAB, words=words), reference)


def read_names(eg, scheme):
    names = (*make_tag_names(LABELS, scheme), "missing")
    return [names[i] for i in get_gold_tags(eg, LABELS, scheme)]


def test_tag_names_of_an_added_label_come_last():
    assert make_tag_names(["A"], "bio") == ("O", "B-A", "I-A")
    assert make_tag_names(["A", "B"], "bio")[:3] == make_tag_names(["A"], "bio")
    assert make_tag_names(["A", "B"], "biluo")[5:] == ("B-B", "I-B", "L-B", "U-B")


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ("bio", "B-Chemical O B-Disease I-Disease I-Disease B-Disease"),
        ("biluo", "U-Chemical O B-Disease I-Disease L-Disease U-Disease"),
    ],
)
def test_gold_tags_follow_the_scheme(scheme, expected):
    eg = annotate(
        "Aspirin against acute renal failure pain".split(),
        [(0, 1, "Chemical"), (2, 5, "Disease"), (5, 6, "Disease")],
    )
    assert read_names(eg, scheme) == expected.split()


@pytest.mark.parametrize("scheme", ["bio", "biluo"])
def test_tags_of_others_are_those_of_labels_that_are_not_annotated(scheme):
    names = make_tag_names(LABELS, scheme)
    for annotated in ((), ("Disease",), LABELS, ("Gene", "Chemical")):
        found = find_tags_of_others(LABELS, annotated, scheme)
        assert [
            name for name, is_other in zip(names, found, strict=True) if is_other
        ] == [name for name in names[1:] if name.partition("-")[2] not in annotated]


def test_gold_tags_of_a_doc_without_annotation_are_missing():
    words = ["Aspirin", "\n", "helps"]
    eg = Example(Doc(VOCAB, words=words), Doc(VOCAB, words=words))
    assert get_gold_tags(eg, LABELS, "bio").tolist() == [MISSING] * 3


def test_gold_tags_of_a_doc_without_entities_are_outside():
    assert read_names(annotate(["It", "helps"], []), "bio") == ["O", "O"]


def test_gold_tags_outside_a_partial_annotation_are_missing():
    eg = annotate(
        ["Aspirin", "against", "pain"], [(0, 1, "Chemical")], default="missing"
    )
    assert read_names(eg, "biluo") == ["U-Chemical", "missing", "missing"]


def test_gold_tags_leave_whitespace_at_the_edges_outside():
    eg = annotate(["\n", "renal", " ", "failure", "\n"], [(0, 5, "Disease")])
    tags = ["O", "B-Disease", "I-Disease", "L-Disease", "O"]
    assert read_names(eg, "biluo") == tags


def test_gold_tags_of_an_unknown_label_are_outside():
    assert read_names(annotate(["BRCA1", "gene"], [(0, 1, "Gene")]), "bio") == ["O"] * 2


def test_gold_tags_follow_another_tokenization():
    reference = Doc(VOCAB, words=["Parkinson's", "disease"])
    reference.ents = [Span(reference, 0, 2, "Disease")]
    words, spaces = ["Parkinson", "'s", "disease"], [False, True, False]
    eg = Example(Doc(VOCAB, words=words, spaces=spaces), reference)
    assert read_names(eg, "bio") == ["B-Disease", "I-Disease", "I-Disease"]


def test_gold_tags_of_a_token_that_only_half_belongs_are_missing():
    reference = Doc(VOCAB, words=["aspirin", "-", "induced"], spaces=[False] * 3)
    reference.ents = [Span(reference, 0, 1, "Chemical")]
    eg = Example(Doc(VOCAB, words=["aspirin-induced"], spaces=[False]), reference)
    assert read_names(eg, "bio") == ["missing"]


def test_gold_tags_of_an_empty_doc_are_none():
    assert len(get_gold_tags(Example(Doc(VOCAB), Doc(VOCAB)), LABELS, "bio")) == 0
