r"""Measure whether tokens and sentences fall where annotators put bounds, and how fast.

Our tokenizer and spaCy's default for English on every corpus with offsets, our
sentences and spaCy's `sentencizer` on those with marked sentences. The rules were
chosen on training and development splits. Speeds are of both tokenizers in turn, new
ones in each repeat, over the texts of all corpora.

    python -m benchmarks.tokens DATA
"""

import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import spacy
import typer
from spacy.language import Language
from spacy.tokens import Doc

from spacy_biobert.evaluation.metrics import Counts

from .interleaving import compare
from .marked import (
    MarkedText,
    read_bioc,
    read_brat,
    read_columns,
    read_ddi,
    read_gad,
    read_pubtator_file,
)
from .record import write_result

Reader = Callable[[Path], list[MarkedText]]
DDI = "ddi2013/DDICorpus-2013.zip"
TRAIN, TEST = (
    partial(read_ddi, folder=folder)
    for folder in ("Train", "Test/Test for DDI Extraction task")
)
# By name: the file, its reader, and whether the rules were chosen on it.
MENTIONS: dict[str, tuple[str, Reader, bool]] = {
    "BC5CDR train": (
        "bc5cdr/CDR_TrainingSet.PubTator.txt.gz",
        read_pubtator_file,
        True,
    ),
    "BC5CDR dev": (
        "bc5cdr/CDR_DevelopmentSet.PubTator.txt.gz",
        read_pubtator_file,
        True,
    ),
    "BC5CDR test": ("bc5cdr/CDR_TestSet.PubTator.txt.gz", read_pubtator_file, False),
    "NCBI-disease train": (
        "ncbi_disease/train.PubTator.txt.gz",
        read_pubtator_file,
        True,
    ),
    "NCBI-disease dev": (
        "ncbi_disease/devel.PubTator.txt.gz",
        read_pubtator_file,
        True,
    ),
    "NCBI-disease test": (
        "ncbi_disease/test.PubTator.txt.gz",
        read_pubtator_file,
        False,
    ),
    "DDI 2013 train": (DDI, TRAIN, True),
    "DDI 2013 test": (DDI, TEST, False),
    "BioRED dev": ("formats/biored_dev.bioc.json.xz", read_bioc, True),
    "NCBI-disease, 20 files of brat": ("formats/ncbi_brat", read_brat, True),
}
SENTENCES: dict[str, tuple[str, Reader, bool]] = {
    "DDI 2013 train": (DDI, TRAIN, True),
    "DDI 2013 test": (DDI, TEST, False),
    "BC2GM train": ("bc2gm/train.tsv.xz", read_columns, True),
    "BC2GM dev": ("bc2gm/devel.tsv.xz", read_columns, True),
    "BC2GM test": ("bc2gm/test.tsv.xz", read_columns, False),
    "GAD, 29 sentences": ("formats/gad_sample.tsv", read_gad, True),
}
OURS = {"nlp": {"tokenizer": {"@tokenizers": "spacy-biobert.Tokenizer.v1"}}}


def main(
    data: Path = typer.Argument(..., help="The folder that docs/data.md describes"),
    repeats: int = typer.Option(3),
) -> None:
    """Count and time tokens and sentences, and file the figures."""
    texts = {
        name: (read(data / path), seen) for name, (path, read, seen) in MENTIONS.items()
    }
    figures = {
        "mentions": {
            name: measure_mentions(marked) | {"seen": seen}
            for name, (marked, seen) in texts.items()
        },
        "sentences": {
            name: measure_sentences(read(data / path)) | {"seen": seen}
            for name, (path, read, seen) in SENTENCES.items()
        },
        "speed": measure_speed(
            [text.text for marked, _ in texts.values() for text in marked], repeats
        ),
    }
    command = f"python -m benchmarks.tokens {' '.join(sys.argv[1:])}"
    settings = {"repeats": repeats}
    print(write_result("tokens", figures, command=command, settings=settings))


def pipelines() -> dict[str, Language]:
    """Make ours and spaCy's, with sentences."""
    made = {"ours": spacy.blank("en", config=OURS), "spacy": spacy.blank("en")}
    made["ours"].add_pipe("biobert_sentences")
    made["spacy"].add_pipe("sentencizer")
    return made


def measure_mentions(marked: list[MarkedText]) -> dict[str, Any]:
    """Count the mentions all of whose bounds are bounds of tokens.

    RETURNS (dict): "mentions" in all, and by tokenizer "aligned" and "tokens".
    """
    figures: dict[str, Any] = {"mentions": sum(len(text.mentions) for text in marked)}
    for name, nlp in pipelines().items():
        docs = [nlp.make_doc(text.text) for text in marked]
        pairs = list(zip(docs, marked, strict=True))
        figures[name] = {
            "aligned": sum(count_aligned(doc, text) for doc, text in pairs),
            "tokens": sum(map(len, docs)),
        }
    return figures


def count_aligned(doc: Doc, marked: MarkedText) -> int:
    """Count the mentions of a text whose parts begin and end with a token."""
    starts = {token.idx for token in doc}
    ends = {token.idx + len(token) for token in doc}
    return sum(
        all(start in starts and end in ends for start, end in parts)
        for parts in marked.mentions
    )


def measure_sentences(marked: list[MarkedText]) -> dict[str, Any]:
    """Score the bounds between sentences, where the texts have any.

    RETURNS (dict): "bounds" in all, and precision, recall and F1, 0-1, by splitter.
    """
    figures: dict[str, Any] = {"bounds": sum(len(text.starts[1:]) for text in marked)}
    for name, nlp in pipelines().items():
        counts = Counts()
        for text in marked:
            found, gold = find_bounds(nlp(text.text)), set(text.starts[1:])
            counts += Counts(len(gold & found), len(gold), len(found))
        figures[name] = {"p": counts.precision, "r": counts.recall, "f": counts.f1}
    return figures


def find_bounds(doc: Doc) -> set[int]:
    """Find the first characters of all sentences but the first, leaving white space."""
    words = [[token.idx for token in sent if not token.is_space] for sent in doc.sents]
    return {sent[0] for sent in [sent for sent in words if sent][1:]}


def measure_speed(texts: list[str], repeats: int) -> dict[str, Any]:
    """Time both tokenizers in turn, text by text, as they come and again.

    texts (list[str]): The texts.
    repeats (int): How often all is timed; each takes new tokenizers.
    RETURNS (dict): By "first" (nothing known yet) and "again" the words (between white
        space) per second of processor time, and how many times as fast ours is.
    """
    n_words = sum(len(text.split()) for text in texts)
    speeds: dict[str, dict[str, list[float]]] = {
        when: {"ours": [], "spacy": []} for when in ("first", "again")
    }
    for repeat in range(repeats):
        made = list(pipelines().items())
        for by_name in speeds.values():
            # Each begins every other time.
            seconds = time_in_turn(made if repeat % 2 else made[::-1], texts)
            for name, spent in seconds.items():
                by_name[name].append(n_words / spent)
    return {
        when: {
            "words_per_second": by_name,
            "faster": compare(by_name["ours"], by_name["spacy"]),
        }
        for when, by_name in speeds.items()
    }


def time_in_turn(
    made: Iterable[tuple[str, Language]], texts: list[str]
) -> dict[str, float]:
    """Give the seconds of processor time of each tokenizer for all texts."""
    seconds = dict.fromkeys((name for name, _ in made), 0.0)
    for text in texts:
        for name, nlp in made:
            began = time.process_time()
            nlp.tokenizer(text)
            seconds[name] += time.process_time() - began
    return seconds


if __name__ == "__main__":
    typer.run(main)
