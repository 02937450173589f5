"""Class weights of topics: counted by hand, and their gradient."""

import numpy
import pytest
import spacy
from numpy.testing import assert_allclose
from thinc.api import Config

from spacy_biobert.models.class_weights import balance_exclusive, balance_independent

from .test_textcat import ANY, FACTORIES, make_blank, make_example, make_examples

ODD = {"a:b": 1.0, "c, or d": 0.0, "[e] = #1": 0.0}
WEIGHTS = {
    "biobert_textcat": [["drug", 3.0], ["other", 0.5]],
    "biobert_textcat_multilabel": [["gene", 4.0]],
}


def make_weighted(factory, texts, class_weights):
    nlp = make_blank(factory, class_weights=class_weights)
    examples = make_examples(nlp, texts)
    nlp.get_pipe("textcat").initialize(lambda: examples)
    return nlp.get_pipe("textcat"), examples


def test_exclusive_classes_are_balanced_to_the_same_sum():
    # (6 + 2 + 1) / 3 documents of a class on average
    weights = balance_exclusive({"a": 6, "b": 2, "c": 1, "none": 0})
    assert weights == {"a": 0.5, "b": 1.5, "c": 3.0, "none": 1.0}


def test_independent_classes_are_balanced_between_yes_and_no():
    weights = balance_independent(
        {"a": 2, "b": 8, "never": 0, "always": 9},
        {"a": 8, "b": 2, "never": 9, "always": 0},
    )
    assert weights == {"a": 4.0, "b": 0.25, "never": 1.0, "always": 1.0}


@pytest.mark.parametrize(("factory", "texts"), FACTORIES.items())
def test_class_weights_weigh_the_loss_and_its_gradient(factory, texts):
    textcat, examples = make_weighted(factory, texts, WEIGHTS[factory])
    scores = numpy.random.default_rng(0).normal(size=(3, len(textcat.labels)))
    loss, d_scores = textcat.get_loss(examples, scores)
    expected = numpy.zeros_like(scores)
    for i in numpy.ndindex(*scores.shape):
        for step in (+0.001, -0.001):
            scores[i] += step
            expected[i] += textcat.get_loss(examples, scores)[0] / (2 * step)
            scores[i] -= step
    assert_allclose(d_scores, expected, atol=1e-5)
    weights, total = dict(WEIGHTS[factory]), 0.0
    n = 0.0
    for row, cats in zip(scores, texts.values(), strict=True):
        chances = 1 / (1 + numpy.exp(-row))
        if factory == "biobert_textcat":
            chances = numpy.exp(row) / numpy.exp(row).sum()
        for chance, (label, value) in zip(chances, cats.items(), strict=True):
            if value:
                total -= weights.get(label, 1.0) * numpy.log(chance)
                n += weights.get(label, 1.0)
            elif factory != "biobert_textcat":
                total -= numpy.log(1 - chance)
                n += 1.0
    assert loss == pytest.approx(total / n, rel=1e-5)


def test_balanced_weights_are_those_of_the_training_documents(tmp_path):
    texts = {"One .": {"a": 1.0, "b": 0.0}, "Two .": {"a": 0.0}, "Three .": {"a": 0.0}}
    textcat, _ = make_weighted("biobert_textcat_multilabel", texts, "balanced")
    assert textcat.cfg["class_weights"] == {"a": 2.0, "b": 1.0}
    other = make_blank("biobert_textcat_multilabel", class_weights="balanced")
    other.get_pipe("textcat").from_bytes(textcat.to_bytes())
    assert other.get_pipe("textcat").cfg == textcat.cfg


def test_class_weights_take_labels_with_any_character(tmp_path):
    weights = [[label, 2.0] for label in ODD]
    textcat, _ = make_weighted("biobert_textcat", {"One .": ODD}, weights)
    assert textcat.labels == tuple(sorted(ODD))
    nlp = make_blank("biobert_textcat", class_weights=weights)
    nlp.initialize(lambda: [make_example(nlp, "One .", ODD)])
    nlp.to_disk(tmp_path / "model")
    loaded = spacy.load(tmp_path / "model")
    assert loaded.get_pipe("textcat").cfg == nlp.get_pipe("textcat").cfg
    found = Config().from_str(loaded.config.to_str())["components"]["textcat"]
    assert found["class_weights"] == weights


def test_an_added_label_weighs_one():
    textcat, examples = make_weighted(
        "biobert_textcat_multilabel", ANY, [["gene", 4.0]]
    )
    textcat.add_label("new")
    examples[0].reference.cats["new"] = 1.0
    _, d_scores = textcat.get_loss(examples, numpy.zeros((3, 3), "f"))
    # 4 + 1 + 1 of the first doc, 1 + 4 of the second, 1 + 1 of the third
    assert d_scores[0, 2] == pytest.approx(-0.5 / 13)
