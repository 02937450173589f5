"""Thresholds of topics: against trying all, and for all who read `doc.cats`."""

from collections import Counter

import numpy
import pytest
import spacy
from numpy.testing import assert_allclose
from spacy.scorer import Scorer
from spacy.training import Example

from spacy_biobert.converters.from_docs import from_doc
from spacy_biobert.pipeline.category_thresholds import find_thresholds, log_odds

from .test_textcat import ANY, make_blank, make_example, make_examples, make_ready

LABELS = ("a:b", "c, or d", "never", "unknown")


def make_random(n=40, seed=0):
    rng = numpy.random.default_rng(seed)
    nlp = spacy.blank("en")
    chances = rng.integers(1, 10, (n, len(LABELS))) / 10
    examples = []
    for row in chances:
        cats = {label: float(rng.random() < 0.3) for label in LABELS[:2]}
        examples.append(make_example(nlp, "Aspirin .", {**cats, "never": 0.0}))
        examples[-1].predicted.cats = dict(zip(LABELS, row.tolist(), strict=True))
    return examples, chances


def logit(p):
    return numpy.log(p) - numpy.log1p(-p)


def sigmoid(x):
    return 1 / (1 + numpy.exp(-x))


def f1_at(threshold, column, truths):
    found = column >= threshold
    return 2 * (found & truths).sum() / (found.sum() + truths.sum())


def counts_at(threshold, column, truths):
    found = column >= threshold
    return (found & truths).sum(), found.sum(), truths.sum()


@pytest.mark.parametrize("seed", range(5))
def test_no_other_threshold_of_one_category_has_a_better_f1(seed):
    examples, chances = make_random(seed=seed)
    for i, label in enumerate(LABELS[:2]):
        found = find_thresholds(examples, chances[:, [i]], [label])
        truths = numpy.array([eg.reference.cats[label] == 1.0 for eg in examples])
        best = max(f1_at(x, chances[:, i], truths) for x in chances[:, i])
        assert f1_at(found[label], chances[:, i], truths) == pytest.approx(best)


@pytest.mark.parametrize("seed", range(5))
def test_categories_share_twenty_documents(seed):
    examples, chances = make_random(seed=seed)
    found = find_thresholds(examples, chances, LABELS)
    assert set(found) == {"a:b", "c, or d"}
    truths = numpy.array(
        [[eg.reference.cats.get(x, 0) == 1.0 for x in LABELS] for eg in examples]
    )
    known = [i for i, x in enumerate(LABELS) if x in examples[0].reference.cats]
    shifts = [
        logit((truths[:, i].sum() + 0.5) / (len(examples) + 1)) / 2 for i in known
    ]

    def objective(at, own):
        """The F1 of `own` and twenty documents of all, by its definition."""
        each = [
            counts_at(sigmoid(at + shift), chances[:, i], truths[:, i])
            for i, shift in zip(known, shifts, strict=True)
        ]
        true, n_found, n_gold = numpy.array(each).T
        share = 20 / n_gold.sum()
        return (
            2
            * (true[own] + share * true.sum())
            / (n_found[own] + n_gold[own] + share * (n_found.sum() + n_gold.sum()))
        )

    for own, label in enumerate(LABELS[:2]):
        at = logit(found[label]) - shifts[own]
        best = max(objective(x, own) for x in numpy.linspace(-6, 6, 241))
        assert objective(at, own) == pytest.approx(best)


def test_a_rare_category_takes_what_is_best_for_all():
    nlp = spacy.blank("en")
    rng = numpy.random.default_rng(0)
    truths = rng.random((400, 2)) < (0.4, 0.005)
    truths[:2, 1] = True
    # All are found from 0.6 on but for one document of the rare category.
    chances = numpy.where(truths, 0.9, 0.3)
    chances[0, 1] = 0.05
    chances[1, 1] = 0.06
    examples = [
        make_example(nlp, "Aspirin .", dict(zip("ab", map(float, row), strict=True)))
        for row in truths
    ]

    found = find_thresholds(examples, chances, ["a", "b"])

    assert 0.3 < found["a"] < 0.9
    assert 0.3 * 0.2 < found["b"] < 0.9
    assert f1_at(found["b"], chances[:, 1], truths[:, 1]) < 1


def test_docs_without_tokens_are_missed_at_any_threshold():
    nlp = spacy.blank("en")
    examples = [
        make_example(nlp, "", {"a": 1.0}),
        make_example(nlp, "Two .", {"a": 1.0}),
        make_example(nlp, "Three .", {"a": 0.0}),
    ]
    # If the first could be found at 0.0, all three would be.
    found = find_thresholds(examples, numpy.array([[0.0], [0.4], [0.2]]), ["a"])
    assert 0.2 < found["a"] <= 0.4


def test_log_odds_move_a_threshold_to_one_half():
    shift = log_odds({"a": 0.2, "b": 0.75}, ["a", "b", "c"])
    logits = numpy.log([0.2, 0.75, 0.5]) - numpy.log([0.8, 0.25, 0.5])
    assert_allclose(1 / (1 + numpy.exp(shift - logits)), 0.5)


def make_shifted():
    """A component for which 0.5 is the wrong threshold, and documents to see it."""
    nlp = make_ready("biobert_textcat_multilabel")
    textcat = nlp.get_pipe("textcat")
    output = textcat.model.get_ref("output_layer")
    output.set_param("b", numpy.array([5.0, -5.0], "f"))
    return nlp, textcat


def read_scores(nlp, examples):
    """What spaCy's scorer says without being told of any threshold but 0.5."""
    predicted = [Example(nlp(eg.reference.text), eg.reference) for eg in examples]
    scores = Scorer.score_cats(
        predicted, "cats", labels=nlp.get_pipe("textcat").labels, multi_label=True
    )
    return (
        scores["cats_micro_f"],
        scores["cats_f_per_type"],
        scores["cats_auc_per_type"],
    )


def test_tune_raises_f1_for_all_who_read_cats(tmp_path):
    nlp, textcat = make_shifted()
    examples = make_examples(nlp, ANY)
    _, before, area = read_scores(nlp, examples)
    raw = textcat.predict([eg.predicted for eg in examples])
    chances = 1 / (1 + numpy.exp(-raw))

    found = textcat.tune(make_examples(nlp, ANY))

    _, after, same_area = read_scores(nlp, examples)
    assert set(found) == {"drug", "gene"}
    assert before["gene"]["f"] == 0.0
    for column, label in enumerate(textcat.labels):
        truths = numpy.array([cats[label] == 1.0 for cats in ANY.values()])
        best = max(f1_at(x, chances[:, column], truths) for x in chances[:, column])
        assert after[label]["f"] == pytest.approx(best)
        assert after[label]["f"] >= before[label]["f"]
    assert same_area == area
    evaluated = nlp.evaluate(examples)["cats_f_per_type"]
    assert {label: found.pop("gold") for label, found in evaluated.items()} == {
        "drug": 1,
        "gene": 2,
    }
    assert evaluated == after
    for text in ANY:
        doc = nlp(text)
        exported = from_doc(doc, Counter()).categories
        assert exported == tuple(x for x, p in doc.cats.items() if p >= 0.5)

    nlp.to_disk(tmp_path / "tuned")
    loaded = spacy.load(tmp_path / "tuned")
    assert loaded.get_pipe("textcat").cfg["thresholds"] == found
    assert [loaded(text).cats for text in ANY] == [nlp(text).cats for text in ANY]


def test_tune_once_more_finds_the_same():
    nlp, textcat = make_shifted()
    found = textcat.tune(make_examples(nlp, ANY))
    assert textcat.tune(make_examples(nlp, ANY)) == found


def test_tune_moves_neither_loss_nor_exclusive_categories():
    nlp, textcat = make_shifted()
    examples = make_examples(nlp, ANY)
    scores = textcat.predict([eg.predicted for eg in examples])
    before = textcat.get_loss(examples, scores)[0]
    textcat.tune(examples)
    assert textcat.get_loss(examples, scores)[0] == before

    exclusive = make_ready("biobert_textcat").get_pipe("textcat")
    cfg = dict(exclusive.cfg)
    assert exclusive.tune(examples) == {}
    assert exclusive.cfg == cfg


def test_a_category_that_applies_to_no_document_keeps_its_threshold():
    nlp, textcat = make_shifted()
    textcat.cfg["threshold"] = 0.2
    drugs = [text for text, cats in ANY.items() if cats.get("drug")]
    one = [make_example(nlp, text, {"drug": 1.0, "gene": 0.0}) for text in drugs]

    with pytest.warns(UserWarning, match=r"B477.* has 'gene', which keep"):
        found = textcat.tune(one)

    assert set(found) == {"drug"}
    assert textcat.cfg["thresholds"] == {**found, "gene": 0.2}
    whole = textcat.tune(make_examples(nlp, ANY))
    with pytest.warns(UserWarning, match="B477"):
        assert textcat.tune(one)
    assert textcat.cfg["thresholds"]["gene"] == whole["gene"]


def test_initialize_forgets_what_was_tuned():
    nlp, textcat = make_shifted()
    textcat.threshold = 0.2
    textcat.tune(make_examples(nlp, ANY))
    assert textcat.cfg["threshold"] == 0.5
    nlp.initialize(lambda: make_examples(nlp, ANY))
    assert (textcat.cfg["threshold"], textcat.cfg["thresholds"]) == (0.2, {})


def test_tune_without_annotation_changes_nothing():
    nlp = make_ready("biobert_textcat_multilabel")
    textcat = nlp.get_pipe("textcat")
    textcat.cfg["threshold"] = 0.3
    assert textcat.tune([make_example(nlp, "Aspirin .", {})]) == {}
    assert (textcat.cfg["threshold"], textcat.cfg["thresholds"]) == (0.3, {})
    assert make_blank("biobert_textcat_multilabel").get_pipe("textcat").tune([]) == {}
