import numpy
import pytest
import spacy
from numpy.testing import assert_allclose

from .tagged import (
    TEXTS,
    make_blank,
    make_example,
    make_examples,
    read_ents,
)


def make_partial_example(nlp, text, ents, labels):
    eg = make_example(nlp, text, ents)
    eg.reference.user_data["annotated_labels"] = labels
    return eg


@pytest.mark.parametrize("scheme", ["bio", "biluo"])
def test_ner_gradient_of_partial_annotation_matches_finite_differences(scheme):
    nlp = make_blank(scheme=scheme)
    nlp.initialize(lambda: make_examples(nlp))
    ner = nlp.get_pipe("ner")
    (text, ents), *_ = TEXTS.items()
    examples = [
        make_partial_example(nlp, text, ents[:1], ["Chemical"]),
        make_example(nlp, text, ents),
        make_example(nlp, "Not annotated .", None),
        make_partial_example(nlp, "Nothing .", [], ["Disease", "Gene"]),
    ]
    rng = numpy.random.default_rng(0)
    scores = [rng.normal(size=(len(eg.predicted), ner.n_outputs)) for eg in examples]
    _, d_scores = ner.get_loss(examples, scores)
    for rows, d_rows in zip(scores, d_scores, strict=True):
        expected = numpy.zeros_like(rows)
        for i in numpy.ndindex(*rows.shape):
            for step in (+0.001, -0.001):
                rows[i] += step
                expected[i] += ner.get_loss(examples, scores)[0] / (2 * step)
                rows[i] -= step
        assert_allclose(d_rows, expected, atol=1e-5)
    # "failure" may be outside or a disease: of these tags only the sum counts.
    n_of_label = (ner.n_outputs - 1) // 2
    chemical, disease = slice(1, 1 + n_of_label), slice(1 + n_of_label, None)
    assert d_scores[0][3, chemical].sum() > 0
    assert d_scores[0][3, disease].sum() < 0
    assert d_scores[0][3, disease].sum() + d_scores[0][3, 0] < 0
    assert d_scores[1][3, 0] > 0


def test_ner_learns_all_labels_from_corpora_with_one_each():
    spacy.util.fix_random_seed(0)
    nlp = make_blank()
    halves = [
        make_partial_example(
            nlp, text, [ent for ent in ents if ent[2] == label], [label]
        )
        for text, ents in TEXTS.items()
        for label in ("Chemical", "Disease")
    ]
    nlp.initialize(lambda: halves)
    optimizer = nlp.create_optimizer()
    optimizer.learn_rate = 0.02
    for _ in range(60):
        nlp.update(halves, sgd=optimizer)
    assert {text: read_ents(nlp(text)) for text in TEXTS} == TEXTS
    assert nlp.evaluate(halves)["ents_f"] == 1.0


def test_ner_refuses_an_entity_of_a_label_that_is_not_annotated(blank_ner):
    (text, ents), *_ = TEXTS.items()
    eg = make_partial_example(blank_ner, text, ents, ["Chemical"])
    scores = blank_ner.get_pipe("ner").predict([eg.predicted])
    with pytest.raises(
        ValueError, match=r"^\[B471\] .*Aspirin.*\(Chemical\).* Disease"
    ):
        blank_ner.get_pipe("ner").get_loss([eg], scores)
    with pytest.raises(ValueError, match=r"^\[B471\]"):
        blank_ner.get_pipe("ner").initialize(lambda: [eg])
    eg.reference.user_data["annotated_labels"] = "Chemical"
    with pytest.raises(ValueError, match=r"^\[B470\]"):
        blank_ner.get_pipe("ner").get_loss([eg], scores)
