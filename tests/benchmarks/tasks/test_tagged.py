import random
from pathlib import Path

import pytest
import spacy
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc, Span
from spacy.training import Example

from benchmarks.tasks.corpora import convert_corpus, read_split
from benchmarks.tasks.tagged import cut_sentences, set_entities, tag_tokens
from spacy_biobert.evaluation.baselines import annotate_by_names, count_annotations
from spacy_biobert.readers import create_corpus_v1

from .conll import f1
from .samples import ABSTRACTS, SAMPLE

OUR_TOKENS = {"nlp": {"tokenizer": {"@tokenizers": "spacy-biobert.Tokenizer.v1"}}}
TAGS = ["O", "B-A", "I-A", "B-B", "I-B"]


def make_doc() -> Doc:
    doc = spacy.blank("en")("Aspirin helps. The  breast cancer went away.")
    assert doc[4].is_space
    doc.set_ents(
        [Span(doc, 5, 7, "Disease"), Span(doc, 0, 1, "Drug")], default="outside"
    )
    return doc


def test_sentences_have_their_words_apart_and_no_white_space() -> None:
    first, second = cut_sentences([make_doc()])

    assert (first.words, first.tags) == (
        ("Aspirin", "helps", "."),
        ("B-Drug", "O", "O"),
    )
    assert second.words == ("The", "breast", "cancer", "went", "away", ".")
    assert second.tags == ("O", "B-Disease", "I-Disease", "O", "O", "O")
    assert second.tokens == (3, 5, 6, 7, 8, 9)


def test_tags_of_a_document_give_its_entities_back() -> None:
    gold, doc = make_doc(), make_doc()
    sentences = cut_sentences([gold])

    set_entities([doc], sentences, [sentence.tags for sentence in sentences])

    assert [(e.start, e.end, e.label_) for e in doc.ents] == [
        (e.start, e.end, e.label_) for e in gold.ents
    ]


def test_strict_f1_is_that_of_conlleval_on_any_tags() -> None:
    dice = random.Random(0)
    nlp = spacy.blank("en")
    words = "Aspirin helps most . " * 5
    gold, docs = ([nlp(words) for _ in range(20)] for _ in range(2))
    sentences = cut_sentences(gold)
    rows = [dice.choices(TAGS, [6, 1, 1, 1, 1], k=len(s.words)) for s in sentences]
    others = [
        [tag if dice.random() < 0.7 else dice.choice(TAGS) for tag in row]
        for row in rows
    ]
    set_entities(gold, sentences, rows)
    set_entities(docs, sentences, others)

    examples = [Example(doc, one) for doc, one in zip(docs, gold, strict=True)]
    found = get_ner_prf(examples)["ents_f"]

    assert 0.2 < found < 0.8
    assert found == pytest.approx(f1(rows, others), abs=1e-12)


def test_strict_f1_is_that_of_conlleval_on_the_sample(tmp_path: Path) -> None:
    data = convert_corpus(ABSTRACTS, SAMPLE, tmp_path)
    # From few documents, so that names are missing.
    counts = count_annotations(read_split(data["train"])[:2])
    corpus = create_corpus_v1(data["test"], gold_ents=False)
    examples = list(corpus(spacy.blank("en", config=OUR_TOKENS)))
    for eg in examples:
        annotate_by_names(eg.predicted, counts)

    found = get_ner_prf(examples)["ents_f"]

    rows = (
        [tag_tokens(getattr(eg, side)) for eg in examples]
        for side in ("reference", "predicted")
    )
    assert 0.1 < found < 0.95
    assert found == pytest.approx(f1(*rows), abs=1e-12)
