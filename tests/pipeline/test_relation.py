import math

import numpy
import pytest
import spacy
from numpy.testing import assert_allclose
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import ConfigValidationError

from spacy_biobert.models.pair_vectors import PairRows

TOK2VEC = {
    "@architectures": "spacy.HashEmbedCNN.v2",
    "pretrained_vectors": None,
    "width": 16,
    "depth": 1,
    "embed_size": 100,
    "window_size": 1,
    "maxout_pieces": 2,
    "subword_features": False,
}
MODEL = {
    "@architectures": "spacy-biobert.RelationModel.v1",
    "tok2vec": TOK2VEC,
    "hidden_width": 16,
}
ASPIRIN, PAIN, FEVER = (0, 1, "Chemical"), (2, 3, "Disease"), (4, 5, "Disease")
# Two sentences of the same two names.
TWICE = "Aspirin induces pain . Aspirin treats pain ."
MENTIONS = [ASPIRIN, PAIN, (4, 5, "Chemical"), (6, 7, "Disease")]
# text -> entities, relations (by the places of their entities)
TEXTS = {
    "Aspirin induces pain .": ([ASPIRIN, PAIN], [(0, 1, "induces")]),
    "Aspirin treats pain .": ([ASPIRIN, PAIN], [(0, 1, "treats")]),
    "Aspirin induces pain treats fever .": (
        [ASPIRIN, PAIN, FEVER],
        [(0, 1, "induces"), (0, 2, "treats"), (0, 2, "changes")],
    ),
    "Aspirin and pain .": ([ASPIRIN, PAIN], []),
    "Aspirin .": ([ASPIRIN], []),
}


def get_pairs(**kwargs):
    return {"@misc": "spacy-biobert.entity_pairs.v1", **kwargs}


def make_blank(*, pairs=None, model=None, **config):
    nlp = spacy.blank("en")
    model = {**MODEL, "get_pairs": get_pairs(**(pairs or {})), **(model or {})}
    nlp.add_pipe("biobert_relation", "relation", config={"model": model, **config})
    return nlp


def make_doc(nlp, text, ents):
    doc = nlp.make_doc(text)
    doc.ents = [Span(doc, *ent) for ent in ents]
    return doc


def make_example(nlp, text, ents=(), relations=None):
    reference = make_doc(nlp, text, ents)
    if relations is not None:
        reference.user_data["relations"] = [
            (*ents[one][:2], *ents[two][:2], label, 1.0)
            for one, two, label in relations
        ]
    return Example(make_doc(nlp, text, ents), reference)


def make_examples(nlp, texts=TEXTS):
    return [make_example(nlp, text, *gold) for text, gold in texts.items()]


def make_docs(nlp, texts=TEXTS):
    return [make_doc(nlp, text, texts[text][0]) for text in texts]


def read_relations(doc):
    """Relations by the places of their entities, in alphabetic order."""
    places = {ent: i for i, ent in enumerate(doc.ents)}
    return sorted((places[r.arg1], places[r.arg2], r.label) for r in doc._.relations)


def gold_relations(texts=TEXTS):
    return [sorted(relations) for _, relations in texts.values()]


def get_gradients(nlp):
    return [
        node.get_grad(name)
        for node in nlp.get_pipe("relation").model.walk()
        for name in node.param_names
        if node.has_grad(name)
    ]


@pytest.fixture
def blank():
    """A pipeline that knows its labels but has learned nothing."""
    spacy.util.fix_random_seed(0)
    nlp = make_blank()
    nlp.initialize(lambda: make_examples(nlp))
    return nlp


@pytest.fixture(scope="module")
def trained():
    """A pipeline that knows TEXTS by heart."""
    spacy.util.fix_random_seed(0)
    nlp = make_blank()
    nlp.initialize(lambda: make_examples(nlp))
    optimizer = nlp.create_optimizer()
    optimizer.learn_rate = 0.02
    for _ in range(100):
        nlp.update(make_examples(nlp), sgd=optimizer)
    return nlp


def test_relation_learns_several_labels_or_none_per_pair(trained):
    docs = list(trained.pipe(make_docs(trained)))
    assert trained.get_pipe("relation").labels == ("changes", "induces", "treats")
    assert [read_relations(doc) for doc in docs] == gold_relations()
    scores = trained.evaluate(make_examples(trained))
    assert scores["rel_micro_f"] == scores["rel_macro_f"] == 1.0
    assert set(scores["rel_per_type"]) == {"changes", "induces", "treats"}


def test_relation_learns_from_concepts():
    spacy.util.fix_random_seed(0)
    nlp = make_blank(pairs={"types": [["Chemical", "Disease"]]})
    examples = make_examples(nlp)
    for eg in examples:
        eg.reference.ents = [
            Span(eg.reference, ent.start, ent.end, ent.label, kb_id=ent.text)
            for ent in eg.reference.ents
        ]
        eg.reference.user_data["concept_relations"] = [
            (eg.reference[start1:end1].text, eg.reference[start2:end2].text, label)
            for start1, end1, start2, end2, label, _ in eg.reference.user_data.pop(
                "relations"
            )
        ]
    nlp.initialize(lambda: examples)
    optimizer = nlp.create_optimizer()
    optimizer.learn_rate = 0.02
    for _ in range(100):
        nlp.update(examples, sgd=optimizer)
    assert [read_relations(doc) for doc in nlp.pipe(make_docs(nlp))] == gold_relations()
    assert nlp.evaluate(examples)["rel_micro_f"] == 1.0


def test_relation_stores_plain_data(trained):
    doc = trained(make_doc(trained, *list(TEXTS.items())[0][:1], [ASPIRIN, PAIN]))
    (row,) = doc.user_data["relations"]
    assert [type(part) for part in row] == [int] * 4 + [str, float]
    assert row[:5] == (0, 1, 2, 3, "induces")


def test_relation_score_is_the_probability_of_the_label(trained):
    relation, docs = trained.get_pipe("relation"), make_docs(trained)
    for threshold, is_expected in ((0.5, True), (0.0, False), (1.0, False)):
        logits = numpy.array([[0.0, 2.0, -2.0], [9.0, -0.1, 0.1]], "f")
        pairs = numpy.array([[0, 1, 2, 3], [2, 3, 0, 1]], "int32")
        relation.threshold, before = threshold, relation.threshold
        try:
            relation.set_annotations(docs[:1], PairRows([pairs], logits))
        finally:
            relation.threshold = before
        found = docs[0].user_data["relations"]
        if is_expected:
            chances = [1 / (1 + math.exp(-x)) for x in (0.0, 2.0, 9.0, 0.1)]
            assert [row[-1] for row in found] == pytest.approx(chances)
            assert [row[:5] for row in found] == [
                (0, 1, 2, 3, "changes"),
                (0, 1, 2, 3, "induces"),
                (2, 3, 0, 1, "changes"),
                (2, 3, 0, 1, "treats"),
            ]
        else:
            assert len(found) == (6 if threshold == 0.0 else 0)


def test_relation_annotates_each_doc_with_its_own_pairs(trained):
    docs = [trained.make_doc(""), *make_docs(trained), trained.make_doc("")]
    docs = list(trained.pipe(docs, batch_size=10))
    assert [read_relations(doc) for doc in docs] == [[], *gold_relations(), []]
    assert docs[0].user_data["relations"] == []
    for doc, alone in zip(docs[1:-1], make_docs(trained), strict=True):
        expected = [r.score for r in trained(alone)._.relations]
        assert [r.score for r in doc._.relations] == pytest.approx(expected)


@pytest.mark.parametrize("texts", [[], [""], ["", "No entity ."]])
def test_relation_takes_docs_without_pairs(trained, texts):
    docs = list(trained.pipe(texts))
    relation = trained.get_pipe("relation")
    assert relation.predict([doc.copy() for doc in docs]).rows.shape == (0, 3)
    assert [doc.user_data["relations"] for doc in docs] == [[]] * len(texts)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_relation_annotates_in_several_processes(trained):
    docs = list(trained.pipe(make_docs(trained), n_process=2, batch_size=1))
    assert [read_relations(doc) for doc in docs] == gold_relations()


def test_relation_round_trips(trained, tmp_path):
    trained.to_disk(tmp_path / "pipeline")
    loaded = spacy.load(tmp_path / "pipeline")
    copied = make_blank()
    copied.from_bytes(trained.to_bytes())
    for other in (loaded, copied):
        assert other.get_pipe("relation").labels == ("changes", "induces", "treats")
        for doc, expected in zip(make_docs(other), make_docs(trained), strict=True):
            assert other(doc).user_data == trained(expected).user_data
    path = tmp_path / "pipeline"
    strict = spacy.load(path, config={"components.relation.threshold": 1.0})
    assert not any(doc._.relations for doc in strict.pipe(make_docs(strict)))


def test_relation_keeps_what_it_knows_when_a_label_is_added(trained):
    nlp = make_blank()
    nlp.from_bytes(trained.to_bytes())
    relation = nlp.get_pipe("relation")
    assert relation.add_label("worsens") == 1
    assert relation.add_label("worsens") == 0
    relation.threshold = 0.51
    assert [read_relations(doc) for doc in nlp.pipe(make_docs(nlp))] == gold_relations()
    optimizer = nlp.resume_training()
    optimizer.learn_rate = 0.02
    texts = {**TEXTS, "Aspirin worsens pain .": ([ASPIRIN, PAIN], [(0, 1, "worsens")])}
    for _ in range(80):
        nlp.update(make_examples(nlp, texts), sgd=optimizer)
    docs = nlp.pipe(make_docs(nlp, texts))
    assert [read_relations(doc) for doc in docs] == gold_relations(texts)


def get_loss(nlp, examples, rows):
    relation = nlp.get_pipe("relation")
    pairs = relation.predict([eg.predicted for eg in examples]).pairs
    return relation.get_loss(examples, PairRows(pairs, rows))


def test_relation_loss_is_the_mean_over_labels_of_annotated_pairs(blank):
    examples = [
        make_example(blank, "Aspirin treats pain .", [ASPIRIN, PAIN]),
        make_example(
            blank, "Aspirin treats pain .", [ASPIRIN, PAIN], [(0, 1, "treats")]
        ),
    ]
    rows = numpy.zeros((4, 3), "f")
    rows[2, 2] = math.log(3)  # probability 3/4
    loss, d_rows = get_loss(blank, examples, rows)
    assert loss == pytest.approx((5 * math.log(2) - math.log(3 / 4)) / 6)
    expected = numpy.array([[0.5, 0.5, -0.25], [0.5, 0.5, 0.5]]) / 6
    assert_allclose(d_rows, [[0, 0, 0], [0, 0, 0], *expected], atol=1e-6)


@pytest.mark.parametrize("positive_weight", [1.0, 5.0])
def test_relation_loss_gradient_matches_finite_differences(blank, positive_weight):
    blank.get_pipe("relation").positive_weight = positive_weight
    examples = make_examples(blank)
    examples.append(make_example(blank, "Aspirin or pain .", [ASPIRIN, PAIN]))
    rng = numpy.random.default_rng(0)
    rows = rng.normal(size=(2 + 2 + 6 + 2 + 0 + 2, 3))
    _, d_rows = get_loss(blank, examples, rows)
    expected = numpy.zeros_like(rows)
    for i in numpy.ndindex(*rows.shape):
        for step in (+1e-3, -1e-3):
            rows[i] += step
            expected[i] += get_loss(blank, examples, rows)[0] / (2 * step)
            rows[i] -= step
    assert_allclose(d_rows, expected, atol=1e-6)
    assert not d_rows[-2:].any()
    assert d_rows[:-2].all()


def test_relation_positive_weight_counts_labels_that_apply_more_often(blank):
    relation = blank.get_pipe("relation")
    examples = make_examples(blank, {text: TEXTS[text] for text in list(TEXTS)[:1]})
    rows = numpy.zeros((2, 3), "f")
    relation.positive_weight = 3.0
    _, d_rows = get_loss(blank, examples, rows)
    assert d_rows[0, 1] == pytest.approx(-0.5 * 3 / 8)
    assert d_rows[1, 1] == pytest.approx(0.5 / 8)


def test_relation_compares_predicted_entities_with_gold_ones(blank):
    text = "Aspirin induces pain treats fever ."
    reference = make_example(blank, text, *TEXTS[text]).reference
    words = ["As", "pirin", *text.split()[1:]]
    spaces = [False, *[True] * 4, True, False]
    predicted = Doc(blank.vocab, words=words, spaces=spaces)
    # one right, one wrong, one missed, one right
    ents = [(0, 2, "Chemical"), (2, 3, "Disease"), (5, 6, "Disease")]
    predicted.ents = [Span(predicted, *ent) for ent in ents]
    eg = Example(predicted, reference)
    _, d_rows = get_loss(blank, [eg], numpy.zeros((6, 3), "f"))
    # pairs: (0, 1) (0, 2) ...: only the second is true, for "changes" and "treats"
    expected = numpy.zeros((6, 3), bool)
    expected[1, [0, 2]] = True
    assert ((d_rows < 0) == expected).all()


@pytest.mark.parametrize(("directed", "n_pairs"), [(True, 2), (False, 1)])
def test_relation_direction_is_that_of_the_proposed_pairs(directed, n_pairs):
    nlp = make_blank(pairs={"directed": directed})
    examples = [make_example(nlp, "A of B", [(0, 1, "X"), (2, 3, "X")], [(1, 0, "r")])]
    nlp.initialize(lambda: examples)
    relation = nlp.get_pipe("relation")
    assert relation.directed is directed
    _, d_rows = get_loss(nlp, examples, numpy.zeros((n_pairs, 1), "f"))
    assert (d_rows[:, 0] < 0).tolist() == ([False, True] if directed else [True])
    examples[0].predicted.user_data["relations"] = [(0, 1, 2, 3, "r", 1.0)]
    assert relation.score(examples)["rel_micro_f"] == (0.0 if directed else 1.0)


@pytest.mark.parametrize(
    "example",
    [("A or B .", [ASPIRIN, PAIN]), ("A .", [ASPIRIN], []), ("No", [], []), ("", [])],
)
def test_relation_does_not_learn_from_what_tells_nothing(blank, example):
    relation, losses = blank.get_pipe("relation"), {}
    before = relation.model.to_bytes()
    relation.update([make_example(blank, *example)], sgd=None, losses=losses)
    assert losses == {"relation": 0.0}
    assert not any(gradient.any() for gradient in get_gradients(blank))
    assert relation.model.to_bytes() == before


def test_relation_learns_that_there_is_none(blank):
    losses = {}
    eg = make_example(blank, "Aspirin or pain .", [ASPIRIN, PAIN], [])
    blank.get_pipe("relation").update([eg], sgd=None, losses=losses)
    assert losses["relation"] > 0
    assert any(gradient.any() for gradient in get_gradients(blank))


def test_relation_warns_of_gold_relations_that_it_never_proposes():
    nlp = make_blank(pairs={"max_distance": 2})
    with pytest.warns(UserWarning, match=r"^\[B457\] .*: 2 of the 5 gold .*at most 60"):
        nlp.initialize(lambda: make_examples(nlp))


def test_relation_takes_labels_as_given():
    nlp = make_blank(pairs={"max_distance": 2})
    examples = make_examples(nlp)
    relation = nlp.get_pipe("relation")
    relation.initialize(lambda: examples, nlp=nlp, labels=["treats2", "induces"])
    assert relation.labels == relation.label_data == ("treats2", "induces")
    _, d_rows = get_loss(nlp, examples[1:2], numpy.zeros((2, 2), "f"))
    assert (d_rows > 0).all()


def test_relation_says_what_it_reads_and_writes(blank):
    meta = blank.get_pipe_meta("relation")
    assert (meta.requires, meta.assigns) == (["doc.ents"], ["doc._.relations"])
    weights = (
        blank.config["training"].get("score_weights") or meta.default_score_weights
    )
    assert weights["rel_micro_f"] == 1.0
    assert blank.analyze_pipes()["problems"] == {"relation": ["doc.ents"]}


def initialize(examples, *, labels=None, **model):
    nlp = make_blank(model=model)
    examples = [make_example(nlp, *example) for example in examples]
    nlp.get_pipe("relation").initialize(lambda: examples, labels=labels)


GOLD = [(text, *gold) for text, gold in TEXTS.items()]


@pytest.mark.parametrize(
    ("code", "kwargs"),
    [
        ("B400", {"examples": [("Nothing .", [], [])]}),
        ("B401", {"examples": GOLD, "nO": 2}),
        ("B402", {"examples": GOLD, "labels": [""]}),
        ("B403", {"examples": [("", [], [])], "labels": ["treats"]}),
        ("B404", {"examples": GOLD, "labels": ["Treats"]}),
    ],
)
def test_relation_refuses_what_it_cannot_learn_from(code, kwargs):
    with pytest.raises(ValueError, match=rf"^\[{code}\] Component 'relation'"):
        initialize(**kwargs)


@pytest.mark.parametrize(
    "config", [{"threshold": 1.5}, {"threshold": -0.1}, {"positive_weight": 0.0}]
)
def test_relation_refuses_settings_out_of_range(config):
    with pytest.raises(ValueError, match=r"^\[B456\] Component 'relation'"):
        make_blank(**config)


def test_relation_refuses_a_threshold_that_is_no_number():
    with pytest.raises(ConfigValidationError, match="threshold"):
        make_blank(threshold="high")
