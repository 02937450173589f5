"""Exclusive labels: what the gold annotation contradicts itself in, and what only seems so."""

import pytest
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_biobert.models.candidates import make_entity_pairs_v1
from spacy_biobert.pipeline.pair_survey import PairSurvey
from spacy_biobert.pipeline.targets import make_targets

VOCAB = Vocab()
WORDS = ["drug", "pain", "drug"]
LABELS = ("x", "y")


def make_doc(concepts, **user_data):
    doc = Doc(VOCAB, words=WORDS)
    doc.ents = [Span(doc, i, i + 1, "X", kb_id=kb) for i, kb in enumerate(concepts)]
    doc.user_data.update(user_data, document_id="7")
    return doc


def make(concepts, predicted=("", "", ""), *, directed=False, pooled=True, **gold):
    eg = Example(make_doc(predicted), make_doc(concepts, **gold))
    pairs = make_entity_pairs_v1(directed=directed, max_distance=1)(eg.predicted)
    return make_targets(
        [eg], [pairs], LABELS, directed=directed, pooled=pooled, exclusive_name="it"
    )


def mentions(*rows):
    """Relations between words, each (word, word, label)."""
    return [(one, one + 1, two, two + 1, label, 1.0) for one, two, label in rows]


# Each gives the unit of "drug" and "pain" both labels.
CONSISTENT = [
    # one text, two concepts
    (("C1", "D", "C2"), {"concept_relations": [("C1", "D", "x"), ("C2", "D", "y")]}),
    (("C1", "D", "C2"), {"relations": mentions((0, 1, "x"), (2, 1, "y"))}),
    # one mention of two concepts
    (("A|B", "D", ""), {"concept_relations": [("A", "D", "x"), ("B", "D", "y")]}),
    # mentions of which nobody says that they are one concept
    (("", "", ""), {"relations": mentions((0, 1, "x"), (2, 1, "y"))}),
]
CONTRADICTORY = [
    (("C", "D", ""), {"concept_relations": [("C", "D", "x"), ("D", "C", "y")]}),
    (("C", "D", "C"), {"relations": mentions((0, 1, "x"), (2, 1, "y"))}),
    (("", "", ""), {"relations": mentions((0, 1, "x"), (1, 0, "y"))}),
    (
        ("C", "D", "C"),
        {
            "relations": mentions((0, 1, "x")),
            "concept_relations": [("C", "D", "y")],
        },
    ),
]


@pytest.mark.parametrize(("concepts", "gold"), CONSISTENT)
def test_a_unit_that_falls_together_without_the_gold_concepts_counts_nothing(
    concepts, gold
):
    targets = make(concepts, **gold)
    assert targets.grouping.lengths.tolist() == [2]
    assert targets.counts.tolist() == [0]


def test_other_units_of_the_document_count():
    gold = {"concept_relations": [("C1", "D", "x"), ("C2", "D", "y")]}
    targets = make(("C1", "D", "C2"), directed=True, **gold)
    # Rows: drug and pain, pain and drug (twice), drug and pain.
    assert targets.grouping.rows.tolist() == [0, 3, 1, 2]
    assert targets.counts.tolist() == [0, 1]
    assert targets.truths[1].tolist() == [0, 0]


@pytest.mark.parametrize("predicted", [("", "", ""), None])
@pytest.mark.parametrize(("concepts", "gold"), CONTRADICTORY)
def test_gold_annotation_that_contradicts_itself_is_refused(concepts, gold, predicted):
    with pytest.raises(ValueError, match=r"^\[B459\] .*'it'.*'7'.*found x, y"):
        make(concepts, predicted or concepts, **gold)


def test_a_pair_of_mentions_with_the_labels_of_two_concepts_is_refused():
    concepts, gold = CONSISTENT[2]
    with pytest.raises(ValueError, match=r"^\[B459\] .*'it'.*'7'.*found x, y"):
        make(concepts, pooled=False, **gold)


def test_labels_that_the_component_does_not_have_contradict_nothing():
    rows = mentions((0, 1, "x"), (0, 1, "z"))
    assert make(("C", "D", "C"), relations=rows).truths.tolist() == [[1, 0]]


def survey(reference, *, pooled=True, labels=None):
    found = PairSurvey()
    found.add(
        Example(reference.copy(), reference),
        make_entity_pairs_v1(directed=False, max_distance=1),
        directed=False,
        pooled=pooled,
        labels=labels,
        exclusive_name="it",
    )
    return found


@pytest.mark.parametrize(("concepts", "gold"), CONTRADICTORY)
def test_survey_finds_what_contradicts_itself(concepts, gold):
    reference = make_doc(concepts, **gold)
    with pytest.raises(ValueError, match=r"^\[B459\] .*'it'.*'7'.*found x, y"):
        survey(reference)
    assert survey(reference, labels=["x"]).n_true == {"x": 1}


def test_survey_counts_no_unit_that_is_left_out():
    concepts, gold = CONSISTENT[3]
    found = survey(make_doc(concepts, **gold))
    assert (found.n_units, found.n_none, found.n_true.total()) == (0, 0, 0)
    apart = survey(make_doc(concepts, **gold), pooled=False)
    assert (apart.n_units, apart.n_none, apart.n_true) == (2, 0, {"x": 1, "y": 1})


def test_survey_passes_over_what_is_never_proposed():
    rows = mentions((0, 2, "x"), (0, 2, "y"))
    found = survey(make_doc(("A", "B", "C"), relations=rows))
    assert found.n_missed == found.n_gold == {"x": 1, "y": 1}
