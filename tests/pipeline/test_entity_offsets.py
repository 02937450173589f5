import math
from itertools import pairwise

import numpy
import pytest
import spacy
from spacy.scorer import Scorer
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_biobert.models.decoding import Segments
from spacy_biobert.models.tags import make_tag_names
from spacy_biobert.pipeline.entity_offsets import (
    FARTHEST,
    choose_offsets,
    count_entities,
    read_gold_entities,
    shift_tags,
)

from .tagged import TEXTS, make_blank, make_example, read_ents

LABELS = ("Chemical", "Disease", "Gene")
TEXT = "Aspirin causes renal failure ."


def draw_ents(rng, doc):
    """Draw entities that do not overlap."""
    cuts = sorted(rng.choice(len(doc) + 1, size=6, replace=False).tolist())
    return [
        Span(doc, start, end, rng.choice(LABELS).item())
        for start, end in pairwise(cuts)
        if rng.random() < 0.7
    ]


def draw_examples(rng, n_docs=40):
    vocab = spacy.blank("en").vocab
    for _ in range(n_docs):
        words = ["word"] * 10
        predicted, reference = Doc(vocab, words=words), Doc(vocab, words=words)
        gold = draw_ents(rng, reference)
        reference.set_ents(gold, default="outside")
        kept = [
            Span(predicted, ent.start, ent.end, label)
            for ent in gold
            for label in (ent.label_, LABELS[0], None)[rng.integers(3) :][:1]
            if label
        ]
        predicted.set_ents(kept or draw_ents(rng, predicted), default="outside")
        yield Example(predicted, reference)


def to_segments(docs):
    rows = [
        (i, ent.start, ent.end, LABELS.index(ent.label_))
        for i, doc in enumerate(docs)
        for ent in doc.ents
    ]
    columns = numpy.array(rows, dtype="int64").reshape(-1, 4).T
    return Segments(*columns, numpy.ones(len(rows)))


def test_entities_are_counted_as_spacy_scores_them():
    examples = list(draw_examples(numpy.random.default_rng(0)))
    found = count_entities(
        read_gold_entities(examples, LABELS),
        to_segments([eg.predicted for eg in examples]),
    )
    expected = Scorer.score_spans(
        examples, "ents", has_annotation=lambda doc: True, labeled=True
    )["ents_per_type"]
    for label, (n_right, n_found, n_gold) in zip(LABELS, found.T, strict=True):
        assert n_right / n_found == pytest.approx(expected[label]["p"])
        assert n_right / n_gold == pytest.approx(expected[label]["r"])
        assert 0 < n_right < min(n_found, n_gold)


def test_what_is_not_annotated_does_not_count():
    nlp = spacy.blank("en")
    stated, unknown = (
        make_example(nlp, TEXT, [(0, 1, "Chemical")]),
        make_example(nlp, TEXT, [(0, 1, "Chemical")]),
    )
    stated.reference.user_data["annotated_labels"] = ["Chemical"]
    unknown.reference.set_ents(
        list(unknown.reference.ents),
        missing=[unknown.reference[2:3]],
        default="outside",
    )
    gold = read_gold_entities([stated, unknown], LABELS)
    # In both the disease of two tokens, of which nothing is known, and a right chemical.
    found = Segments(
        *numpy.array([(0, 0, 1, 0), (0, 2, 4, 1), (1, 0, 1, 0), (1, 2, 4, 1)]).T,
        numpy.ones(4),
    )
    assert count_entities(gold, found).tolist() == [[2, 0, 0]] * 3


def test_the_best_offsets_are_found_however_far_they_are():
    best = {"Chemical": 1.25, "Disease": -2.5, "Gene": 0.0}

    def score(offsets):
        return -sum((offsets[label] - best[label]) ** 2 for label in LABELS)

    assert choose_offsets(score, LABELS) == best
    assert choose_offsets(lambda offsets: 0.5, LABELS) == dict.fromkeys(LABELS, 0.0)
    assert choose_offsets(lambda offsets: offsets["Gene"], ["Gene"]) == {
        "Gene": FARTHEST
    }
    assert choose_offsets(lambda offsets: 1.0, []) == {}


@pytest.mark.parametrize("scheme", ["bio", "biluo"])
def test_an_offset_adds_to_the_log_odds_of_an_entity(scheme):
    nlp = make_blank(scheme=scheme)
    nlp.initialize(lambda: [make_example(nlp, text, TEXTS[text]) for text in TEXTS])
    ner = nlp.get_pipe("ner")
    names = make_tag_names(ner.labels, scheme)
    shift = shift_tags({"Disease": 1.5}, ner.labels, scheme)
    assert {name for name, x in zip(names, shift, strict=True) if x} == (
        {"B-Disease"} if scheme == "bio" else {"B-Disease", "U-Disease"}
    )
    # One token: a chemical, a disease, or nothing.
    logits = numpy.zeros((1, len(names)), dtype="f")
    logits[0, 0] = 2.0
    for offset in (1.0, 3.0):
        ner.cfg["offsets"] = {"Disease": offset}
        doc = nlp.make_doc("word")
        ner.set_annotations([doc], [logits])
        assert bool(doc.ents) == (offset > 2.0)
    expected = math.exp(3.0) / (math.exp(2.0) + 1.0 + math.exp(3.0))
    assert doc.ents[0]._.confidence == pytest.approx(expected)


def make_shy(trained_ner):
    """A pipeline that knows its chemicals, but takes none for sure enough."""
    nlp = make_blank()
    nlp.from_bytes(trained_ner.to_bytes())
    ner = nlp.get_pipe("ner")
    sure = nlp(TEXT).ents[0]._.confidence
    (output,) = (
        node
        for node in ner.model.walk()
        if node.name == "linear" and node.get_dim("nO") == ner.n_outputs
    )
    bias = output.get_param("b").copy()
    for i, name in enumerate(make_tag_names(ner.labels, "biluo")):
        if name in ("B-Chemical", "U-Chemical"):
            bias[i] -= math.log(sure / (1 - sure)) + 1.5
    output.set_param("b", bias)
    return nlp


def test_tune_finds_what_a_model_is_too_shy_to_find(trained_ner):
    nlp = make_shy(trained_ner)
    ner = nlp.get_pipe("ner")
    examples = [make_example(nlp, TEXT, TEXTS[TEXT]) for _ in range(60)]
    assert read_ents(nlp(TEXT)) == [(2, 4, "Disease")]

    found = ner.tune(examples)

    assert found["offset of Chemical"] == 2.0
    # As it was: it makes no difference.
    assert found["offset of Disease"] == 0.0
    assert ner.cfg["offsets"] == {"Chemical": 2.0, "Disease": 0.0}
    assert read_ents(nlp(TEXT)) == [(0, 1, "Chemical"), (2, 4, "Disease")]
    copied = make_blank()
    copied.from_bytes(nlp.to_bytes())
    assert read_ents(copied(TEXT)) == read_ents(nlp(TEXT))
    assert ner.tune(examples) == pytest.approx(found)
    nlp.initialize(lambda: examples)
    assert ner.cfg["offsets"] == {}


def test_confidences_are_those_of_what_is_found_with_the_offsets(trained_ner):
    nlp = make_shy(trained_ner)
    ents = TEXTS[TEXT]
    # The chemical, which no offset tells from the others, is right in two of three.
    examples = [make_example(nlp, TEXT, ents[not i % 3 :]) for i in range(90)]

    found = nlp.get_pipe("ner").tune(examples)

    assert found["offset of Chemical"] == 2.0
    chemical, disease = nlp(TEXT).ents
    assert chemical._.confidence == pytest.approx(2 / 3, abs=0.03)
    assert disease._.confidence > 0.9


def test_a_label_with_few_gold_entities_has_no_offset(trained_ner):
    nlp = make_shy(trained_ner)
    examples = [make_example(nlp, TEXT, TEXTS[TEXT]) for _ in range(40)]
    with (
        pytest.warns(UserWarning, match="B476"),
        pytest.warns(
            UserWarning,
            match=r"\[B481\].* than 50 gold entities of Chemical, Disease in",
        ),
    ):
        assert set(nlp.get_pipe("ner").tune(examples)) == {"temperature", "bias"}


@pytest.mark.parametrize(
    "offsets",
    [
        {"Protein": 1.0},
        {"Disease": math.inf},
        {"Disease": math.nan},
        {"Disease": "high"},
        {"Disease": None},
        1.0,
        None,
    ],
)
def test_what_is_no_offset_is_refused_by_name(trained_ner, offsets):
    nlp = make_blank()
    nlp.from_bytes(trained_ner.to_bytes())
    nlp.get_pipe("ner").cfg["offsets"] = offsets
    with pytest.raises(
        ValueError, match=r"\[B482\] Component 'ner'.*Chemical, Disease"
    ):
        nlp(TEXT)
