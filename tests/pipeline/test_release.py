"""Vectors are freed behind the last component that reads them, and never zeros."""

import weakref
from pathlib import Path

import numpy
import pytest
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Example

from ..joint import annotated_docs, make_joint
from ..pipelines import RELEASE, TAGGER, make_nlp

TEXTS = ["Aspirin caused headache", "", "Parkinson in patients with liver failure"]


@pytest.fixture(scope="module")
def nlp(tiny_encoder: Path) -> Language:
    return make_joint(tiny_encoder)


def annotation(doc: Doc) -> tuple[object, ...]:
    ents = [(ent.start, ent.end, ent.label_) for ent in doc.ents]
    relations = [(*row[:5],) for row in doc.user_data["relations"]]
    return ents, relations, {label: round(x, 4) for label, x in doc.cats.items()}


def test_annotation_is_the_same_with_and_without_release(nlp: Language) -> None:
    released = [annotation(doc) for doc in nlp.pipe(TEXTS)]
    with nlp.select_pipes(disable="release"):
        kept = list(nlp.pipe(TEXTS))

    assert [annotation(doc) for doc in kept] == released
    assert kept[0]._.trf_data.model_output.last_hidden_state.shape == (1, 4, 16)


def test_reading_what_was_freed_is_an_error_that_says_so(nlp: Language) -> None:
    doc = nlp(TEXTS[0])

    for read in (
        lambda: doc._.trf_data.model_output,
        lambda: doc._.trf_data.tensors,
        lambda: nlp.get_pipe("ner")(doc),
        lambda: nlp.get_pipe("textcat")(doc),
    ):
        with pytest.raises(ValueError, match=r"B461.*behind it in \[nlp\] pipeline"):
            read()
    assert repr(doc._.trf_data) == "<vectors that were freed>"


def test_docs_that_were_not_encoded_stay_as_they_are(nlp: Language) -> None:
    with nlp.select_pipes(enable="release"):
        assert nlp(TEXTS[0])._.trf_data is None


def test_other_processes_and_doc_bins_get_no_vectors(nlp: Language) -> None:
    expected = [annotation(doc) for doc in nlp.pipe(TEXTS)]
    docs = list(nlp.pipe(TEXTS, n_process=2))
    stored = DocBin(docs=nlp.pipe(TEXTS), store_user_data=True).to_bytes()
    again = list(DocBin().from_bytes(stored).get_docs(nlp.vocab))
    with nlp.select_pipes(disable="release"):
        whole = len(nlp(TEXTS[2]).to_bytes())

    for found in (docs, again):
        assert [annotation(doc) for doc in found] == expected
        assert not any(doc._.trf_data.model_output for doc in found)
    vectors = 7 * 16 * 4
    assert whole - len(nlp(TEXTS[2]).to_bytes()) >= vectors


class Watched:
    """Counts the arrays of vectors that are alive whenever a doc has been through."""

    def __init__(self, nlp: Language) -> None:
        self.arrays: list[weakref.ref[numpy.ndarray]] = []
        self.most, self.seen = 0, 0
        encoder = nlp.get_pipe("transformer")
        encoder.set_extra_annotations = self.note

    def note(self, docs: list[Doc], batch: object) -> None:
        for doc in docs:
            array = doc._.trf_data.model_output["last_hidden_state"]
            self.arrays.append(weakref.ref(array))

    def __call__(self, doc: Doc) -> Doc:
        self.seen += 1
        self.arrays = [ref for ref in self.arrays if ref() is not None]
        self.most = max(self.most, len(self.arrays))
        return doc


def watched(encoder: Path) -> tuple[Language, Watched]:
    nlp = make_nlp(encoder, tagger=TAGGER, release=RELEASE)
    doc = Doc(nlp.vocab, words=["Aspirin"], tags=["N"])
    nlp.initialize(lambda: [Example(nlp.make_doc("Aspirin"), doc)])
    watch = Watched(nlp)
    Language.component("watch_vectors", func=watch)
    nlp.add_pipe("watch_vectors", last=True)
    return nlp, watch


@pytest.mark.parametrize("n_docs", [300, pytest.param(20_000, marks=pytest.mark.slow)])
def test_a_stream_holds_the_vectors_of_one_batch(
    tiny_encoder: Path, n_docs: int
) -> None:
    nlp, watch = watched(tiny_encoder)

    docs = list(nlp.pipe((TEXTS[0] for _ in range(n_docs)), batch_size=16))

    assert len(docs) == watch.seen == n_docs
    assert 1 <= watch.most <= 16


def test_evaluate_holds_the_vectors_of_one_batch(tiny_encoder: Path) -> None:
    nlp, watch = watched(tiny_encoder)
    doc = Doc(nlp.vocab, words=TEXTS[0].split(), tags=["N"] * 3)

    nlp.evaluate([Example(nlp.make_doc(doc.text), doc)] * 200, batch_size=16)

    assert watch.seen == 200
    assert 1 <= watch.most <= 16


def test_training_goes_through_release(nlp: Language) -> None:
    examples = [Example(nlp.make_doc(doc.text), doc) for doc in annotated_docs(nlp)]

    losses = nlp.update(examples, annotates=["transformer", "ner"])

    assert losses["relation"] > 0
    assert losses["textcat"] > 0
