import numpy
import pytest
import spacy
from spacy.tokens import Span
from spacy.training import Example

from spacy_biobert.pipeline.relation_calibration import calibrate
from spacy_biobert.pipeline.relation_tuning import join_items, score_items

from .test_relation import (
    ASPIRIN,
    PAIN,
    make_blank,
    make_doc,
    make_docs,
    make_example,
)

LABELS = ("changes", "induces", "treats")
N_ENTS = 5


def make_examples(nlp, kind, *, n_docs=4):
    """Docs whose entities and relations are drawn, some of them never proposed."""
    rng = numpy.random.default_rng(5)
    examples = []
    for _ in range(n_docs):
        words = rng.choice(["Aspirin", "pain", "fever", "ASA"], size=3 * N_ENTS)
        ents = [(3 * i, 3 * i + 1, "X") for i in range(N_ENTS)]
        ids = rng.choice(["C1", "C2|C3", "D1", ""], size=N_ENTS).tolist()
        docs = [make_doc(nlp, " ".join(words), ents) for _ in range(2)]
        for doc in docs:
            doc.ents = [
                Span(doc, ent.start, ent.end, "X", kb_id=kb)
                for ent, kb in zip(doc.ents, ids, strict=True)
            ]
        predicted, reference = docs
        labels = rng.choice([*LABELS, "only here"], size=12, p=[0.3, 0.3, 0.3, 0.1])
        if kind in ("mentions", "both"):
            pairs = rng.choice(N_ENTS, size=(12, 2))
            reference.user_data["relations"] = [
                (3 * i, 3 * i + 1, 3 * j, 3 * j + 1, str(label), 1.0)
                for (i, j), label in zip(pairs.tolist(), labels, strict=True)
            ]
        if kind in ("concepts", "both"):
            pairs = rng.choice(["C1", "C2", "C3", "D1", "D9"], size=(12, 2))
            reference.user_data["concept_relations"] = [
                (str(one), str(two), str(label))
                for (one, two), label in zip(pairs, labels, strict=True)
            ]
        examples.append(Example(predicted, reference))
    # Without annotation, so that nothing in it counts.
    bare = make_doc(nlp, "Aspirin or pain", [(0, 1, "X"), (2, 3, "X")])
    return [*examples, Example(bare, bare.copy())]


def make_random(**config):
    """A pipeline whose scores mean nothing but differ from each other."""
    spacy.util.fix_random_seed(0)
    nlp = make_blank(pairs={"max_distance": 9}, **config)
    # Not those that are drawn, which give some pairs several labels.
    eg = make_example(nlp, "Aspirin treats pain .", [ASPIRIN, PAIN], [(0, 1, "treats")])
    nlp.get_pipe("relation").initialize(lambda: [eg], labels=LABELS)
    W = nlp.get_pipe("relation").model.get_ref("output_layer").get_param("W")
    W[:] = numpy.random.default_rng(1).normal(size=W.shape)
    return nlp


def evaluate(nlp, kind):
    scores = nlp.evaluate(make_examples(nlp, kind))
    return {key: scores[f"rel_{key}"] for key in ("micro_p", "micro_r", "micro_f")}, {
        label: scores["rel_per_type"].get(label, {"p": 0.0, "r": 0.0, "f": 0.0})
        for label in LABELS
    }


def find_all_scores(nlp, kind):
    """Every probability there is, by the relations at a threshold of 0."""
    relation = nlp.get_pipe("relation")
    thresholds = dict(relation.cfg["thresholds"])
    relation.cfg["thresholds"] = dict.fromkeys(LABELS, 0.0)
    docs = list(nlp.pipe([eg.predicted for eg in make_examples(nlp, kind)]))
    relation.cfg["thresholds"] = thresholds
    return sorted({r.score for doc in docs for r in doc._.relations})


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("mentions", {}),
        ("concepts", {}),
        ("both", {"exclusive": True}),
        ("concepts", {"pool_concepts": "max"}),
    ],
    ids=str,
)
def test_tuned_thresholds_have_the_best_f1_that_the_scorer_gives(kind, config):
    nlp = make_random(**config)
    relation = nlp.get_pipe("relation")
    before = evaluate(nlp, kind)
    found = relation.tune(make_examples(nlp, kind))
    after = evaluate(nlp, kind)
    assert found == relation.cfg["thresholds"]
    assert after != before
    chosen = dict(relation.cfg["thresholds"])
    for i, label in enumerate(LABELS):
        best = 0.0
        for score in find_all_scores(nlp, kind):
            relation.cfg["thresholds"] = {**chosen, label: score}
            best = max(best, evaluate(nlp, kind)[1][label]["f"])
        relation.cfg["thresholds"] = chosen
        assert best > 0
        assert after[1][label]["f"] == pytest.approx(best), (i, label)


@pytest.mark.parametrize("kind", ["mentions", "concepts"])
def test_tuned_scores_are_shares_of_right_relations(kind):
    nlp = make_random()
    relation = nlp.get_pipe("relation")
    before = join_items(find_items(nlp, kind))
    relation.tune(make_examples(nlp, kind))

    items = join_items(find_items(nlp, kind))
    for column, label in enumerate(LABELS):
        can_be = items.scores[:, column] >= 0
        mean = items.scores[can_be, column].mean()
        # Platt's fit has the same mean, but for targets a little inside of 0 and 1.
        assert mean == pytest.approx(items.is_right[can_be, column].mean(), abs=0.05)
        own = before.scores[can_be, column]
        assert own.mean() != pytest.approx(mean, abs=0.05), label
        order = items.scores[can_be, column][own.argsort(kind="stable")]
        assert (numpy.diff(order) >= 0).all()


def find_items(nlp, kind):
    relation = nlp.get_pipe("relation")
    found = []
    for eg in make_examples(nlp, kind):
        scores = relation.predict([eg.predicted])
        (own,) = relation._find_chances([eg.predicted], scores)
        chances = calibrate(own, relation.cfg["calibrations"], LABELS)
        found += score_items(
            *(eg.predicted, eg.reference, scores.pairs[0], chances),
            labels=LABELS,
            directed=True,
        )
    return found


def test_tuned_thresholds_are_saved_and_used(tmp_path):
    nlp = make_random()
    nlp.get_pipe("relation").tune(make_examples(nlp, "mentions"))
    nlp.to_disk(tmp_path / "tuned")
    loaded = spacy.load(tmp_path / "tuned")
    relation = loaded.get_pipe("relation")
    assert relation.cfg["thresholds"] == nlp.get_pipe("relation").cfg["thresholds"]
    assert set(relation.cfg["thresholds"]) == set(LABELS)
    assert evaluate(loaded, "mentions") == evaluate(nlp, "mentions")
    relation.cfg["thresholds"] = {"induces": 1.0, "changes": 1.0}
    relation.threshold = 0.0
    docs = list(loaded.pipe(make_docs(loaded)))
    assert {r.label for doc in docs for r in doc._.relations} == {"treats"}


def test_tuning_takes_the_docs_as_they_come_and_leaves_them():
    nlp = make_random()
    relation = nlp.get_pipe("relation")
    examples = make_examples(nlp, "mentions")
    found = relation.tune(iter(examples))
    assert found == make_random().get_pipe("relation").tune(examples)
    assert not any("relations" in eg.predicted.user_data for eg in examples)


def test_tuning_without_annotation_changes_nothing():
    nlp = make_random()
    relation = nlp.get_pipe("relation")
    assert relation.tune(make_examples(nlp, "mentions")[-1:]) == {}
    assert relation.tune([]) == {}
    assert relation.cfg["thresholds"] == {}


def test_tuning_keeps_the_threshold_of_a_label_that_is_never_right():
    nlp = make_random()
    relation = nlp.get_pipe("relation")
    examples = make_examples(nlp, "mentions")
    for eg in examples[:-1]:
        eg.reference.user_data["relations"] = [
            row for row in eg.reference.user_data["relations"] if row[4] != "treats"
        ]
    assert set(relation.tune(examples)) == {"changes", "induces"}
    assert set(relation.cfg["thresholds"]) == {"changes", "induces"}
