import random

import pytest
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_biobert.evaluation.entities import score_entities
from spacy_biobert.evaluation.errors_page import write_errors_page
from spacy_biobert.evaluation.mistake_files import write_tsv
from spacy_biobert.evaluation.mistakes import find_mistakes
from spacy_biobert.evaluation.scorers import score_relations

from .mistake_docs import FIRST, GOLD, SECOND, VOCAB, WORDS, make_doc


def find(gold, predicted, **kwargs):
    return find_mistakes(Example(make_doc(**predicted), make_doc(**gold)), **kwargs)


def show(mistakes):
    return [
        (
            one.mistake,
            one.gold and (*one.gold.texts, one.gold.label),
            one.predicted and (*one.predicted.texts, one.predicted.label),
            one.sentence,
        )
        for one in mistakes
    ]


@pytest.mark.parametrize(
    ("predicted", "expected"),
    [
        (GOLD, []),
        (GOLD[1:], [("missed", ("Aspirin", "Drug"), None, FIRST)]),
        (
            [*GOLD, (4, 5, "Date")],
            [("spurious", None, ("today", "Date"), FIRST)],
        ),
        (
            [(0, 1, "Gene"), *GOLD[1:]],
            [("label", ("Aspirin", "Drug"), ("Aspirin", "Gene"), FIRST)],
        ),
        (
            [GOLD[0], (3, 4, "Disease"), *GOLD[2:]],
            [("bounds", ("bad pain", "Disease"), ("pain", "Disease"), FIRST)],
        ),
        (
            [GOLD[0], (3, 5, "Gene"), *GOLD[2:]],
            [
                ("missed", ("bad pain", "Disease"), None, FIRST),
                ("spurious", None, ("pain today", "Gene"), FIRST),
            ],
        ),
        (
            # One gold entity in two parts: only one of them can be it.
            [GOLD[0], (2, 3, "Disease"), (3, 4, "Disease"), *GOLD[2:]],
            [
                ("bounds", ("bad pain", "Disease"), ("pain", "Disease"), FIRST),
                ("spurious", None, ("bad", "Disease"), FIRST),
            ],
        ),
        (
            GOLD[:3],
            [("missed", ("COX2", "Gene"), None, SECOND)],
        ),
    ],
)
def test_entities_are_told_apart_by_what_is_wrong(predicted, expected):
    found = find({"ents": GOLD}, {"ents": predicted})
    assert sorted(show(found), key=str) == sorted(expected, key=str)
    assert {one.kind for one in found} <= {"entity"}


def test_entities_without_annotation_are_no_mistakes():
    assert find({}, {"ents": GOLD}) == []
    reference = make_doc()
    reference.set_ents([Span(reference, 0, 1, "Drug")], default="missing")
    found = find_mistakes(Example(make_doc(GOLD[1:]), reference))
    assert show(found) == [("missed", ("Aspirin", "Drug"), None, FIRST)]


def test_entities_of_labels_that_are_not_stated_are_no_mistakes():
    reference = make_doc([GOLD[0]])
    reference.user_data["annotated_labels"] = ["Drug"]
    found = find_mistakes(Example(make_doc(GOLD[1:]), reference))
    assert [(one.mistake, one.gold.texts) for one in found] == [
        ("missed", ("Aspirin",))
    ]


def test_two_entities_in_one_gold_token_are_a_right_and_a_spurious_one():
    gold = Doc(VOCAB, words=["a-b", "c"])
    gold.set_ents([Span(gold, 0, 1, "Gene")], default="outside")
    found = Doc(VOCAB, words=["a", "-", "b", "c"], spaces=[False, False, True, False])
    found.set_ents([Span(found, 0, 1, "Gene"), Span(found, 2, 3, "Gene")])
    example = Example(found, gold)

    assert score_entities([example])["ents_p"] == 0.5
    assert show(find_mistakes(example)) == [
        ("spurious", None, ("a-b", "Gene"), "a-b c")
    ]


def test_kinds_that_were_not_predicted_are_no_mistakes():
    gold = {"ents": GOLD, "relations": [(0, 12, "acts")], "cats": {"review": 1.0}}

    def kinds(**chosen):
        return [one.kind for one in find(gold, {"ents": GOLD[:3]}, **chosen)]

    assert kinds() == ["entity", "relation", "topic"]
    assert kinds(kinds={"entity"}) == ["entity"]
    assert kinds(kinds={"relation", "topic"}) == ["relation", "topic"]


def random_ents(dice):
    ents, at = [], 0
    while at < len(WORDS):
        end = at + dice.choice([1, 1, 2, 3])
        if end <= len(WORDS) and dice.random() < 0.6:
            ents.append((at, end, dice.choice("ABC")))
        at = end
    return ents


@pytest.mark.parametrize("seed", range(20))
def test_entity_mistakes_add_up_to_the_scores(seed):
    dice = random.Random(seed)
    gold, predicted = random_ents(dice), random_ents(dice)
    example = Example(make_doc(predicted), make_doc(gold))
    scores = get_ner_prf([example])
    mistakes = find_mistakes(example)
    n_gold = sum(one.gold is not None for one in mistakes)
    n_predicted = sum(one.predicted is not None for one in mistakes)
    assert len(gold) - n_gold == round(scores["ents_r"] * len(gold))
    assert len(predicted) - n_predicted == round(scores["ents_p"] * len(predicted))
    for one in mistakes:
        if one.mistake == "label":
            assert one.gold.places == one.predicted.places
        if one.mistake == "bounds":
            assert one.gold.label == one.predicted.label
            (gold_place,), (place,) = one.gold.places, one.predicted.places
            assert max(gold_place[0], place[0]) < min(gold_place[1], place[1])


CONCEPTS = [(0, 1, "Drug", "C1"), (3, 4, "Disease", "D1"), (8, 9, "Disease", "D2|D1")]


@pytest.mark.parametrize(
    ("gold", "predicted", "directed", "expected"),
    [
        ([(0, 3, "x")], [(0, 3, "x")], True, []),
        (
            [(0, 3, "x")],
            [(3, 0, "x")],
            True,
            [
                ("missed", ("Aspirin", "pain", "x"), None, FIRST),
                ("spurious", None, ("pain", "Aspirin", "x"), FIRST),
            ],
        ),
        ([(0, 3, "x")], [(3, 0, "x")], False, []),
        (
            [(0, 8, "x")],
            [],
            True,
            [("missed", ("Aspirin", "<b>fever</b>", "x"), None, f"{FIRST} {SECOND}")],
        ),
        ([], None, True, []),
        (None, [(0, 3, "x")], True, []),
    ],
)
def test_relations_between_mentions_are_missed_or_spurious(
    gold, predicted, directed, expected
):
    found = find({"relations": gold}, {"relations": predicted}, directed=directed)
    assert show(found) == expected


def test_relations_between_concepts_are_shown_in_their_nearest_mentions():
    gold = {"ents": CONCEPTS, "concepts": [("C1", "D1", "x"), ("C1", "C9", "x")]}
    predicted = {"ents": [ent[:3] for ent in CONCEPTS], "relations": [(0, 8, "y")]}
    found = [one for one in find(gold, predicted) if one.kind == "relation"]
    assert sorted(show(found), key=str) == [
        ("missed", ("Aspirin", "C9", "x"), None, FIRST),
        ("missed", ("Aspirin", "pain", "x"), None, FIRST),
        # said of both concepts of that mention, of which D1 is nearer elsewhere
        ("spurious", None, ("Aspirin", "<b>fever</b>", "y"), f"{FIRST} {SECOND}"),
        ("spurious", None, ("Aspirin", "pain", "y"), FIRST),
    ]


def test_a_relation_of_a_spurious_entity_is_shown_by_its_text():
    gold = {"ents": CONCEPTS, "concepts": []}
    ents = [*CONCEPTS[:1], (12, 13, "Disease")]
    predicted = {"ents": ents, "relations": [(0, 12, "x")]}
    found = [one for one in find(gold, predicted) if one.kind == "relation"]
    assert show(found) == [
        ("spurious", None, ("Aspirin", "COX2", "x"), f"{FIRST} {SECOND}")
    ]


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("directed", [True, False])
def test_relation_mistakes_add_up_to_the_scores(seed, directed):
    dice = random.Random(seed)
    pairs = [(a, b) for a in (0, 3, 8) for b in (0, 3, 8)]
    gold, predicted = (
        [(*pair, "x") for pair in pairs if dice.random() < 0.5] for _ in range(2)
    )
    ids = dice.sample([("C1", "D1", "x"), ("D1", "D2", "x"), ("D2", "C1", "x")], 2)
    example = Example(
        make_doc(CONCEPTS, relations=predicted),
        make_doc(CONCEPTS, relations=gold, concepts=ids),
    )
    scores = score_relations([example], directed=directed)
    mistakes = find_mistakes(example, directed=directed)
    n_missed = sum(one.mistake == "missed" for one in mistakes)
    n_spurious = sum(one.mistake == "spurious" for one in mistakes)
    precision, recall = scores["rel_micro_p"], scores["rel_micro_r"]
    n_right = n_missed * recall / (1 - recall) if recall < 1 else None
    if n_right:
        assert n_right / (n_right + n_spurious) == pytest.approx(precision)


@pytest.mark.parametrize(
    ("gold", "predicted", "exclusive", "expected"),
    [
        ({"a": 1.0, "b": 0.0, "c": 1.0}, {"a": 0.3, "b": 0.7, "c": 0.5}, False, "a-+b"),
        ({"a": 1.0}, {"a": 0.9, "b": 0.9}, False, ""),
        ({}, {"a": 0.9}, False, ""),
        ({"a": 1.0, "b": 0.0}, {"a": 0.6, "b": 0.4}, True, ""),
        ({"a": 1.0, "b": 0.0}, {"a": 0.4, "b": 0.6}, True, "ab"),
        ({"a": 1.0, "b": 0.0}, {"a": 0.0, "b": 0.0}, True, "a-"),
    ],
)
def test_topics_are_missed_or_spurious_or_taken_for_another(
    gold, predicted, exclusive, expected
):
    found = find({"cats": gold}, {"cats": predicted}, exclusive=exclusive)
    told = {
        "missed": lambda one: f"{one.gold.label}-",
        "spurious": lambda one: f"+{one.predicted.label}",
        "label": lambda one: one.gold.label + one.predicted.label,
    }
    assert "".join(told[one.mistake](one) for one in found) == expected
    assert all(one.sentence == FIRST for one in found)


def test_topics_apply_from_the_threshold_on():
    cats = {"cats": {"a": 1.0}}, {"cats": {"a": 0.4}}
    assert find(*cats, threshold=0.4) == []
    assert len(find(*cats, threshold=0.41)) == 1


def test_what_was_predicted_has_its_confidence():
    def score(doc, **found):
        doc.user_data |= found
        return doc

    predicted = score(
        make_doc([(0, 1, "Gene"), *GOLD[1:]], cats={"a": 0.75}),
        entity_confidences={"0:1:Gene": 0.31, "2:4:Disease": 0.9},
        # Two mentions of one concept: the surer one counts.
        relations=[(0, 1, 2, 4, "x", 0.6), (0, 1, 8, 9, "x", 0.8)],
    )
    gold = [("Drug", "C1"), ("Disease", "D1"), ("Disease", "D1"), ("Gene", "")]
    reference = make_doc(
        [(*ent[:2], *of) for ent, of in zip(GOLD, gold, strict=True)],
        concepts=[("C1", "D2", "x")],
        cats={"a": 0.0},
    )
    mistakes = find_mistakes(Example(predicted, reference))

    assert [
        (one.kind, one.mistake, one.predicted and one.predicted.confidence)
        for one in mistakes
    ] == [
        ("entity", "label", 0.31),
        ("relation", "missed", None),
        ("relation", "spurious", 0.8),
        ("topic", "spurious", 0.75),
    ]
    assert not any(one.gold and one.gold.confidence for one in mistakes)
    shown = "".join(write_tsv(mistakes)).split("\n")[1].split("\t")
    assert "0.31" in shown
    page = write_errors_page([(Example(predicted, reference), mistakes)], title="x")
    assert "<span>Gene · label 0.31</span>" in page
    assert "<span>Disease</span>" in page
    assert "spurious topic a 0.75" in page
