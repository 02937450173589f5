import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import filter_spans, registry
from spacy.vocab import Vocab

from spacy_biobert.evaluation.scorers import make_entity_scorer_v1

VOCAB = Vocab()
SCORE = make_entity_scorer_v1()


def make_doc(words, ents, *, default="outside"):
    doc = Doc(VOCAB, words=words)
    spans = [Span(doc, start, end, label) for start, end, label in ents]
    doc.set_ents(filter_spans(spans), default=default)
    return doc


def make_example(found, gold, *, stated=None, confidences=None, **kwargs):
    words = "a b c d e f".split()
    eg = Example(make_doc(words, found), make_doc(words, gold, **kwargs))
    if stated is not None:
        eg.reference.user_data["annotated_labels"] = stated
    if confidences:
        eg.predicted.user_data["entity_confidences"] = confidences
    return eg


ENTS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(1, 3), st.sampled_from(["A", "B"])).map(
        lambda ent: (ent[0], min(6, ent[0] + ent[1]), ent[2])
    ),
    max_size=4,
)


@given(
    st.lists(st.tuples(ENTS, ENTS, st.sampled_from(["outside", "missing"])), max_size=3)
)
def test_entity_scores_of_whole_annotation_are_those_of_spacy(docs):
    def examples():
        return [make_example(found, gold, default=rest) for found, gold, rest in docs]

    expected, found = get_ner_prf(examples()), SCORE(examples())
    for key in ("ents_p", "ents_r", "ents_f"):
        assert found[key] == pytest.approx(expected[key])
    if expected["ents_per_type"] is None:
        assert found["ents_per_type"] is None
    else:
        for label, scores in expected["ents_per_type"].items():
            # spaCy lists labels of which nothing is counted, too.
            nothing = dict.fromkeys("prf", 0.0)
            ours = dict(found["ents_per_type"].get(label, nothing))
            assert ours.pop("gold", 0) == sum(
                ent.label_ == label for eg in examples() for ent in eg.reference.ents
            )
            assert ours == pytest.approx(scores)


def test_entity_scores_follow_another_tokenization_as_spacy_does():
    def example():
        gold = Doc(VOCAB, words=["Parkinson's", "disease", "x"])
        gold.ents = [Span(gold, 0, 2, "A")]
        words, spaces = ["Parkinson", "'s", "disease", "x"], [False, True, True, True]
        found = Doc(VOCAB, words=words, spaces=spaces)
        found.ents = [Span(found, 0, 3, "A"), Span(found, 3, 4, "A")]
        return Example(found, gold)

    expected, found = get_ner_prf([example()]), SCORE([example()])
    assert found["ents_p"] == expected["ents_p"] == 0.5
    assert found["ents_r"] == expected["ents_r"] == 1.0


def test_entity_scores_leave_out_labels_that_a_document_is_not_annotated_with():
    found = [(0, 1, "A"), (2, 3, "B"), (4, 5, "A")]
    half = make_example(found, [(0, 1, "A")], stated=["A"])
    whole = make_example(found, [(0, 1, "A")])
    assert SCORE([half])["ents_p"] == 1 / 2
    assert set(SCORE([half])["ents_per_type"]) == {"A"}
    assert SCORE([whole])["ents_p"] == 1 / 3


def test_entity_scores_have_the_error_of_the_confidences():
    eg = make_example(
        [(0, 1, "A"), (2, 3, "B"), (4, 5, "A")],
        [(0, 1, "A")],
        confidences={"0:1:A": 0.9, "2:3:B": 0.6},
    )
    scores = SCORE([eg])
    # The third has no confidence.
    assert scores["ents_ece"] == pytest.approx((0.1 + 0.6) / 2)
    assert [found["n"] for found in scores["ents_reliability"]] == [1, 1]


def test_entity_scores_are_none_without_annotation():
    words = ["a", "b"]
    eg = Example(make_doc(words, [(0, 1, "A")]), Doc(VOCAB, words=words))
    for examples in ([], [eg]):
        assert set(SCORE(examples).values()) == {None}


def test_entity_scorer_is_found_by_its_public_name():
    score = registry.scorers.get("spacy-biobert.entity_scorer.v1")()
    assert score([])["ents_f"] is None
