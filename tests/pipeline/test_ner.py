import numpy
import pytest
import spacy
from numpy.testing import assert_allclose
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import ConfigValidationError

from ..pipelines import make_nlp
from .tagged import (
    MODEL,
    TEXTS,
    make_blank,
    make_example,
    make_examples,
    read_ents,
    train,
)


@pytest.mark.parametrize("scheme", ["bio", "biluo"])
def test_ner_learns_the_entities_of_its_examples(scheme):
    spacy.util.fix_random_seed(0)
    nlp = make_blank(scheme=scheme)
    nlp.initialize(lambda: make_examples(nlp))
    losses = train(nlp)
    assert losses["ner"] < 0.1
    assert {text: read_ents(nlp(text)) for text in TEXTS} == TEXTS
    scores = nlp.evaluate(make_examples(nlp))
    assert scores["ents_f"] == 1.0
    assert set(scores["ents_per_type"]) == {"Chemical", "Disease"}


def test_ner_reads_its_labels_from_all_examples():
    nlp = make_blank()
    texts = [("Nothing here .", [])] * 30 + [("BRCA1 here .", [(0, 1, "Gene")])]
    nlp.initialize(lambda: [make_example(nlp, *text) for text in texts])
    assert nlp.get_pipe("ner").labels == ("Gene",)
    assert nlp.get_pipe("ner").label_data == ("Gene",)


def test_ner_takes_its_labels_in_the_given_order(blank_ner):
    nlp = make_blank()
    ner = nlp.get_pipe("ner")
    ner.initialize(lambda: make_examples(nlp), labels=["Gene", "Chemical"])
    assert ner.labels == ("Gene", "Chemical")
    assert ner.model.get_dim("nO") == 9


def test_ner_gradient_matches_finite_differences(blank_ner):
    ner = blank_ner.get_pipe("ner")
    examples = make_examples(blank_ner)
    examples.insert(1, make_example(blank_ner, "Not annotated .", None))
    rng = numpy.random.default_rng(0)
    scores = [rng.normal(size=(len(eg.predicted), 9)) for eg in examples]
    _, d_scores = ner.get_loss(examples, scores)
    for rows, d_rows in zip(scores, d_scores, strict=True):
        expected = numpy.zeros_like(rows)
        for i in numpy.ndindex(*rows.shape):
            for step in (+0.001, -0.001):
                rows[i] += step
                expected[i] += ner.get_loss(examples, scores)[0] / (2 * step)
                rows[i] -= step
        assert_allclose(d_rows, expected, atol=1e-5)
    assert not d_scores[1].any()


def test_ner_loss_does_not_change_with_docs_that_are_not_annotated(blank_ner):
    ner = blank_ner.get_pipe("ner")
    annotated = make_examples(blank_ner)
    other = make_example(blank_ner, "Not annotated .", None)
    scores = ner.model.predict([eg.predicted for eg in [*annotated, other]])
    alone, d_alone = ner.get_loss(annotated, scores[:-1])
    mixed, d_mixed = ner.get_loss([*annotated, other], scores)
    assert mixed == pytest.approx(alone)
    assert alone > 0
    for a, b in zip(d_alone, d_mixed[:-1], strict=True):
        assert_allclose(a, b)


def test_ner_does_not_learn_from_a_missing_annotation(blank_ner):
    ner = blank_ner.get_pipe("ner")
    before = ner.model.to_bytes()
    losses = {}
    eg = make_example(blank_ner, "Aspirin helps .", None)
    ner.update([eg], sgd=None, losses=losses)
    assert losses == {"ner": 0.0}
    gradients = [
        node.get_grad(name)
        for node in ner.model.walk()
        for name in node.param_names
        if node.has_grad(name)
    ]
    assert gradients
    assert not any(gradient.any() for gradient in gradients)
    assert ner.model.to_bytes() == before


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_ner_annotates_in_several_processes(trained_ner):
    docs = list(trained_ner.pipe(TEXTS, n_process=2, batch_size=1))
    assert [read_ents(doc) for doc in docs] == list(TEXTS.values())
    assert docs[0].ents[0]._.confidence == pytest.approx(
        trained_ner(docs[0].text).ents[0]._.confidence
    )


def test_ner_annotates_docs_alike_alone_and_in_a_batch(trained_ner):
    texts = ["", *TEXTS, "", "Lung cancer"]
    docs = list(trained_ner.pipe(texts, batch_size=10))
    for text, doc in zip(texts, docs, strict=True):
        alone = trained_ner(text)
        assert read_ents(doc) == read_ents(alone)
        assert [ent._.confidence for ent in doc.ents] == pytest.approx(
            [ent._.confidence for ent in alone.ents]
        )
    assert docs[0].user_data["entity_confidences"] == {}


def test_ner_entities_do_not_touch_whitespace():
    spacy.util.fix_random_seed(0)
    nlp = make_blank()
    nlp.initialize(lambda: make_examples(nlp))
    text = "\n\n Aspirin \n\n\n cancer \n"
    docs = [nlp(text)]
    ner, (doc,) = nlp.get_pipe("ner"), docs
    for tag in range(1, 9):
        scores = numpy.zeros((len(doc), 9), "f")
        scores[:, tag] = 9.0
        ner.set_annotations(docs, [scores])
        assert doc.ents
        assert all(ent.text == ent.text.strip() for ent in doc.ents)


def test_ner_replaces_entities_unless_told_to_keep_them(trained_ner):
    text = "Aspirin causes renal failure ."
    ner = trained_ner.get_pipe("ner")
    doc = trained_ner.make_doc(text)
    doc.ents = [Span(doc, 3, 5, "Custom", kb_id="D1")]
    assert read_ents(ner(doc.copy())) == TEXTS[text]
    ner.overwrite_ents = False
    try:
        kept = ner(doc.copy())
    finally:
        ner.overwrite_ents = True
    assert (3, 5, "Custom") in read_ents(kept)
    assert kept.ents[-1].kb_id_ == "D1"
    assert read_ents(kept)[0] == (0, 1, "Chemical")
    assert all(end <= 3 for _, end, _ in read_ents(kept)[:-1])
    assert kept.ents[-1]._.confidence is None


def test_ner_round_trips(trained_ner, tmp_path):
    trained_ner.to_disk(tmp_path / "pipeline")
    loaded = spacy.load(tmp_path / "pipeline")
    copied = make_blank()
    copied.from_bytes(trained_ner.to_bytes())
    for other in (loaded, copied):
        assert other.get_pipe("ner").labels == ("Chemical", "Disease")
        for text in TEXTS:
            doc, expected = other(text), trained_ner(text)
            assert doc.user_data == expected.user_data
            assert read_ents(doc) == read_ents(expected)


def test_ner_keeps_what_it_knows_when_a_label_is_added(trained_ner):
    nlp = make_blank()
    nlp.from_bytes(trained_ner.to_bytes())
    ner = nlp.get_pipe("ner")
    assert ner.add_label("Gene") == 1
    assert ner.add_label("Gene") == 0
    assert {text: read_ents(nlp(text)) for text in TEXTS} == TEXTS
    optimizer = nlp.resume_training()
    optimizer.learn_rate = 0.02
    texts = {**TEXTS, "BRCA1 mutations .": [(0, 1, "Gene")]}
    for _ in range(60):
        nlp.update(make_examples(nlp, texts), sgd=optimizer)
    assert {text: read_ents(nlp(text)) for text in texts} == texts


def test_ner_scores_are_none_without_annotation(trained_ner):
    scores = trained_ner.evaluate([make_example(trained_ner, "Aspirin helps .", None)])
    assert scores["ents_f"] is None


def initialize(examples, *, labels=None, nO=None):
    nlp = make_blank(model={**MODEL, "nO": nO})
    examples = [make_example(nlp, *example) for example in examples]
    nlp.get_pipe("ner").initialize(lambda: examples, labels=labels)


@pytest.mark.parametrize(
    ("code", "kwargs"),
    [
        ("B400", {"examples": [("No entities .", [])]}),
        ("B401", {"examples": TEXTS.items(), "nO": 3}),
        ("B402", {"examples": TEXTS.items(), "labels": [""]}),
        ("B403", {"examples": [("", [])], "labels": ["Disease"]}),
        ("B404", {"examples": TEXTS.items(), "labels": ["disease"]}),
    ],
)
def test_ner_refuses_what_it_cannot_learn_from(code, kwargs):
    with pytest.raises(ValueError, match=rf"^\[{code}\] Component 'ner'"):
        initialize(**kwargs)


def test_ner_refuses_an_unknown_scheme():
    with pytest.raises(ConfigValidationError, match="scheme"):
        make_blank(scheme="iob1")


NER = """factory = "biobert_ner"
[model]
@architectures = "spacy-biobert.TaggingModel.v1"
[model.tok2vec]
LISTENER"""


def test_ner_learns_through_the_shared_encoder(tiny_encoder):
    spacy.util.fix_random_seed(0)
    nlp = make_nlp(tiny_encoder, ner=NER)
    nlp.initialize(lambda: make_examples(nlp))
    nlp.get_pipe("ner").predict([])
    docs = list(nlp.pipe(["", "Aspirin causes renal failure .", ""]))
    assert [len(doc) for doc in docs] == [0, 5, 0]
    optimizer = nlp.create_optimizer()
    optimizer.learn_rate = 0.01
    for _ in range(40):
        losses = nlp.update(
            [*make_examples(nlp), make_example(nlp, "", [])], sgd=optimizer
        )
    assert losses["ner"] < 0.1
    assert {text: read_ents(nlp(text)) for text in TEXTS} == TEXTS


def test_ner_default_config_listens_to_the_encoder(tiny_encoder):
    nlp = make_nlp(tiny_encoder)
    nlp.add_pipe("biobert_ner", name="ner")
    nlp.initialize(lambda: make_examples(nlp))
    assert nlp.get_pipe("transformer").listening_components == ["ner"]
    assert nlp("Aspirin helps .").has_annotation("ENT_IOB")


def test_ner_warns_once_of_gold_entities_that_no_tokens_make():
    nlp = make_blank()
    odd = nlp.make_doc("aspirin - induced pain")
    odd.ents = [Span(odd, 0, 1, "Chemical"), Span(odd, 3, 4, "Disease")]
    odd.user_data["document_id"] = "17"
    words, spaces = ["aspirin-induced", "pain"], [True, False]
    joined = Doc(nlp.vocab, words=words, spaces=spaces)
    examples = [Example(joined, odd), *make_examples(nlp)]
    with pytest.warns(
        UserWarning, match=r"\[B473\].*1 of the 6.*'aspirin'.*'17'"
    ) as seen:
        nlp.get_pipe("ner").initialize(lambda: examples)
    assert len(seen) == 1
    assert nlp.get_pipe("ner").labels == ("Chemical", "Disease")
