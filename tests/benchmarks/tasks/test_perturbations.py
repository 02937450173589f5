import re
from collections import Counter

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Span

from benchmarks.tasks.perturbations import (
    GREEK,
    LINE,
    PERTURBATIONS,
    Edit,
    edit_document,
    perturb_document,
)
from benchmarks.tasks.robustness import keep_label, perturbed
from spacy_biobert.types import AnnotatedDocument, Mention, Passage

LETTERS = st.sampled_from("aábBİcdeEfghα βΔµ  .,-()/5\n")


@st.composite
def documents(draw: st.DrawFn) -> AnnotatedDocument:
    """A text with mentions anywhere, some of them inside of words."""
    text = draw(st.text(LETTERS, min_size=1, max_size=200))
    places = st.integers(0, len(text))
    bounds = sorted(draw(st.sets(places, max_size=8)))
    mentions = [
        Mention(start, end, text[start:end], "Disease", ("D1",))
        for start, end in zip(bounds[::2], bounds[1::2], strict=False)
    ]
    whole = (Passage(0, len(text), "abstract"),)
    return AnnotatedDocument("1", text, mentions=tuple(mentions), passages=whole)


def spelled(text: str) -> str:
    return "".join(GREEK.get(letter, letter) for letter in text)


# What a perturbation cannot change of a stretch of text.
KEPT = {
    "small_letters": str.lower,
    "spaced_symbols": lambda text: re.sub(r"\s", "", text),
    "typos": Counter,
    "hyphenation": lambda text: re.sub(r"\s", " ", text.replace("-\n", "")),
    "spelled_greek": spelled,
}


@pytest.mark.parametrize("name", PERTURBATIONS)
@given(document=documents())
def test_mentions_keep_their_text_but_for_the_perturbation(
    name: str, document: AnnotatedDocument
) -> None:
    found = perturb_document(document, PERTURBATIONS[name])

    kept = KEPT[name]
    assert kept(found.text) == kept(document.text)
    assert len(found.mentions) == len(document.mentions)
    for new, old in zip(found.mentions, document.mentions, strict=True):
        assert new.text == found.text[new.start : new.end]
        assert kept(new.text) == kept(old.text)
        # What stands before it is what stood there, perturbed: it has not moved.
        assert kept(found.text[: new.start]) == kept(document.text[: old.start])
        assert (new.label, new.concepts) == (old.label, old.concepts)
    assert found.passages == (Passage(0, len(found.text), "abstract"),)


def test_nothing_is_inserted_into_a_mention_at_its_bounds() -> None:
    text = "(IL-2)-mediated"
    mentions = (Mention(1, 5, "IL-2", "Gene"),)
    document = AnnotatedDocument("1", text, mentions=mentions)

    found = perturb_document(document, PERTURBATIONS["spaced_symbols"])

    assert found.text == "( IL - 2 ) - mediated"
    assert [mention.text for mention in found.mentions] == ["IL - 2"]


def test_edits_across_a_bound_are_left_out() -> None:
    mentions = (Mention(2, 4, "cd", "Gene"),)
    document = AnnotatedDocument("1", "abcdef", mentions=mentions)
    edits = [Edit(0, 2, "x"), Edit(3, 5, "yyy"), Edit(5, 6, "")]

    found = edit_document(document, edits)

    assert found.text == "xcde"
    assert found.mentions == (Mention(1, 3, "cd", "Gene"),)


def test_hyphens_stand_at_line_ends_alone() -> None:
    document = AnnotatedDocument("1", "a hypersensitivity " * 30)

    lines = perturb_document(document, PERTURBATIONS["hyphenation"]).text.split("\n")

    assert len(lines) > 5
    assert all(LINE - 20 < len(line) <= LINE for line in lines[:-1])
    assert 1 < sum(line.endswith("-") for line in lines) < len(lines)
    assert not any("-" in line[:-1] for line in lines)


def test_typos_are_those_of_the_document_each_time() -> None:
    text = "antihypertensive " * 40
    first, again, other = (
        perturb_document(AnnotatedDocument(name, text), PERTURBATIONS["typos"]).text
        for name in ("1", "1", "2")
    )

    assert first == again
    assert text != first != other


def test_perturbed_docs_have_the_tokens_of_the_new_text() -> None:
    nlp = spacy.blank("en")
    doc = nlp("Given TNF-α often. Ends.")
    doc.set_ents([Span(doc, 1, 4, "GENE", kb_id="7124")], default="outside")
    doc.cats = {"treatment": 1.0, "other": 0.0}

    [found] = perturbed([doc], PERTURBATIONS["spelled_greek"])

    assert [(ent.text, ent.label_, ent.kb_id_) for ent in found.ents] == [
        ("TNF-alpha", "GENE", "7124")
    ]
    assert found.cats == doc.cats


def test_keep_label_leaves_the_entities_of_one_label() -> None:
    doc = spacy.blank("en")("Aspirin headache")
    doc.ents = [Span(doc, 0, 1, "Chemical"), Span(doc, 1, 2, "Disease")]

    keep_label(doc, "Disease")

    assert [ent.text for ent in doc.ents] == ["headache"]
    assert doc[0].ent_iob_ == "O"
