import tracemalloc

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from spacy_biobert.models.candidates import make_entity_pairs_v1
from spacy_biobert.pipeline.gold_pairs import (
    find_gold_pairs,
    is_annotated,
    make_truths,
)

VOCAB = Vocab()
WORDS = "Aspirin and ASA induce pain , Pain and fever .".split()
ENTS = [(0, 1, "C1"), (2, 3, "C1|C2"), (4, 5, "D1"), (6, 7, "D1"), (8, 9, "")]
ASPIRIN, ASA, PAIN, PAIN2, FEVER = ((start, end) for start, end, _ in ENTS)


def make_doc(words=WORDS, ents=ENTS, spaces=None, **user_data):
    doc = Doc(VOCAB, words=words, spaces=spaces)
    doc.ents = [Span(doc, start, end, "X", kb_id=kb) for start, end, kb in ents]
    doc.user_data.update(user_data)
    return doc


def find(reference, predicted=None, *, directed=True, **kwargs):
    """The true pairs of each gold relation."""
    if predicted is None:
        predicted = make_doc()
    pairs = make_entity_pairs_v1(directed=directed, **kwargs)(predicted)
    gold = find_gold_pairs(predicted, reference, pairs, directed=directed)
    return [
        (label, [tuple(pair) for pair in pairs[true].tolist()]) for label, true in gold
    ]


def test_mention_relations_make_the_pair_with_their_bounds_true():
    reference = make_doc(relations=[(*ASA, *PAIN, "x", 1.0), (*PAIN, *ASA, "y", 1.0)])
    assert find(reference) == [("x", [ASA + PAIN]), ("y", [PAIN + ASA])]


def test_undirected_mention_relations_match_in_either_order():
    reference = make_doc(relations=[(*PAIN, *ASA, "x", 1.0)])
    assert find(reference, directed=False) == [("x", [ASA + PAIN])]


def test_concept_relations_make_every_pair_of_their_mentions_true():
    reference = make_doc(concept_relations=[("C1", "D1", "x"), ("D1", "C2", "y")])
    assert find(reference) == [
        ("x", [ASPIRIN + PAIN, ASPIRIN + PAIN2, ASA + PAIN, ASA + PAIN2]),
        ("y", [PAIN + ASA, PAIN2 + ASA]),
    ]
    assert find(reference, directed=False)[1] == ("y", [ASA + PAIN, ASA + PAIN2])


def test_concepts_are_those_of_gold_entities_with_the_same_bounds():
    reference = make_doc(concept_relations=[("C1", "D1", "x")])
    predicted = make_doc(ents=[(0, 1, "D1"), (2, 3, ""), (3, 5, "D1"), (6, 7, "C1")])
    assert find(reference, predicted) == [("x", [ASPIRIN + PAIN2, ASA + PAIN2])]


def test_entities_with_one_bound_in_common_are_not_the_same():
    reference = make_doc(relations=[(*ASPIRIN, *PAIN, "x", 1.0)])
    for ents in ([(0, 2, ""), (4, 5, "")], [(0, 1, ""), (3, 5, "")]):
        assert find(reference, make_doc(ents=ents)) == [("x", [])]


def test_gold_relations_without_a_proposed_pair_have_none():
    reference = make_doc(
        relations=[(*FEVER, *ASPIRIN, "x", 1.0), (1, 2, *PAIN, "x", 1.0)],
        concept_relations=[("C9", "D1", "x"), ("", "D1", "x")],
    )
    assert find(reference, max_distance=3) == [("x", [])] * 4


def test_pairs_are_matched_by_characters():
    words = ["Aspi", "rin", *WORDS[1:]]
    spaces = [False, *[True] * (len(words) - 1)]
    predicted = make_doc(words, [(0, 2, ""), (5, 6, "")], spaces)
    reference = make_doc(
        relations=[(*ASPIRIN, *PAIN, "x", 1.0)], concept_relations=[("C1", "D1", "y")]
    )
    assert find(reference, predicted) == [("x", [(0, 2, 5, 6)]), ("y", [(0, 2, 5, 6)])]


@settings(max_examples=50)
@given(
    concepts=st.lists(st.sampled_from(["A", "B", "A|B", "C|A", ""]), max_size=7),
    rows=st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=4
    ),
    between=st.lists(st.tuples(*[st.sampled_from("ABC")] * 2), max_size=4),
    directed=st.booleans(),
    max_distance=st.sampled_from([None, 2]),
)
def test_true_pairs_are_those_that_each_pair_asked_alone_is(
    concepts, rows, between, directed, max_distance
):
    words = [f"w{i}" for i in range(7)]
    ents = [(i, i + 1, concept) for i, concept in enumerate(concepts)]
    reference = make_doc(
        words,
        ents,
        relations=[(a, a + 1, b, b + 1, "x", 1.0) for a, b in rows],
        concept_relations=[(*pair, "y") for pair in between],
    )
    pairs = make_entity_pairs_v1(directed=directed, max_distance=max_distance)
    pairs = pairs(reference)[::-1]
    gold = find_gold_pairs(reference, reference, pairs, directed=directed)

    def is_true(ends, one, two):
        if isinstance(ends[0], int):
            return ends == (one, two)
        return all(
            end in concepts[i].split("|")
            for end, i in zip(ends, (one, two), strict=True)
        )

    expected = [
        [
            i
            for i, (one, two) in enumerate(pairs[:, (0, 2)].tolist())
            if is_true(ends, one, two) or (not directed and is_true(ends, two, one))
        ]
        for ends in [*rows, *between]
    ]
    assert [true.tolist() for _, true in gold] == expected


@pytest.mark.parametrize("directed", [True, False])
def test_gold_pairs_take_little_memory_of_many_relations(directed):
    ents = [(i, i + 1, "") for i in range(300)]
    ends = numpy.random.default_rng(0).integers(0, 300, (1000, 2)).tolist()
    rows = [(a, a + 1, b, b + 1, "x", 1.0) for a, b in ends]
    reference = make_doc([f"w{i}" for i in range(300)], ents, relations=rows)
    pairs = make_entity_pairs_v1(directed=directed)(reference)
    tracemalloc.start()
    gold = find_gold_pairs(reference, reference, pairs, directed=directed)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(gold) == 1000
    # A mask for each relation would be 1000 bytes a pair.
    assert peak < 100 * len(pairs)


@pytest.mark.parametrize("predicted", [make_doc(ents=[]), make_doc(words=[], ents=[])])
def test_gold_pairs_of_no_pairs_are_none(predicted):
    reference = make_doc(relations=[(*ASA, *PAIN, "x", 1.0)])
    assert find(reference, predicted) == [("x", [])]


def test_documents_are_annotated_by_either_kind_even_if_empty():
    assert is_annotated(make_doc(relations=[]))
    assert is_annotated(make_doc(concept_relations=[]))
    assert not is_annotated(make_doc(document_id="1"))


def test_truths_hold_several_labels_or_none_per_pair():
    gold = [
        ("y", numpy.array([0])),
        ("x", numpy.array([0, 2])),
        ("unknown", numpy.array([0, 1, 2])),
        ("y", numpy.zeros(0, "int64")),
    ]
    truths = make_truths(gold, ("x", "y"), 3)
    assert truths.tolist() == [[1, 1], [0, 0], [1, 0]]
