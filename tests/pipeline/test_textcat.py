import numpy
import pytest
import spacy
from numpy.testing import assert_allclose
from spacy.tokens import Span
from spacy.training import Example

from ..pipelines import make_nlp
from .tagged import TOK2VEC
from .test_ner import NER

MODEL = {"@architectures": "spacy-biobert.TextCatModel.v1", "tok2vec": TOK2VEC}
ONE = {
    "Aspirin causes renal failure .": {"drug": 1.0, "gene": 0.0, "other": 0.0},
    "BRCA1 is mutated .": {"drug": 0.0, "gene": 1.0, "other": 0.0},
    "Nothing was found .": {"drug": 0.0, "gene": 0.0, "other": 1.0},
}
ANY = {
    "Aspirin inhibits COX1 .": {"drug": 1.0, "gene": 1.0},
    "BRCA1 is mutated .": {"drug": 0.0, "gene": 1.0},
    "Nothing was found .": {"drug": 0.0, "gene": 0.0},
}
FACTORIES = {"biobert_textcat": ONE, "biobert_textcat_multilabel": ANY}


def make_blank(factory, **config):
    nlp = spacy.blank("en")
    nlp.add_pipe(factory, "textcat", config={"model": MODEL, **config})
    return nlp


def make_example(nlp, text, cats):
    doc = nlp.make_doc(text)
    reference = doc.copy()
    reference.cats = dict(cats)
    return Example(doc, reference)


def make_examples(nlp, texts):
    return [make_example(nlp, text, cats) for text, cats in texts.items()]


def make_ready(factory, **kwargs):
    spacy.util.fix_random_seed(0)
    nlp = make_blank(factory)
    nlp.get_pipe("textcat").initialize(
        lambda: make_examples(nlp, FACTORIES[factory]), **kwargs
    )
    return nlp


def train(nlp, examples, n_steps=60):
    optimizer = nlp.create_optimizer()
    optimizer.learn_rate = 0.02
    for _ in range(n_steps):
        losses = nlp.update(examples, sgd=optimizer)
    return losses


def rounded(cats):
    return {label: float(value > 0.5) for label, value in cats.items()}


@pytest.mark.parametrize(("factory", "texts"), FACTORIES.items())
def test_textcat_learns_the_categories_of_its_examples(factory, texts, tmp_path):
    spacy.util.fix_random_seed(0)
    nlp = make_blank(factory)
    nlp.initialize(lambda: make_examples(nlp, texts))
    losses = train(nlp, make_examples(nlp, texts))
    assert losses["textcat"] < 0.1
    assert {text: rounded(nlp(text).cats) for text in texts} == texts
    scores = nlp.evaluate(make_examples(nlp, texts))
    assert scores["cats_score"] == scores["cats_micro_f"] == 1.0

    nlp.to_disk(tmp_path / "pipeline")
    loaded = spacy.load(tmp_path / "pipeline")
    copied = make_blank(factory)
    copied.from_bytes(nlp.to_bytes())
    for text in texts:
        assert loaded(text).cats == copied(text).cats == nlp(text).cats


def test_textcat_exclusive_probabilities_sum_to_one():
    nlp = make_ready("biobert_textcat")
    cats = nlp("Aspirin is a drug .").cats
    assert list(cats) == ["drug", "gene", "other"]
    assert sum(cats.values()) == pytest.approx(1.0)
    assert all(type(value) is float for value in cats.values())


@pytest.mark.parametrize("factory", FACTORIES)
def test_textcat_finds_nothing_in_documents_without_words(factory):
    nlp = make_ready(factory)
    docs = list(nlp.pipe(["", " ", "\n\n", "Aspirin ."]))
    for doc in docs[:3]:
        assert doc.cats
        assert not any(doc.cats.values())
    assert all(docs[3].cats.values())


def test_textcat_reads_its_labels_from_all_examples():
    nlp = make_blank("biobert_textcat_multilabel")
    texts = [("One .", {"a": 1.0})] * 30 + [("Two .", {"b": 1.0})]
    nlp.initialize(lambda: [make_example(nlp, *text) for text in texts])
    assert nlp.get_pipe("textcat").label_data == ("a", "b")


@pytest.mark.parametrize(("factory", "texts"), FACTORIES.items())
def test_textcat_gradient_matches_finite_differences(factory, texts):
    nlp = make_ready(factory)
    textcat = nlp.get_pipe("textcat")
    examples = make_examples(nlp, texts)
    examples.insert(1, make_example(nlp, "Not annotated .", {}))
    if factory == "biobert_textcat_multilabel":
        examples.append(make_example(nlp, "Partly annotated .", {"drug": 1.0}))
    shape = (len(examples), len(textcat.labels))
    scores = numpy.random.default_rng(0).normal(size=shape)
    _, d_scores = textcat.get_loss(examples, scores)
    expected = numpy.zeros_like(scores)
    for i in numpy.ndindex(*scores.shape):
        for step in (+0.001, -0.001):
            scores[i] += step
            expected[i] += textcat.get_loss(examples, scores)[0] / (2 * step)
            scores[i] -= step
    assert_allclose(d_scores, expected, atol=1e-5)
    assert not d_scores[1].any()
    assert d_scores[0].all()
    if factory == "biobert_textcat_multilabel":
        assert (d_scores[-1] != 0).tolist() == [True, False]


def test_textcat_does_not_learn_a_category_it_was_not_told_of():
    nlp = make_blank("biobert_textcat")
    textcat = nlp.get_pipe("textcat")
    examples = make_examples(nlp, ONE)
    textcat.initialize(lambda: examples, labels=["drug", "gene"])
    _, d_scores = textcat.get_loss(examples, numpy.ones((3, 2), "f"))
    assert d_scores[:2].all()
    assert not d_scores[2].any()


@pytest.mark.parametrize("factory", FACTORIES)
def test_textcat_does_not_learn_from_a_missing_annotation(factory):
    nlp = make_ready(factory)
    textcat, losses = nlp.get_pipe("textcat"), {}
    textcat.update([make_example(nlp, "Aspirin helps .", {})], losses=losses)
    assert losses == {"textcat": 0.0}
    gradients = [
        node.get_grad(name)
        for node in textcat.model.walk()
        for name in node.param_names
        if node.has_grad(name)
    ]
    assert gradients
    assert not any(gradient.any() for gradient in gradients)


@pytest.mark.parametrize(("factory", "texts"), FACTORIES.items())
def test_textcat_scores_only_annotated_docs(factory, texts):
    nlp = make_ready(factory)
    train(nlp, make_examples(nlp, texts))
    other = make_example(nlp, "Not annotated .", {})
    annotated = nlp.evaluate(make_examples(nlp, texts))
    mixed = nlp.evaluate([*make_examples(nlp, texts), other])
    for key in ("cats_score", "cats_micro_p", "cats_macro_f", "cats_macro_auc"):
        assert mixed[key] == annotated[key] == 1.0
    assert nlp.evaluate([other])["cats_score"] is None


@pytest.mark.parametrize("factory", FACTORIES)
def test_textcat_gives_a_doc_without_tokens_no_category(factory):
    nlp = make_ready(factory)
    docs = list(nlp.pipe(["", "Aspirin helps ."]))
    alone = nlp("")
    assert set(docs[0].cats.values()) == set(alone.cats.values()) == {0.0}
    assert min(docs[1].cats.values()) > 0.0


def test_textcat_threshold_moves_precision_and_recall():
    nlp = make_ready("biobert_textcat_multilabel")
    textcat = nlp.get_pipe("textcat")
    examples = make_examples(nlp, ANY)
    textcat.cfg["threshold"] = 0.0
    assert nlp.evaluate(examples)["cats_micro_r"] == 1.0
    textcat.cfg["threshold"] = 1.01
    assert nlp.evaluate(examples)["cats_micro_r"] == 0.0


def test_textcat_scores_the_positive_label():
    spacy.util.fix_random_seed(0)
    nlp = make_blank("biobert_textcat")
    texts = {"Aspirin .": {"yes": 1.0, "no": 0.0}, "None .": {"yes": 0.0, "no": 1.0}}
    examples = make_examples(nlp, texts)
    nlp.get_pipe("textcat").initialize(lambda: examples, positive_label="yes")
    assert nlp.evaluate(examples)["cats_score_desc"] == "F (yes)"


@pytest.mark.parametrize("factory", FACTORIES)
def test_textcat_keeps_what_it_knows_when_a_label_is_added(factory):
    nlp = make_ready(factory)
    textcat = nlp.get_pipe("textcat")
    doc = nlp.make_doc("Aspirin causes renal failure .")
    before = textcat.predict([doc])
    assert textcat.add_label("new") == 1
    assert textcat.add_label("new") == 0
    after = textcat.predict([doc])
    assert_allclose(after[:, :-1], before)
    assert list(nlp(doc).cats) == [*list(FACTORIES[factory].values())[0], "new"]


def initialize(
    examples, *, factory="biobert_textcat", nO=None, class_weights=None, **kwargs
):
    nlp = make_blank(factory, model={**MODEL, "nO": nO}, class_weights=class_weights)
    examples = [make_example(nlp, *example) for example in examples]
    nlp.get_pipe("textcat").initialize(lambda: examples, **kwargs)


@pytest.mark.parametrize(
    ("code", "kwargs"),
    [
        ("B400", {"examples": [("One category .", {"a": 1.0})]}),
        ("B400", {"examples": [("None .", {})], "factory": "biobert_textcat"}),
        ("B401", {"examples": ONE.items(), "nO": 2}),
        ("B402", {"examples": ONE.items(), "labels": ["a", 1]}),
        ("B403", {"examples": [("", {})], "labels": ["a", "b"]}),
        ("B404", {"examples": ONE.items(), "labels": ["Drug", "Gene"]}),
        ("B410", {"examples": [("Half .", {"a": 0.5, "b": 0.5})]}),
        ("B411", {"examples": ANY.items()}),
        ("B412", {"examples": ONE.items(), "positive_label": "drug"}),
        ("B414", {"examples": ONE.items(), "class_weights": [["Drug", 2.0]]}),
        ("B414", {"examples": ONE.items(), "class_weights": [["drug", 0.0]]}),
        ("B414", {"examples": ONE.items(), "class_weights": [["drug"]]}),
        ("B414", {"examples": ONE.items(), "class_weights": [["drug", "2.0"]]}),
        ("B414", {"examples": ONE.items(), "class_weights": "even"}),
    ],
)
def test_textcat_refuses_what_it_cannot_learn_from(code, kwargs):
    with pytest.raises(ValueError, match=rf"^\[{code}\] Component 'textcat'"):
        initialize(**kwargs)


TEXTCAT = """factory = "biobert_textcat_multilabel"
[model]
@architectures = "spacy-biobert.TextCatModel.v1"
[model.tok2vec]
CLS_LISTENER"""


def make_joint(nlp, text, *, ents=None, cats=None):
    doc = nlp.make_doc(text)
    reference = doc.copy()
    reference.cats = cats or {}
    if ents is not None:
        reference.ents = [Span(reference, *ent) for ent in ents]
    return Example(doc, reference)


def read_encoder(nlp):
    (shim,) = [
        shim for node in nlp.get_pipe("transformer").model.walk() for shim in node.shims
    ]
    return [p.detach().numpy().copy() for p in shim._model.parameters()]


@pytest.mark.parametrize("order", [("ner", "textcat"), ("textcat", "ner")])
def test_components_learn_jointly_from_docs_that_carry_one_annotation(
    tiny_encoder, order
):
    spacy.util.fix_random_seed(0)
    blocks = {"ner": NER, "textcat": TEXTCAT}
    nlp = make_nlp(tiny_encoder, **{name: blocks[name] for name in order})
    texts = [
        {"text": "Aspirin causes headache .", "ents": [(0, 1, "Chemical")]},
        {"text": "BRCA1 is mutated .", "cats": {"gene": 1.0, "drug": 0.0}},
        {"text": "The drug is toxic .", "cats": {"gene": 0.0, "drug": 1.0}},
        {"text": "No drug .", "ents": []},
    ]
    nlp.initialize(lambda: [make_joint(nlp, **text) for text in texts])
    optimizer = nlp.create_optimizer()
    optimizer.learn_rate = 0.01
    for _ in range(40):
        examples = [make_joint(nlp, **text) for text in texts]
        losses = nlp.update(examples, sgd=optimizer)
    assert losses["ner"] < 0.1
    assert losses["textcat"] < 0.1
    doc = nlp(texts[0]["text"])
    assert [(ent.start, ent.end, ent.label_) for ent in doc.ents] == texts[0]["ents"]
    for text in texts[1:3]:
        assert rounded(nlp(text["text"]).cats) == text["cats"]


@pytest.mark.parametrize("annotated", ["ner", "textcat"])
def test_encoder_learns_from_one_component_when_the_other_has_no_annotation(
    tiny_encoder, annotated
):
    nlp = make_nlp(tiny_encoder, ner=NER, textcat=TEXTCAT)
    texts = {
        "ner": {"text": "Aspirin causes headache .", "ents": [(0, 1, "Chemical")]},
        "textcat": {"text": "BRCA1 is mutated .", "cats": {"gene": 1.0}},
    }
    nlp.initialize(lambda: [make_joint(nlp, **text) for text in texts.values()])
    before = read_encoder(nlp)
    # as `spacy train` does it: `nlp.update(sgd=...)` steps the encoder too early
    losses = nlp.update([make_joint(nlp, **texts[annotated])], sgd=False)
    optimizer = nlp.create_optimizer()
    for _, component in nlp.pipeline:
        component.finish_update(optimizer)
    assert {name: losses[name] > 0 for name in texts} == {
        name: name == annotated for name in texts
    }
    assert any((a != b).any() for a, b in zip(before, read_encoder(nlp), strict=True))
