import numpy
import pytest
import spacy
from numpy.testing import assert_allclose
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from thinc.api import ConfigValidationError

from spacy_biobert.models.decoding import decode_entities
from spacy_biobert.models.lattice import build_lattice, sum_paths

from ..pipelines import make_nlp

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
MODEL = {"@architectures": "spacy-biobert.TaggingModel.v1", "tok2vec": TOK2VEC}
TEXTS = {
    "Aspirin causes renal failure .": [(0, 1, "Chemical"), (2, 4, "Disease")],
    "Lung cancer responds to cisplatin .": [(0, 2, "Disease"), (4, 5, "Chemical")],
    "Nothing was found .": [],
}


def make_blank(**config):
    nlp = spacy.blank("en")
    nlp.add_pipe("biobert_ner", "ner", config={"model": MODEL, **config})
    return nlp


def make_example(nlp, text, ents):
    doc = nlp.make_doc(text)
    reference = doc.copy()
    if ents is not None:
        reference.ents = [Span(reference, *ent) for ent in ents]
    return Example(doc, reference)


def make_examples(nlp, texts=TEXTS):
    return [make_example(nlp, text, ents) for text, ents in texts.items()]


def read_ents(doc):
    return [(ent.start, ent.end, ent.label_) for ent in doc.ents]


@pytest.fixture
def blank():
    """A pipeline that knows its labels but has learned nothing."""
    spacy.util.fix_random_seed(0)
    nlp = make_blank()
    nlp.initialize(lambda: make_examples(nlp))
    return nlp


def train(nlp, n_steps=60):
    optimizer = nlp.create_optimizer()
    optimizer.learn_rate = 0.02
    for _ in range(n_steps):
        losses = nlp.update(make_examples(nlp), sgd=optimizer)
    return losses


@pytest.fixture(scope="module")
def trained():
    """A pipeline that knows TEXTS by heart."""
    spacy.util.fix_random_seed(0)
    nlp = make_blank()
    nlp.initialize(lambda: make_examples(nlp))
    train(nlp)
    return nlp


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


def test_ner_takes_its_labels_in_the_given_order(blank):
    nlp = make_blank()
    ner = nlp.get_pipe("ner")
    ner.initialize(lambda: make_examples(nlp), labels=["Gene", "Chemical"])
    assert ner.labels == ("Gene", "Chemical")
    assert ner.model.get_dim("nO") == 5


def test_ner_gradient_matches_finite_differences(blank):
    ner = blank.get_pipe("ner")
    examples = make_examples(blank)
    examples.insert(1, make_example(blank, "Not annotated .", None))
    rng = numpy.random.default_rng(0)
    scores = [rng.normal(size=(len(eg.predicted), 5)) for eg in examples]
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


def test_ner_loss_does_not_change_with_docs_that_are_not_annotated(blank):
    ner = blank.get_pipe("ner")
    annotated = make_examples(blank)
    other = make_example(blank, "Not annotated .", None)
    scores = ner.model.predict([eg.predicted for eg in [*annotated, other]])
    alone, d_alone = ner.get_loss(annotated, scores[:-1])
    mixed, d_mixed = ner.get_loss([*annotated, other], scores)
    assert mixed == alone > 0
    for a, b in zip(d_alone, d_mixed[:-1], strict=True):
        assert_allclose(a, b)


def test_ner_does_not_learn_from_a_missing_annotation(blank):
    ner = blank.get_pipe("ner")
    before = ner.model.to_bytes()
    losses = {}
    eg = make_example(blank, "Aspirin helps .", None)
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


def test_ner_confidence_is_the_probability_of_the_entity(trained):
    doc = trained("Aspirin causes renal failure .")
    logits = trained.get_pipe("ner").predict([doc])[0]
    nothing = numpy.zeros(len(doc), dtype=bool)
    lattice = build_lattice(
        logits, [len(doc)], scheme="bio", is_space=nothing, is_closed=nothing
    )
    expected = decode_entities(lattice, sum_paths(lattice), [len(doc)])
    found = [ent._.confidence for ent in doc.ents]
    assert found == expected.confidences.tolist()
    assert all(0.5 < confidence < 1.0 for confidence in found)
    assert doc[0:2]._.confidence is None


def test_ner_confidence_survives_serialization(trained):
    doc = trained("Aspirin causes renal failure .")
    expected = [ent._.confidence for ent in doc.ents]
    from_bytes = Doc(trained.vocab).from_bytes(doc.to_bytes())
    docbin = DocBin(store_user_data=True, docs=[doc])
    (from_docbin,) = DocBin().from_bytes(docbin.to_bytes()).get_docs(trained.vocab)
    for other in (from_bytes, from_docbin):
        assert [ent._.confidence for ent in other.ents] == expected


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_ner_annotates_in_several_processes(trained):
    docs = list(trained.pipe(TEXTS, n_process=2, batch_size=1))
    assert [read_ents(doc) for doc in docs] == list(TEXTS.values())
    assert docs[0].ents[0]._.confidence == pytest.approx(
        trained(docs[0].text).ents[0]._.confidence
    )


def test_ner_annotates_docs_alike_alone_and_in_a_batch(trained):
    texts = ["", *TEXTS, "", "Lung cancer"]
    docs = list(trained.pipe(texts, batch_size=10))
    for text, doc in zip(texts, docs, strict=True):
        alone = trained(text)
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
    for tag in range(1, 5):
        scores = numpy.zeros((len(doc), 5), "f")
        scores[:, tag] = 9.0
        ner.set_annotations(docs, [scores])
        assert doc.ents
        assert all(ent.text == ent.text.strip() for ent in doc.ents)


def test_ner_replaces_entities_unless_told_to_keep_them(trained):
    text = "Aspirin causes renal failure ."
    ner = trained.get_pipe("ner")
    doc = trained.make_doc(text)
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


def test_ner_round_trips(trained, tmp_path):
    trained.to_disk(tmp_path / "pipeline")
    loaded = spacy.load(tmp_path / "pipeline")
    copied = make_blank()
    copied.from_bytes(trained.to_bytes())
    for other in (loaded, copied):
        assert other.get_pipe("ner").labels == ("Chemical", "Disease")
        for text in TEXTS:
            doc, expected = other(text), trained(text)
            assert doc.user_data == expected.user_data
            assert read_ents(doc) == read_ents(expected)


def test_ner_keeps_what_it_knows_when_a_label_is_added(trained):
    nlp = make_blank()
    nlp.from_bytes(trained.to_bytes())
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


def test_ner_scores_are_none_without_annotation(trained):
    scores = trained.evaluate([make_example(trained, "Aspirin helps .", None)])
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
    # "failure" may be outside or a disease: of these only their sum counts
    outside, disease = d_scores[0][3, 0], d_scores[0][3, -1]
    assert outside < 0
    assert disease < 0
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


def test_ner_refuses_an_entity_of_a_label_that_is_not_annotated(blank):
    (text, ents), *_ = TEXTS.items()
    eg = make_partial_example(blank, text, ents, ["Chemical"])
    scores = blank.get_pipe("ner").predict([eg.predicted])
    with pytest.raises(
        ValueError, match=r"^\[B471\] .*Aspirin.*\(Chemical\).* Disease"
    ):
        blank.get_pipe("ner").get_loss([eg], scores)
    with pytest.raises(ValueError, match=r"^\[B471\]"):
        blank.get_pipe("ner").initialize(lambda: [eg])
    eg.reference.user_data["annotated_labels"] = "Chemical"
    with pytest.raises(ValueError, match=r"^\[B470\]"):
        blank.get_pipe("ner").get_loss([eg], scores)


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


def make_unsure(nlp, n_docs=60):
    """Examples whose entities are sure to be found and right two times in three."""
    nothing = [(0, 1, "Chemical")]
    text = "Aspirin causes renal failure ."
    return [
        make_example(nlp, text, TEXTS[text] if i % 3 else nothing)
        for i in range(n_docs)
    ]


def test_ner_tuned_keeps_what_its_confidence_promises(trained):
    nlp = make_blank()
    nlp.from_bytes(trained.to_bytes())
    ner = nlp.get_pipe("ner")
    before = nlp.evaluate(make_unsure(nlp))

    found = ner.tune(make_unsure(nlp))

    after = nlp.evaluate(make_unsure(nlp))
    assert found == {key: ner.cfg[key] for key in ("temperature", "bias")}
    assert (after["ents_p"], after["ents_r"]) == (before["ents_p"], before["ents_r"])
    assert after["ents_ece"] < 0.05 < before["ents_ece"]
    assert ner.tune(make_unsure(nlp)) == pytest.approx(found)
    copied = make_blank()
    copied.from_bytes(nlp.to_bytes())
    text = "Aspirin causes renal failure ."
    found, expected = (
        [ent._.confidence for ent in other(text).ents] for other in (copied, nlp)
    )
    assert found == pytest.approx(expected, abs=1e-6)


def test_ner_is_not_tuned_by_what_is_not_annotated(trained):
    nlp = make_blank()
    nlp.from_bytes(trained.to_bytes())
    ner = nlp.get_pipe("ner")
    ner.cfg.update(temperature=2.0, bias=-1.0)
    assert ner.tune([make_example(nlp, "Aspirin helps .", None)]) == {}
    assert (ner.cfg["temperature"], ner.cfg["bias"]) == (2.0, -1.0)


def test_ner_gives_candidates_with_their_confidence(trained):
    nlp = make_blank(spans_key="candidates", min_confidence=1e-6, max_candidates=5)
    nlp.from_bytes(trained.to_bytes())
    docs = list(nlp.pipe(["Aspirin causes renal failure .", "", "Lung cancer"]))
    for doc in docs:
        found = doc.spans["candidates"]
        assert len(found) <= 5
        keys = [(span.start, span.end, span.label_) for span in found]
        assert set(read_ents(doc)) <= set(keys)
        for span in found:
            key = f"{span.start}:{span.end}:{span.label_}"
            assert span._.confidence == doc.user_data["entity_confidences"][key]
            assert span._.confidence >= 1e-6
    assert len(docs[0].spans["candidates"]) == 5 > len(docs[0].ents)
    assert not len(docs[1].spans["candidates"])


def test_ner_candidates_are_chosen_by_their_calibrated_confidence(trained):
    nlp = make_blank(spans_key="candidates", min_confidence=1e-9)
    nlp.from_bytes(trained.to_bytes())
    ner = nlp.get_pipe("ner")
    ner.cfg.update(temperature=4.0, bias=0.5)
    found = []
    for ner.min_confidence in (1e-9, 0.05):
        doc = nlp("Aspirin causes renal failure .")
        found.append(
            {
                (span.start, span.end, span.label_)
                for span in doc.spans["candidates"]
                if span._.confidence >= 0.05
            }
        )
    assert found[0] == found[1]
    assert len(found[1]) == len(doc.spans["candidates"]) > len(doc.ents)


@pytest.mark.parametrize(
    "setting",
    [{"min_confidence": 0.0}, {"max_candidates": 0}, {"max_candidate_tokens": 0}],
)
def test_ner_refuses_settings_out_of_range(setting):
    (key,) = setting
    with pytest.raises(ValueError, match=rf"\[B456\] Component 'ner'.*{key}"):
        make_blank(**setting)
