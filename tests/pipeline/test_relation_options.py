"""What the relation component can be set to: one label, weights, draws, concepts."""

import math

import numpy
import pytest
import spacy
from numpy.testing import assert_allclose
from spacy.tokens import Span

from spacy_biobert.models.pair_vectors import PairRows
from spacy_biobert.pipeline import relation_pipe

from .test_relation import (
    ASPIRIN,
    FEVER,
    MENTIONS,
    PAIN,
    TEXTS,
    TWICE,
    gold_relations,
    make_blank,
    make_doc,
    make_docs,
    make_example,
    make_examples,
    read_relations,
)

# One label per pair
SINGLE = {
    **TEXTS,
    "Aspirin induces pain treats fever .": (
        [ASPIRIN, PAIN, FEVER],
        [(0, 1, "induces"), (0, 2, "changes")],
    ),
}
OPTIONS = [
    {"exclusive": exclusive, "positive_weight": weight, "pool_concepts": pooling}
    for exclusive in (False, True)
    for weight in (2.0, {"treats": 4.0}, "balanced")
    for pooling in (None, "logsumexp", "max")
]


def make_linked(nlp, texts=SINGLE):
    """The examples, with relations between concepts; both ends are joined to others."""
    examples = make_examples(nlp, texts)
    for eg in examples:
        rows = eg.reference.user_data.pop("relations")
        for doc in (eg.predicted, eg.reference):
            doc.ents = [
                Span(doc, e.start, e.end, e.label_, kb_id=f"{e.text}|also {e.text}")
                for e in doc.ents
            ]
        eg.reference.user_data["concept_relations"] = [
            (eg.reference[row[0]].text, eg.reference[row[2]].text, row[4])
            for row in rows
        ]
    return examples


def initialize(examples, **config):
    spacy.util.fix_random_seed(0)
    nlp = make_blank(**config)
    nlp.initialize(lambda: examples)
    return nlp


def learn(nlp, examples, n_steps=100):
    optimizer = nlp.create_optimizer()
    optimizer.learn_rate = 0.02
    for _ in range(n_steps):
        nlp.update(examples, sgd=optimizer)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_relation_loss_gradient_matches_finite_differences(options):
    examples = make_linked(spacy.blank("en"))
    examples.append(
        make_example(spacy.blank("en"), "A or B", [(0, 1, "X"), (2, 3, "X")])
    )
    relation = initialize(examples, **options).get_pipe("relation")
    pairs = relation.predict([eg.predicted for eg in examples]).pairs
    n_outputs = 3 + options["exclusive"]
    rows = numpy.random.default_rng(0).normal(size=(14, n_outputs))

    def compute():
        return relation.get_loss(examples, PairRows(pairs, rows))

    _, d_rows = compute()
    expected = numpy.zeros_like(rows)
    for i in numpy.ndindex(*rows.shape):
        for step in (+1e-3, -1e-3):
            rows[i] += step
            expected[i] += compute()[0] / (2 * step)
            rows[i] -= step
    assert_allclose(d_rows, expected, atol=1e-5)
    assert not d_rows[-2:].any()
    assert abs(d_rows[:-2]).max() > 1e-3


def test_relation_gives_one_label_or_none_where_exclusive():
    examples = make_examples(spacy.blank("en"), SINGLE)
    nlp = initialize(examples, exclusive=True)
    relation = nlp.get_pipe("relation")
    assert relation.model.get_dim("nO") == 4
    learn(nlp, examples)
    docs = list(nlp.pipe(make_docs(nlp, SINGLE)))
    assert [read_relations(doc) for doc in docs] == gold_relations(SINGLE)
    assert nlp.evaluate(make_examples(nlp, SINGLE))["rel_micro_f"] == 1.0
    copied = make_blank(exclusive=True)
    copied.from_bytes(nlp.to_bytes())
    again = list(copied.pipe(make_docs(copied, SINGLE)))
    assert [doc.user_data for doc in again] == [doc.user_data for doc in docs]


def test_relation_exclusive_score_is_the_probability_beside_none():
    nlp = initialize(make_examples(spacy.blank("en"), SINGLE), exclusive=True)
    relation, doc = nlp.get_pipe("relation"), make_docs(nlp, SINGLE)[0]
    # none, changes, induces, treats
    logits = numpy.log(numpy.array([[1, 2, 5, 2], [6, 1, 1, 2]], "f"))
    pairs = numpy.array([[0, 1, 2, 3], [2, 3, 0, 1]], "int32")

    def annotate():
        relation.set_annotations([doc], PairRows([pairs], logits))
        return doc.user_data["relations"]

    assert annotate() == [(0, 1, 2, 3, "induces", pytest.approx(0.5))]
    relation.threshold = 0.0
    # the likeliest label alone, at any threshold
    assert annotate() == [
        (0, 1, 2, 3, "induces", pytest.approx(0.5)),
        (2, 3, 0, 1, "treats", pytest.approx(0.2)),
    ]


def test_relation_exclusive_keeps_what_it_knows_when_a_label_is_added():
    examples = make_examples(spacy.blank("en"), SINGLE)
    nlp = initialize(examples, exclusive=True)
    learn(nlp, examples)
    relation = nlp.get_pipe("relation")
    before = relation.predict(make_docs(nlp, SINGLE)).rows
    relation.add_label("worsens")
    after = relation.predict(make_docs(nlp, SINGLE)).rows
    assert_allclose(after[:, :4], before)
    assert after.shape[1] == 5


def test_relation_exclusive_refuses_two_labels_for_a_pair():
    nlp = initialize(make_examples(spacy.blank("en"), SINGLE), exclusive=True)
    with pytest.raises(
        ValueError, match=r"^\[B459\] Component 'relation'.*changes, treats"
    ):
        nlp.get_pipe("relation").update(make_examples(nlp))


@pytest.mark.parametrize("pooling", [None, "max"])
def test_relation_exclusive_refuses_two_labels_for_a_pair_at_once(pooling):
    with pytest.raises(
        ValueError,
        match=r"^\[B459\] Component 'relation', document 'Aspirin induces pain treats "
        r"fever .*changes, treats",
    ):
        initialize(
            make_examples(spacy.blank("en")), exclusive=True, pool_concepts=pooling
        )


def test_relation_does_not_learn_from_concepts_that_it_cannot_tell_apart():
    ents = [(0, 1, "X"), (2, 3, "X"), (4, 5, "X"), (6, 7, "X")]
    eg = make_example(
        spacy.blank("en"),
        "drug treats pain , drug causes pain",
        ents,
        [(0, 1, "treats"), (2, 3, "causes")],
    )
    # Only the reference says that the drugs are two.
    eg.reference.ents = [
        Span(eg.reference, *ent, kb_id=kb)
        for ent, kb in zip(ents, ("C1", "D1", "C2", "D2"), strict=True)
    ]
    nlp = initialize([eg], exclusive=True, pool_concepts="logsumexp")
    relation = nlp.get_pipe("relation")
    scores = relation.predict([eg.predicted])
    _, d_rows = relation.get_loss([eg], scores)
    for (start1, _, start2, _), d_row in zip(scores.pairs[0], d_rows, strict=True):
        texts = eg.predicted[start1].text, eg.predicted[start2].text
        assert d_row.any() == (texts != ("drug", "pain"))
    nlp.update([eg])


def test_relation_weights_labels_as_told():
    examples = make_examples(spacy.blank("en"), SINGLE)
    # By hand: 12 pairs; induces in 2, treats in 1, changes in 1; 8 have none.
    assert initialize(examples, positive_weight={"treats": 3}).get_pipe(
        "relation"
    ).weights.tolist() == [1, 1, 3]
    balanced = initialize(examples, positive_weight="balanced")
    assert balanced.get_pipe("relation").weights.tolist() == [11, 5, 11]
    alone = initialize(examples, positive_weight="balanced", exclusive=True)
    assert alone.get_pipe("relation").weights.tolist() == [8, 4, 8]
    copied = make_blank(positive_weight="balanced")
    copied.from_bytes(balanced.to_bytes())
    assert copied.get_pipe("relation").weights.tolist() == [11, 5, 11]


def test_relation_balanced_loss_counts_a_label_as_much_as_its_absence():
    examples = make_examples(spacy.blank("en"), SINGLE)
    relation = initialize(examples, positive_weight="balanced").get_pipe("relation")
    scores = relation.predict([eg.predicted for eg in examples])
    _, d_rows = relation.get_loss(
        examples, PairRows(scores.pairs, numpy.zeros((12, 3), "f"))
    )
    assert_allclose(d_rows.sum(axis=0), 0.0, atol=1e-6)


def test_relation_refuses_weights_of_other_labels():
    with pytest.raises(ValueError, match=r"^\[B465\] Component 'relation'.*cures"):
        initialize(make_examples(spacy.blank("en")), positive_weight={"cures": 2.0})


@pytest.mark.parametrize(
    "config",
    [{"negative_rate": 0.0}, {"negative_rate": 1.5}, {"positive_weight": {"a": 0.0}}],
)
def test_relation_refuses_settings_out_of_range(config):
    with pytest.raises(ValueError, match=r"^\[B456\] Component 'relation'"):
        make_blank(**config)


def watch(relation):
    """Keep the pairs that the model scores in each update."""
    seen, forward = [], relation.model._func

    def watched(model, docs, is_train):
        Y, backprop = forward(model, docs, is_train)
        seen.append(Y.pairs)
        return Y, backprop

    relation.model._func = watched
    return seen


def test_relation_scores_only_the_negatives_that_were_drawn():
    examples = make_examples(spacy.blank("en"))
    nlp = initialize(examples, negative_rate=0.25, seed=3)
    relation = nlp.get_pipe("relation")
    seen, losses = watch(relation), []
    for _ in range(300):
        # Not `nlp.update`, which takes steps with an optimizer of its own.
        losses.append(relation.update(examples)["relation"])
    numbers = [sum(map(len, pairs)) for pairs in seen]
    # 4 pairs with a label, 8 without
    assert numpy.mean(numbers) == pytest.approx(4 + 0.25 * 8, rel=0.05)
    assert min(numbers) >= 4
    scores = relation.predict([eg.predicted for eg in examples])
    full, _ = relation.get_loss(examples, scores)
    assert numpy.mean(losses) == pytest.approx(full, rel=0.05)
    again = initialize(examples, negative_rate=0.25, seed=3)
    assert watch_first(again, examples) == numbers[0]


def watch_first(nlp, examples):
    seen = watch(nlp.get_pipe("relation"))
    nlp.get_pipe("relation").update(examples)
    return sum(map(len, seen[0]))


def test_relation_does_not_score_pairs_of_docs_without_annotation():
    nlp = initialize(make_examples(spacy.blank("en")))
    seen = watch(nlp.get_pipe("relation"))
    bare = make_example(nlp, "Aspirin or pain .", [ASPIRIN, PAIN])
    nlp.get_pipe("relation").update([bare, *make_examples(nlp)])
    assert [len(pairs) for pairs in seen[0]] == [0, 2, 2, 6, 2, 0]


@pytest.mark.parametrize("pooling", ["logsumexp", "max"])
@pytest.mark.parametrize("exclusive", [False, True])
def test_relation_learns_the_labels_of_pooled_concepts(pooling, exclusive):
    examples = make_linked(spacy.blank("en"))
    nlp = initialize(examples, pool_concepts=pooling, exclusive=exclusive)
    learn(nlp, make_linked(nlp))
    # "also NAME" of each mention is in no relation, so that each pair of mentions
    # of a relation stands for a true pair of concepts and for three false ones.
    relation = nlp.get_pipe("relation")
    assert relation.update(make_linked(nlp), losses={})["relation"] > 0.05
    for eg in examples:
        for doc in (eg.predicted, eg.reference):
            doc.ents = [
                Span(doc, e.start, e.end, e.label_, kb_id=e.kb_id_.split("|")[0])
                for e in doc.ents
            ]
    learn(nlp, examples)
    assert nlp.evaluate(examples)["rel_micro_f"] == 1.0


def test_relation_writes_each_pair_of_mentions_with_the_probability_of_its_concepts():
    nlp = initialize(make_linked(spacy.blank("en")), pool_concepts="logsumexp")
    ents = [(0, 1, "Chemical"), (2, 3, "Disease"), (4, 5, "Disease")]
    doc = make_doc(nlp, "Aspirin induces pain or pain .", ents)
    # All words of one text are one concept, known or not.
    pairs = numpy.array([[0, 1, 2, 3], [0, 1, 4, 5], [2, 3, 4, 5]], "int32")
    logits = numpy.full((3, 3), -9.0, "f")
    logits[0, 1], logits[1, 1] = -0.5, -0.4
    relation = nlp.get_pipe("relation")
    relation.set_annotations([doc], PairRows([pairs], logits))
    odds = math.exp(-0.5) + math.exp(-0.4)
    chance = pytest.approx(odds / (1 + odds), abs=1e-5)
    assert doc.user_data["relations"] == [
        (0, 1, 2, 3, "induces", chance),
        (0, 1, 4, 5, "induces", chance),
    ]


def test_relation_in_sentences_needs_sentences(tmp_path):
    examples = make_examples(spacy.blank("en"))
    nlp = initialize(examples, pairs={"max_sentences": 1})
    with pytest.raises(ValueError, match=r"^\[B464\] Document 'Aspirin induces pain"):
        nlp.get_pipe("relation").update(make_examples(nlp))
    nlp.add_pipe("biobert_sentences", "sentences", first=True)
    optimizer = nlp.create_optimizer()
    optimizer.learn_rate = 0.02
    for _ in range(100):
        nlp.update(make_examples(nlp), sgd=optimizer, annotates=["sentences"])
    docs = list(nlp.pipe(make_docs(nlp)))
    assert [read_relations(doc) for doc in docs] == gold_relations()


def test_relation_warns_of_a_document_with_very_many_pairs(monkeypatch):
    nlp = initialize(make_examples(spacy.blank("en")))
    relation = nlp.get_pipe("relation")
    doc = nlp.make_doc(TWICE)
    doc.ents = [Span(doc, *ent) for ent in MENTIONS]
    n_pairs = len(relation.predict([doc]).rows)
    monkeypatch.setattr(relation_pipe, "MANY_PAIRS", n_pairs - 1)
    with pytest.warns(UserWarning, match=rf"\[B484\].* 4 entities has {n_pairs} pairs"):
        found = relation.predict([doc])
    assert len(found.rows) == n_pairs > 1
