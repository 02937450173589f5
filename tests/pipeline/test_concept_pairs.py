import numpy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from spacy_biobert.extensions import ConceptRow
from spacy_biobert.models.candidates import make_entity_pairs_v1
from spacy_biobert.models.grouping import Grouping
from spacy_biobert.pipeline.concept_pairs import (
    find_gold_concept_pairs,
    group_by_concepts,
    join_groupings,
)

VOCAB = Vocab()


def make_doc(*concepts):
    """One entity per concept string, each a token."""
    doc = Doc(VOCAB, words=[f"Word{i % 3}" for i in range(len(concepts))])
    doc.ents = [Span(doc, i, i + 1, "X", kb_id=kb) for i, kb in enumerate(concepts)]
    return doc


def group(doc, *, directed=True):
    pairs = make_entity_pairs_v1(directed=directed)(doc)
    found = group_by_concepts(doc, pairs, directed=directed)
    rows = iter(found.grouping.rows.tolist())
    groups = [[next(rows) for _ in range(n)] for n in found.grouping.lengths.tolist()]
    assert next(rows, None) is None
    return {
        key: [(int(pairs[i][0]), int(pairs[i][2])) for i in members]
        for key, members in zip(found.keys, groups, strict=True)
    }


def test_mentions_of_the_same_concepts_are_one_group():
    assert group(make_doc("C", "D", "C")) == {
        ("C", "D"): [(0, 1), (2, 1)],
        ("C", "C"): [(0, 2), (2, 0)],
        ("D", "C"): [(1, 0), (1, 2)],
    }
    assert group(make_doc("D", "C", "D"), directed=False) == {
        ("C", "D"): [(0, 1), (1, 2)],
        ("D", "D"): [(0, 2)],
    }


def test_a_mention_of_several_concepts_is_in_a_group_for_each():
    assert group(make_doc("C|E", "D"), directed=False) == {
        ("C", "D"): [(0, 1)],
        ("D", "E"): [(0, 1)],
    }


def test_a_mention_without_a_concept_stands_for_its_text():
    # Words 0 and 3 are the same; a concept called like them is another thing.
    assert group(make_doc("", "D", "word0", ""), directed=False) == {
        ("D", ("", "word0")): [(0, 1), (1, 3)],
        ("word0", ("", "word0")): [(0, 2), (2, 3)],
        (("", "word0"), ("", "word0")): [(0, 3)],
        ("D", "word0"): [(1, 2)],
    }


@given(
    concepts=st.lists(st.sampled_from(["A", "B", "A|B", "C|A", ""]), max_size=6),
    directed=st.booleans(),
)
def test_each_pair_is_in_the_groups_of_its_concepts_and_in_no_other(concepts, directed):
    doc = make_doc(*concepts)
    found = group(doc, directed=directed)

    def read(i):
        text = ("", doc[i].text.lower())
        return [concept for concept in concepts[i].split("|") if concept] or [text]

    for i, j in make_entity_pairs_v1(directed=directed)(doc)[:, (0, 2)].tolist():
        expected = {
            (one, two) if directed else frozenset((one, two))
            for one in read(i)
            for two in read(j)
        }
        keys = [key for key, pairs in found.items() if (i, j) in pairs]
        assert {key if directed else frozenset(key) for key in keys} == expected
        assert len(keys) == len(expected)


def test_groups_of_several_docs_stand_one_after_the_other():
    one = Grouping(numpy.array([1, 0, 0]), numpy.array([2, 1]))
    none = Grouping(numpy.zeros(0, "int64"), numpy.zeros(0, "int64"))
    joined = join_groupings([one, none, one], [2, 3, 2])
    assert joined.rows.tolist() == [1, 0, 0, 6, 5, 5]
    assert joined.lengths.tolist() == [2, 1, 2, 1]
    assert joined.groups.tolist() == [0, 0, 1, 2, 2, 3]
    assert join_groupings([], []).rows.shape == (0,)


def test_gold_concept_pairs_have_the_keys_of_groups():
    rows = [ConceptRow("D", "C", "x"), ConceptRow("C", "D", "y")]
    assert find_gold_concept_pairs(rows, directed=True) == {
        ("D", "C"): {"x"},
        ("C", "D"): {"y"},
    }
    assert find_gold_concept_pairs(rows, directed=False) == {("C", "D"): {"x", "y"}}
