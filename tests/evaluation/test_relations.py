import pytest
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from spacy_biobert.evaluation.metrics import Counts
from spacy_biobert.evaluation.relations import count_relations

VOCAB = Vocab()
WORDS = "Aspirin and ASA induce pain , Pain and fever .".split()
# aspirin (two names), pain (twice), fever, and a mention without a concept
ENTS = [
    (0, 1, "Chemical", "C1"),
    (2, 3, "Chemical", "C1"),
    (4, 5, "Disease", "D1"),
    (6, 7, "Disease", "D1|D3"),
    (8, 9, "Disease", ""),
]
ASPIRIN, ASA, PAIN, PAIN2, FEVER, AND = (0, 1), (2, 3), (4, 5), (6, 7), (8, 9), (7, 8)


def make_doc(relations=None, *, concepts=None, words=WORDS, ents=ENTS):
    doc = Doc(VOCAB, words=words)
    doc.ents = [Span(doc, *ent, kb_id=concept) for *ent, concept in ents]
    if relations is not None:
        doc.user_data["relations"] = [(*a, *b, label, 1.0) for a, b, label in relations]
    if concepts is not None:
        doc.user_data["concept_relations"] = concepts
    return doc


@pytest.mark.parametrize(
    ("found", "directed", "expected"),
    [
        ([(ASPIRIN, PAIN, "x")], True, Counts(1, 2, 1)),
        ([(PAIN, ASPIRIN, "x")], True, Counts(0, 2, 1)),
        ([(PAIN, ASPIRIN, "x")], False, Counts(1, 2, 1)),
        ([(ASPIRIN, PAIN, "x"), (PAIN, ASPIRIN, "x")], False, Counts(1, 2, 1)),
        ([(ASPIRIN, PAIN2, "x"), (ASA, PAIN, "x")], True, Counts(0, 2, 2)),
        ([((0, 2), PAIN, "x")], True, Counts(0, 2, 1)),
        ([], True, Counts(0, 2, 0)),
        (None, True, Counts(0, 2, 0)),
    ],
)
def test_mention_relations_are_right_with_both_bounds(found, directed, expected):
    reference = make_doc([(ASPIRIN, PAIN, "x"), (ASA, FEVER, "x")])
    counts = count_relations(make_doc(found), reference, directed=directed)
    assert counts == {"x": expected}


def test_mention_relations_with_another_label_are_wrong():
    counts = count_relations(
        make_doc([(ASPIRIN, PAIN, "y")]), make_doc([(ASPIRIN, PAIN, "x")])
    )
    assert counts == {"x": Counts(0, 1, 0), "y": Counts(0, 0, 1)}


def test_mention_relations_are_matched_by_characters():
    words = ["Aspi", "rin", *WORDS[1:]]
    predicted = make_doc([((0, 2), (5, 6), "x")], words=words, ents=[])
    # both texts are the same, their tokens are not
    other = Doc(VOCAB, words=words, spaces=[False, *[True] * (len(words) - 1)])
    other.user_data.update(predicted.user_data)
    counts = count_relations(other, make_doc([(ASPIRIN, PAIN, "x")]))
    assert counts == {"x": Counts(1, 1, 1)}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        # one mention pair is enough, several count once
        ([(ASA, PAIN, "x")], Counts(1, 2, 1)),
        ([(ASPIRIN, PAIN, "x"), (ASA, PAIN, "x")], Counts(1, 2, 1)),
        # a mention of two concepts says two relations
        ([(ASA, PAIN2, "x")], Counts(1, 2, 2)),
        # the other direction is another relation
        ([(PAIN, ASA, "x")], Counts(0, 2, 1)),
        # no concept, no gold mention: wrong, once for each two texts
        ([(ASA, FEVER, "x")], Counts(0, 2, 1)),
        ([(AND, PAIN, "x"), (AND, PAIN2, "x"), ((1, 2), PAIN, "x")], Counts(0, 2, 1)),
        ([(AND, PAIN, "x"), (AND, FEVER, "x")], Counts(0, 2, 2)),
        ([], Counts(0, 2, 0)),
        (None, Counts(0, 2, 0)),
    ],
)
def test_concept_relations_count_once_per_concepts(found, expected):
    reference = make_doc(concepts=[("C1", "D1", "x"), ("C1", "D9", "x")])
    # what the predicted document says about concepts does not matter
    predicted = make_doc(found, concepts=[("C1", "D9", "x")], ents=[])
    assert count_relations(predicted, reference) == {"x": expected}


def test_undirected_concept_relations_have_no_order():
    reference = make_doc(concepts=[("D1", "C1", "x")])
    predicted = make_doc([(ASPIRIN, PAIN, "x"), (PAIN, ASA, "x")])
    assert count_relations(predicted, reference, directed=False) == {
        "x": Counts(1, 1, 1)
    }


def test_a_text_does_not_pass_for_a_concept():
    ents = [(0, 1, "Chemical", "aspirin"), (4, 5, "Disease", "D1")]
    reference = make_doc(concepts=[("and", "pain", "x")], ents=ents)
    predicted = make_doc([(AND, PAIN, "x")])
    assert count_relations(predicted, reference) == {"x": Counts(0, 1, 1)}


def test_relations_are_not_counted_without_annotation():
    assert count_relations(make_doc([(ASPIRIN, PAIN, "x")]), make_doc()) is None


def test_relations_are_wrong_where_the_annotation_says_none():
    for reference in (make_doc([]), make_doc(concepts=[])):
        counts = count_relations(make_doc([(ASPIRIN, PAIN, "x")]), reference)
        assert counts == {"x": Counts(0, 0, 1)}
