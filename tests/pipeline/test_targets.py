import numpy
import pytest
from numpy.testing import assert_allclose
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_biobert.models.candidates import make_entity_pairs_v1
from spacy_biobert.models.grouping import Grouping
from spacy_biobert.pipeline.targets import (
    Targets,
    make_targets,
    sample_negatives,
    weigh,
)

VOCAB = Vocab()
GET_PAIRS = make_entity_pairs_v1(directed=False)


def make_example(*concepts, predicted=None, **user_data):
    def make_doc(ids):
        doc = Doc(VOCAB, words=[f"word{i}" for i in range(len(concepts))])
        doc.ents = [Span(doc, i, i + 1, "X", kb_id=kb) for i, kb in enumerate(ids)]
        return doc

    reference = make_doc(concepts)
    reference.user_data.update(user_data)
    return Example(make_doc(predicted or concepts), reference)


def make(*examples, pooled=True, labels=("x", "y"), **kwargs):
    pairs = [GET_PAIRS(eg.predicted) for eg in examples]
    return make_targets(
        list(examples), pairs, labels, directed=False, pooled=pooled, **kwargs
    )


def test_a_pair_of_concepts_has_only_its_own_labels():
    gold = {"concept_relations": [("A", "C", "x"), ("C", "B", "y")]}
    # Pairs of mentions: A|B with C, A|B with D, C with D.
    targets = make(make_example("A|B", "C", "D", **gold))
    assert targets.grouping.rows.tolist() == [0, 0, 1, 1, 2]
    assert targets.truths.tolist() == [[1, 0], [0, 1], [0, 0], [0, 0], [0, 0]]
    of_mentions = make(make_example("A|B", "C", "D", **gold), pooled=False)
    assert of_mentions.grouping is None
    assert of_mentions.truths.tolist() == [[1, 1], [0, 0], [0, 0]]


def test_concepts_that_are_not_known_have_the_labels_of_their_mentions():
    gold = {"concept_relations": [("A", "C", "x")]}
    targets = make(make_example("A", "C", "D", predicted=["", "", ""], **gold))
    assert targets.truths.tolist() == [[1, 0], [0, 0], [0, 0]]


def test_concepts_have_the_labels_between_their_mentions():
    # Words 0 and 2 are of one concept; the relation is between 2 and 1.
    targets = make(make_example("A", "C", "A", relations=[(2, 3, 1, 2, "y", 1.0)]))
    assert targets.grouping.lengths.tolist() == [2, 1]
    assert targets.truths.tolist() == [[0, 1], [0, 0]]


def test_docs_without_annotation_count_nothing():
    targets = make(make_example("A", "B"), make_example("A", "B", relations=[]))
    assert targets.counts.tolist() == [0, 1]
    assert make().truths.shape == (0, 2)


def test_several_labels_are_refused_where_one_is_expected():
    rows = [(0, 1, 1, 2, "x", 1.0), (0, 1, 1, 2, "y", 1.0)]
    eg = make_example("A", "B", relations=rows, document_id="7")
    for pooled in (True, False):
        with pytest.raises(ValueError, match=r"^\[B459\] .*'it'.*'7'.*found x, y"):
            make(eg, pooled=pooled, exclusive_name="it")
        # the same label twice is one
        twice = make_example("A", "B", relations=[rows[0], rows[0]])
        assert make(twice, pooled=pooled, exclusive_name="it").truths.sum() == 1


def make_many():
    """Docs of 3 and 2 pairs of mentions; 4 units, of which the second is true."""
    return Targets(
        pairs=[numpy.arange(12).reshape(3, 4), numpy.arange(8).reshape(2, 4)],
        grouping=Grouping(numpy.array([0, 1, 1, 2, 3, 4]), numpy.array([2, 1, 2, 1])),
        truths=numpy.array([[0], [1], [0], [0]], "f"),
        counts=numpy.array([1, 1, 1, 0], "f"),
    )


def test_all_negatives_are_taken_at_a_rate_of_one_but_for_those_without_annotation():
    taken = sample_negatives(make_many(), 1.0, numpy.random.default_rng(0))
    assert taken.truths[:, 0].tolist() == [0, 1, 0]
    assert taken.counts.tolist() == [1, 1, 1]
    assert taken.grouping.rows.tolist() == [0, 1, 1, 2, 3]
    assert [len(pairs) for pairs in taken.pairs] == [3, 1]


def test_pairs_that_nothing_drawn_needs_are_left_out():
    class Draws:
        def random(self, n):
            return numpy.array([0.9, 0.9, 0.1, 0.0])

    taken = sample_negatives(make_many(), 0.5, Draws())
    assert taken.truths[:, 0].tolist() == [1, 0]
    assert taken.counts.tolist() == [1, 2]
    # of the pairs 1, 2 and 3
    assert taken.grouping.rows.tolist() == [0, 1, 2]
    assert taken.grouping.lengths.tolist() == [1, 2]
    assert [pairs[:, 0].tolist() for pairs in taken.pairs] == [[4, 8], [0]]


def test_what_is_drawn_counts_for_all_on_average():
    targets = Targets(
        pairs=[numpy.arange(200).reshape(50, 4)],
        grouping=None,
        truths=numpy.array([[1]] * 5 + [[0]] * 45, "f"),
        counts=numpy.ones(50, "f"),
    )
    losses = numpy.random.default_rng(1).uniform(size=50)
    generator = numpy.random.default_rng(0)
    sums, n_negative = [], []
    for _ in range(4000):
        taken = sample_negatives(targets, 0.2, generator)
        drawn = taken.pairs[0][:, 0] // 4
        assert drawn[:5].tolist() == [0, 1, 2, 3, 4]
        sums.append((losses[drawn] * taken.counts).sum())
        n_negative.append(len(drawn) - 5)
    assert numpy.mean(n_negative) == pytest.approx(0.2 * 45, rel=0.02)
    assert numpy.mean(sums) == pytest.approx(losses.sum(), rel=0.02)


def test_weights_are_by_unit_or_by_unit_and_label():
    targets = Targets(
        pairs=[],
        grouping=None,
        truths=numpy.array([[1, 0], [0, 0], [0, 1]], "f"),
        counts=numpy.array([1, 4, 0], "f"),
    )
    weights = numpy.array([3, 5], "f")
    assert_allclose(weigh(targets, weights, exclusive=True), [3, 4, 0])
    by_label = [[3, 1], [4, 4], [0, 0]]
    assert_allclose(weigh(targets, weights, exclusive=False), by_label)
