from pathlib import Path

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from spacy_biobert.sentences import split_sentences

SPLITTING = spacy.blank("en")
SPLITTING.add_pipe("biobert_sentences")
TEXT = "Growth of E. coli fell (Fig. 2). p53 did not. \n Why?"
SENTENCES = ["Growth of E. coli fell (Fig. 2).", "p53 did not. \n ", "Why?"]


@pytest.fixture
def nlp() -> Language:
    return SPLITTING


def sentences(doc: Doc) -> list[str]:
    return [sentence.text for sentence in doc.sents]


def test_sentences_are_those_of_the_splitter(nlp: Language) -> None:
    assert sentences(nlp(TEXT)) == SENTENCES


def test_white_space_before_the_first_sentence_goes_with_it(nlp: Language) -> None:
    assert sentences(nlp("\n\n One. Two.")) == ["\n\n One.", "Two."]


@pytest.mark.parametrize("text", ["", " ", "\n", "One"])
def test_text_without_an_end_is_one_sentence_at_most(nlp: Language, text: str) -> None:
    assert sentences(nlp(text)) == [text][: len(text)]


def test_a_token_that_holds_a_bound_begins_the_sentence(nlp: Language) -> None:
    doc = Doc(nlp.vocab, words=["One", ". Two", "three"], spaces=[False, True, False])

    assert sentences(nlp.get_pipe("biobert_sentences")(doc)) == ["One", ". Two three"]


def test_doc_keeps_the_sentences_it_has(nlp: Language) -> None:
    doc = Doc(nlp.vocab, words=["One", ".", "Two"], sent_starts=[True, False, False])

    assert len(list(nlp.get_pipe("biobert_sentences")(doc).sents)) == 1


@given(
    st.lists(st.sampled_from(["One", ".", " ", "\n", "e.g.", "\x1c", "p53", "?", "A"]))
)
def test_each_sentence_is_one_of_the_splitter(parts: list[str]) -> None:
    text = "".join(parts)

    found = [sentence.text.strip() for sentence in SPLITTING(text).sents]

    assert [word for word in found if word] == [
        text[start:end] for start, end in split_sentences(text)
    ]


def test_sentences_are_the_same_from_disk_and_in_processes(
    nlp: Language, tmp_path: Path
) -> None:
    nlp.to_disk(tmp_path / "model")
    loaded = spacy.load(tmp_path / "model")
    texts = [TEXT, "", "One."]

    for docs in (loaded.pipe(texts), loaded.pipe(texts, n_process=2)):
        assert [sentences(doc) for doc in docs] == [SENTENCES, [], ["One."]]


def test_sentences_are_scored(nlp: Language) -> None:
    words = ["One", ".", "Two", "fell", ".", "Three"]
    reference = Doc(nlp.vocab, words=words, sent_starts=[1, -1, 1, -1, -1, -1])

    scores = nlp.evaluate([Example(nlp.make_doc(reference.text), reference)])

    # Found: One. | Two fell. | Three; right: the first.
    assert (scores["sents_p"], scores["sents_r"]) == (pytest.approx(1 / 3), 0.5)
