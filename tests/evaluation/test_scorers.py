import pytest
import spacy
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import registry
from spacy.vocab import Vocab

from spacy_biobert.evaluation.scorers import make_relation_scorer_v1

VOCAB = Vocab()
KEYS = {"rel_micro_p", "rel_micro_r", "rel_micro_f", "rel_macro_f", "rel_per_type"}


def make_example(gold, found):
    docs = []
    for relations in (found, gold):
        doc = Doc(VOCAB, words="a b c d".split())
        if relations is not None:
            doc.user_data["relations"] = [
                (one, one + 1, two, two + 1, label, 1.0)
                for one, two, label in relations
            ]
        docs.append(doc)
    return Example(*docs)


def test_relation_scores_are_those_counted_by_hand():
    examples = [
        make_example([(0, 1, "x"), (1, 2, "x")], [(0, 1, "x"), (0, 1, "y")]),
        make_example([(0, 1, "x")], [(0, 1, "x")]),
        make_example([(0, 3, "z")], []),
        make_example(None, [(2, 3, "x")]),
    ]
    scores = make_relation_scorer_v1()(examples)
    assert scores["rel_micro_p"] == pytest.approx(2 / 3)
    assert scores["rel_micro_r"] == pytest.approx(2 / 4)
    assert scores["rel_micro_f"] == pytest.approx(4 / 7)
    assert scores["rel_macro_f"] == pytest.approx((4 / 5 + 0 + 0) / 3)
    assert scores["rel_per_type"] == {
        "x": {
            "p": 1.0,
            "r": pytest.approx(2 / 3),
            "f": pytest.approx(4 / 5),
            "gold": 3,
        },
        "y": {"p": 0.0, "r": 0.0, "f": 0.0, "gold": 0},
        "z": {"p": 0.0, "r": 0.0, "f": 0.0, "gold": 1},
    }


def test_relation_scores_are_none_without_annotation():
    for examples in ([], [make_example(None, [(0, 1, "x")])]):
        assert make_relation_scorer_v1()(examples) == dict.fromkeys(KEYS)


def test_relation_scores_are_zero_where_nothing_is_gold_or_predicted():
    scores = make_relation_scorer_v1()([make_example([], [])])
    assert scores.pop("rel_per_type") == {}
    assert set(scores.values()) == {0.0}


def test_relation_scorer_knows_relations_without_direction():
    examples = [make_example([(0, 1, "x")], [(1, 0, "x")])]
    score = make_relation_scorer_v1()
    assert score(examples)["rel_micro_f"] == 0.0
    assert score(examples, directed=False)["rel_micro_f"] == 1.0


def test_relation_scorer_is_found_by_its_public_name():
    spacy.blank("en")
    score = registry.scorers.get("spacy-biobert.relation_scorer.v1")()
    assert set(score([])) == KEYS
