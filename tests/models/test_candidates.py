import pickle

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from spacy_biobert.models.candidates import (
    PairedDocs,
    list_pairs,
    make_entity_pairs_v1,
)

VOCAB = Vocab()


def make_doc(n_tokens, *ents):
    doc = Doc(VOCAB, words=["word"] * n_tokens)
    doc.ents = [Span(doc, *ent) for ent in ents]
    return doc


DOC = make_doc(12, (0, 1, "Chemical"), (3, 5, "Disease"), (10, 11, "Chemical"))
A, B, C = (0, 1), (3, 5), (10, 11)


@pytest.mark.parametrize(
    ("kwargs", "expected"),
    [
        ({}, [A + B, A + C, B + A, B + C, C + A, C + B]),
        ({"directed": False}, [A + B, A + C, B + C]),
        ({"max_distance": 7}, [A + B, B + A, B + C, C + B]),
        ({"max_distance": 6}, [A + B, B + A]),
        ({"types": [["Chemical", "Disease"]]}, [A + B, C + B]),
        ({"types": [["Chemical", "Disease"]], "directed": False}, [A + B, C + B]),
        (
            {
                "types": [["Chemical", "Disease"], ["Disease", "Chemical"]],
                "directed": False,
            },
            [A + B, B + C],
        ),
        ({"types": [["Chemical", "Chemical"]], "max_distance": 9}, []),
    ],
)
def test_entity_pairs_are_those_asked_for_in_the_order_of_the_text(kwargs, expected):
    pairs = make_entity_pairs_v1(**kwargs)(DOC)
    assert pairs.tolist() == [list(pair) for pair in expected]
    assert pairs.dtype == "int32"


@pytest.mark.parametrize("doc", [make_doc(0), make_doc(4), make_doc(4, (0, 1, "X"))])
@pytest.mark.parametrize("directed", [True, False])
def test_entity_pairs_of_fewer_than_two_entities_are_none(doc, directed):
    pairs = make_entity_pairs_v1(types=[["X", "X"]], directed=directed)(doc)
    assert pairs.shape == (0, 4)


LABELS = st.sampled_from("XYZ")


@given(
    labels=st.lists(LABELS, max_size=8),
    types=st.none() | st.lists(st.tuples(LABELS, LABELS), min_size=1, max_size=4),
    max_distance=st.none() | st.integers(1, 8),
)
def test_undirected_pairs_are_the_directed_ones_without_order(
    labels, types, max_distance
):
    doc = make_doc(8, *((i, i + 1, label) for i, label in enumerate(labels)))
    kwargs = {
        "types": types and [list(pair) for pair in types],
        "max_distance": max_distance,
    }
    directed = make_entity_pairs_v1(**kwargs)(doc).tolist()
    undirected = make_entity_pairs_v1(**kwargs, directed=False)(doc).tolist()
    assert [pair for pair in directed if pair in undirected] == undirected
    without_order = [frozenset((a, c)) for a, _, c, _ in undirected]
    assert len(without_order) == len(set(without_order))
    assert set(without_order) == {frozenset((a, c)) for a, _, c, _ in directed}


def test_entity_pairs_can_be_sent_to_another_process():
    get_pairs = make_entity_pairs_v1(types=[["Chemical", "Disease"]])
    assert pickle.loads(pickle.dumps(get_pairs)) == get_pairs


@pytest.mark.parametrize(
    ("code", "kwargs"),
    [
        ("B454", {"max_distance": 0}),
        ("B455", {"types": []}),
        ("B455", {"types": [["Chemical"]]}),
        ("B463", {"max_sentences": 0}),
    ],
)
def test_entity_pairs_refuse_settings_that_propose_nothing(code, kwargs):
    with pytest.raises(ValueError, match=rf"^\[{code}\] entity_pairs"):
        make_entity_pairs_v1(**kwargs)


def split_sentences(doc, starts):
    for token in doc:
        token.is_sent_start = token.i in starts
    return doc


def count_sentences_from_one_to_the_other(doc, one, two):
    """By the definition: the fewest neighbouring sentences with a token of both."""
    numbers = [i for i, sent in enumerate(doc.sents) for _ in sent]
    return min(
        abs(numbers[i] - numbers[j]) + 1 for i in range(*one) for j in range(*two)
    )


@given(
    starts=st.sets(st.integers(1, 11)),
    max_sentences=st.integers(1, 5),
    directed=st.booleans(),
)
def test_entity_pairs_lie_in_so_many_neighbouring_sentences(
    starts, max_sentences, directed
):
    ents = [(0, 1), (2, 5), (5, 6), (7, 9), (10, 12)]
    doc = split_sentences(make_doc(12, *((*ent, "X") for ent in ents)), {0, *starts})
    pairs = make_entity_pairs_v1(max_sentences=max_sentences, directed=directed)(doc)
    expected = [
        [*one, *two]
        for one in ents
        for two in ents
        if (one != two if directed else one < two)
        and count_sentences_from_one_to_the_other(doc, one, two) <= max_sentences
    ]
    assert pairs.tolist() == expected


def test_entity_pairs_in_sentences_refuse_a_doc_without_any():
    get_pairs = make_entity_pairs_v1(max_sentences=2)
    with pytest.raises(ValueError, match=r"^\[B464\] Document 'word .*biobert_sent"):
        get_pairs(DOC)
    # Where there is nothing to propose, none are missed.
    assert len(get_pairs(make_doc(4, (0, 1, "X")))) == 0


def test_pairs_that_were_chosen_are_not_proposed_again():
    chosen = [numpy.array([[0, 1, 3, 5]], "int32"), numpy.zeros((0, 4), "int32")]
    docs = PairedDocs([DOC, DOC], chosen)
    assert list_pairs(None, docs) is chosen
    found = list_pairs(make_entity_pairs_v1(), [DOC])
    assert len(found) == 1
    assert len(found[0]) == 6
