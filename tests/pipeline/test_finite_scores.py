"""Components refuse to annotate by scores that are no numbers."""

import numpy
import pytest
import spacy
from spacy.tokens import Span

from spacy_biobert.models.pair_vectors import PairRows

from . import tagged, test_relation, test_textcat

LONG = "Aspirin causes renal failure . " * 20


def break_weights(nlp, name):
    """Leave the component as a training that has diverged does."""
    layer = nlp.get_pipe(name).model.get_ref("output_layer")
    layer.set_param("W", layer.get_param("W") * numpy.nan)


def make_relation(**config):
    nlp = test_relation.make_blank(**config)
    nlp.initialize(lambda: test_relation.make_examples(nlp))
    return nlp


@pytest.mark.parametrize("wrong", [numpy.nan, numpy.inf, -numpy.inf])
def test_ner_refuses_scores_that_are_not_finite(blank_ner, wrong):
    ner = blank_ner.get_pipe("ner")
    doc = blank_ner.make_doc(LONG)
    scores = numpy.zeros((len(doc), 9), "f")
    scores[7, 2] = wrong
    said = r"^\[B468\] Component 'ner': .* 1 of 900\. .*Lower the learning rate"
    with pytest.raises(ValueError, match=said):
        ner.set_annotations([doc], [scores])


def test_ner_that_has_diverged_says_so_when_it_is_evaluated(blank_ner):
    break_weights(blank_ner, "ner")
    with pytest.raises(ValueError, match=r"^\[B468\] Component 'ner'"):
        blank_ner.evaluate([tagged.make_example(blank_ner, LONG, [])])


@pytest.mark.parametrize("factory", test_textcat.FACTORIES)
def test_textcat_refuses_scores_that_are_not_finite(factory):
    nlp = test_textcat.make_ready(factory)
    break_weights(nlp, "textcat")
    assert nlp.get_pipe("textcat")(nlp.make_doc("")).cats
    with pytest.raises(ValueError, match=r"^\[B468\] Component 'textcat'"):
        nlp(LONG)


def test_textcat_is_not_tuned_by_scores_that_are_not_finite():
    nlp = test_textcat.make_ready("biobert_textcat_multilabel")
    break_weights(nlp, "textcat")
    examples = test_textcat.make_examples(nlp, test_textcat.ANY)
    with pytest.raises(ValueError, match=r"^\[B468\] Component 'textcat'"):
        nlp.get_pipe("textcat").tune(examples)
    assert nlp.get_pipe("textcat").cfg["thresholds"] == {}


@pytest.mark.parametrize("pooling", [None, "max", "logsumexp"])
def test_relation_refuses_scores_that_are_not_finite(pooling):
    spacy.util.fix_random_seed(0)
    nlp = make_relation(pool_concepts=pooling)
    relation, doc = nlp.get_pipe("relation"), nlp.make_doc("Aspirin induces pain .")
    doc.ents = [Span(doc, 0, 1, "X"), Span(doc, 2, 3, "X")]
    pairs, rows = [numpy.array([[0, 1, 2, 3]], "int32")], numpy.zeros((1, 3), "f")
    relation.set_annotations([doc], PairRows(pairs, rows))
    rows[0, 1] = numpy.nan
    with pytest.raises(ValueError, match=r"^\[B468\] Component 'relation': .* 1 of 3"):
        relation.set_annotations([doc], PairRows(pairs, rows))


def test_relation_is_not_tuned_by_scores_that_are_not_finite():
    nlp = make_relation()
    break_weights(nlp, "relation")
    examples = test_relation.make_examples(nlp)
    with pytest.raises(ValueError, match=r"^\[B468\] Component 'relation'"):
        nlp.get_pipe("relation").tune(examples)


@pytest.mark.parametrize("threshold", [numpy.nan, 2.0, "high", None])
def test_thresholds_that_are_none_are_refused(threshold):
    relation = make_relation()
    topics = test_textcat.make_ready("biobert_textcat_multilabel")
    for nlp, name in ((relation, "relation"), (topics, "textcat")):
        pipe = nlp.get_pipe(name)
        pipe.cfg["thresholds"] = {pipe.labels[0]: threshold}
        said = rf"^\[B482\] Component '{name}': .*\['thresholds'\] numbers from 0 to 1"
        with pytest.raises(ValueError, match=said):
            nlp.evaluate([tagged.make_example(nlp, LONG, [])])
        pipe.cfg["thresholds"] = {"no such label": 0.5}
        with pytest.raises(ValueError, match=said):
            nlp.evaluate([tagged.make_example(nlp, LONG, [])])
