import json
import lzma
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_biobert.sentences import split_sentences

WORDS = (
    "i.v. E. coli p < 0.05 Fig. 2 et al. vs. A. METHODS: (S)-ibuprofen no. 5 1. p53 The "
    '\n\n \t [12]. (n = 3). ? ! ... "Yes." α-synuclein Ca2+ U.S. e.g. Dr. \u2028 \x1c'
).split(" ")


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


@pytest.mark.parametrize(
    "sentence",
    [
        "Morphine was given i.v. and then orally to all patients.",
        "Growth of E. coli and of S. aureus was inhibited.",
        "The difference was significant (p < 0.05) and large.",
        "As Fig. 2 and Figs. 3 and 4 show, levels of 3.5 mg fell to .5 mg.",
        "The method of Smith et al. (2001) was used.",
        "Jones et al. [12] saw it first.",
        "We compared drug A vs. Placebo in a trial.",
        "METHODS: We studied rats.",
        "The isomer (S)-ibuprofen is active.",
        "We thank J. R. Smith for advice.",
        "It was isolated from Anabaena sp. PCC 7120 in spring.",
        "Samples were stored at pH 7.4 (cf. Table 1) until use.",
        "Some drugs (e.g. Aspirin, i.e. ASA) bleed.",
        "Mutations c.35delG and p.Val600Glu were found.",
        "1. Introduction",
        "Oral intake at approx. 37 degrees by Dr. Brown is no. 5 of the list.",
        "The dose (5 mg b.i.d.) was low.",
    ],
)
def test_split_sentences_keeps_a_sentence_whole(sentence: str) -> None:
    assert sentences(f"{sentence} Then it ended.")[0].startswith(sentence.rstrip("."))
    assert sentences(sentence) == [sentence]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("The mice died.", "We buried them."),
        ("Was it toxic?", "It was not."),
        ("It rose (p < 0.05).", "The others fell."),
        ("They carried hepatitis B.", "All recovered."),
        ("They lacked vitamin C.", "Oranges helped."),
        ("It was given i.v.", "Patients slept."),
        ("This was shown by Smith et al.", "However, we disagree."),
        ("It binds DNA.", "p53 is a tumour suppressor."),
        ("Levels fell.", "mRNA was degraded."),
        ('He said "no."', "She left."),
        ("It is known [12].", "Others differ."),
        ("It is known.[12,13]", "Others differ."),
        ("The drug was given.", "(S)-Warfarin was not."),
        ("The answer was no.", "We stopped."),
        ("Half of them died.", "5 mg was enough."),
        ("OBJECTIVE: To see.", "METHODS: We looked."),
        ("A heading", "A paragraph"),
    ],
)
def test_split_sentences_finds_the_end(first: str, second: str) -> None:
    between = "\n\n" if first == "A heading" else " "
    assert sentences(first + between + second) == [first, second]


@given(st.lists(st.sampled_from(WORDS)).map(" ".join) | st.text())
def test_split_sentences_loses_nothing_but_white_space(text: str) -> None:
    spans = split_sentences(text)

    bounds = [bound for span in spans for bound in span]
    assert bounds == sorted(bounds)
    assert all(
        text[start:end] and text[start:end].strip() == text[start:end]
        for start, end in spans
    )
    assert "".join("".join(text[a:b].split()) for a, b in spans) == "".join(
        text.split()
    )


@pytest.mark.parametrize(
    "text",
    [
        "." * 50_000,
        "e.g. " * 20_000,
        "(" * 50_000 + ".",
        '."' * 20_000,
        ". " + " " * 50_000,
    ],
)
def test_split_sentences_takes_linear_time(text: str) -> None:
    began = time.process_time()
    split_sentences(text)
    assert time.process_time() - began < 2.0


def test_split_sentences_is_fast_and_sound_on_abstracts(real_data: Path) -> None:
    texts = []
    with lzma.open(real_data / "pretraining" / "abstracts.jsonl.xz", "rt") as lines:
        for line, _ in zip(lines, range(2_000), strict=False):
            texts += [section["text"] for section in json.loads(line)["sections"]]
    began = time.process_time()
    found = [split_sentences(text) for text in texts]
    seconds = time.process_time() - began

    n_megabytes = sum(map(len, texts)) / 1e6
    assert n_megabytes / seconds > 2
    assert 7 < sum(map(len, found)) / len(texts) < 13
    openings = [
        text[a:b][:1]
        for text, spans in zip(texts, found, strict=True)
        for a, b in spans
    ]
    assert sum(bool(re.match(r"[a-z]", opening)) for opening in openings) < 0.01 * len(
        openings
    )
