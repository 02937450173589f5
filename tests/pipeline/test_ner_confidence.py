import numpy
import pytest
from spacy.tokens import Doc, DocBin

from spacy_biobert.models.decoding import decode_entities
from spacy_biobert.models.lattice import build_lattice, sum_paths

from .tagged import (
    TEXTS,
    make_blank,
    make_example,
    make_examples,
    read_ents,
)


def test_ner_confidence_is_the_probability_of_the_entity(trained_ner):
    doc = trained_ner("Aspirin causes renal failure .")
    logits = trained_ner.get_pipe("ner").predict([doc])[0]
    nothing = numpy.zeros(len(doc), dtype=bool)
    lattice = build_lattice(
        logits, [len(doc)], scheme="biluo", is_space=nothing, is_closed=nothing
    )
    expected = decode_entities(lattice, sum_paths(lattice), [len(doc)])
    found = [ent._.confidence for ent in doc.ents]
    assert found == expected.confidences.tolist()
    assert all(0.5 < confidence < 1.0 for confidence in found)
    assert doc[0:2]._.confidence is None


def test_ner_confidence_survives_serialization(trained_ner):
    doc = trained_ner("Aspirin causes renal failure .")
    expected = [ent._.confidence for ent in doc.ents]
    from_bytes = Doc(trained_ner.vocab).from_bytes(doc.to_bytes())
    docbin = DocBin(store_user_data=True, docs=[doc])
    (from_docbin,) = DocBin().from_bytes(docbin.to_bytes()).get_docs(trained_ner.vocab)
    for other in (from_bytes, from_docbin):
        assert [ent._.confidence for ent in other.ents] == expected


def make_unsure(nlp, n_docs=90):
    """Examples whose entities are sure to be found and right two times in three."""
    text = "Aspirin causes renal failure ."
    return [
        make_example(nlp, text, TEXTS[text] if i % 3 else []) for i in range(n_docs)
    ]


def test_ner_tuned_keeps_what_its_confidence_promises(trained_ner):
    nlp = make_blank()
    nlp.from_bytes(trained_ner.to_bytes())
    ner = nlp.get_pipe("ner")
    before = nlp.evaluate(make_unsure(nlp))

    found = ner.tune(make_unsure(nlp))

    after = nlp.evaluate(make_unsure(nlp))
    assert found == {
        **{key: ner.cfg[key] for key in ("temperature", "bias")},
        "offset of Chemical": 0.0,
        "offset of Disease": 0.0,
    }
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


def test_ner_that_keeps_entities_is_tuned_by_those_that_it_adds(trained_ner):
    found = []
    for overwrite in (True, False):
        nlp = make_blank(overwrite_ents=overwrite)
        nlp.from_bytes(trained_ner.to_bytes())
        examples = make_unsure(nlp)
        found.append(nlp.get_pipe("ner").tune(examples))
        assert not any(eg.predicted.ents for eg in examples)

    assert found[0]["temperature"] != 1.0
    assert found[1] == pytest.approx(found[0])


def test_entities_that_stay_keep_their_confidence(trained_ner):
    nlp = make_blank(overwrite_ents=False, spans_key="candidates")
    nlp.from_bytes(trained_ner.to_bytes())
    text = "Aspirin causes renal failure ."
    expected = [ent._.confidence for ent in trained_ner(text).ents]

    doc = nlp.get_pipe("ner")(trained_ner(text))

    assert [ent._.confidence for ent in doc.ents] == expected
    assert None not in expected


def test_ner_starts_anew_without_the_calibration_of_old_weights(trained_ner):
    nlp = make_blank()
    nlp.from_bytes(trained_ner.to_bytes())
    ner = nlp.get_pipe("ner")
    ner.cfg.update(temperature=2.0, bias=-1.0)
    nlp.initialize(lambda: make_examples(nlp))
    assert (ner.cfg["temperature"], ner.cfg["bias"]) == (1.0, 0.0)


def test_ner_is_not_tuned_by_what_is_not_annotated(trained_ner):
    nlp = make_blank()
    nlp.from_bytes(trained_ner.to_bytes())
    ner = nlp.get_pipe("ner")
    ner.cfg.update(temperature=2.0, bias=-1.0)
    assert ner.tune([make_example(nlp, "Aspirin helps .", None)]) == {}
    assert (ner.cfg["temperature"], ner.cfg["bias"]) == (2.0, -1.0)


def test_ner_gives_candidates_with_their_confidence(trained_ner):
    nlp = make_blank(spans_key="candidates", min_confidence=1e-6, max_candidates=5)
    nlp.from_bytes(trained_ner.to_bytes())
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


def test_ner_candidates_are_chosen_by_their_calibrated_confidence(trained_ner):
    nlp = make_blank(spans_key="candidates", min_confidence=1e-9)
    nlp.from_bytes(trained_ner.to_bytes())
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
