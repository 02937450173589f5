"""Corpora with marked mentions or sentences, as plain text and offsets.

Read from the folder that docs/data.md describes and its `formats/`, as far as the
files are there. Offsets are in characters, the end is exclusive. A mention may be of
several parts.
"""

import gzip
import json
import lzma
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lxml import etree

from spacy_biobert.converters.pubtator import read_pubtator

Parts = tuple[tuple[int, int], ...]
# Sentences that stand in no document are joined to texts of so many.
SENTENCES = 10


@dataclass(slots=True)
class MarkedText:
    """A text, its mentions, and the starts of its sentences."""

    text: str
    mentions: list[Parts] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)


def read_pubtator_file(path: Path) -> list[MarkedText]:
    """Read PubTator; a mention that does not match its text is left out."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        documents = read_pubtator(
            lines, path=str(path), on_problem=lambda problem: None
        )
        return [
            MarkedText(doc.text, [((m.start, m.end),) for m in doc.mentions or ()])
            for doc in documents
        ]


def read_ddi(path: Path, *, folder: str) -> list[MarkedText]:
    """Read the documents of a folder of the DDI corpus, its sentences in a row."""
    with zipfile.ZipFile(path) as archive:
        names = sorted(archive.namelist())
        return [
            _read_ddi_document(archive.read(name))
            for name in names
            if name.startswith(f"DDICorpus/{folder}/") and name.endswith(".xml")
        ]


def _read_ddi_document(content: bytes) -> MarkedText:
    found = MarkedText("")
    for sentence in etree.fromstring(content).iter("sentence"):
        text = sentence.get("text")
        base = len(found.text)
        if text.strip():
            found.starts.append(base + len(text) - len(text.lstrip()))
        for entity in sentence.iter("entity"):
            bounds = (part.split("-") for part in entity.get("charOffset").split(";"))
            # The end is inclusive there.
            found.mentions.append(
                tuple((base + int(start), base + int(end) + 1) for start, end in bounds)
            )
        found.text += f"{text} "
    return found


def read_bioc(path: Path) -> list[MarkedText]:
    """Read BioC JSON, the passages at their offsets."""
    with lzma.open(path, "rt", encoding="utf-8") as file:
        documents = json.load(file)["documents"]
    return [_read_bioc_document(document["passages"]) for document in documents]


def _read_bioc_document(passages: list[dict[str, Any]]) -> MarkedText:
    found = MarkedText("")
    for passage in passages:
        found.text = found.text.ljust(passage["offset"]) + passage["text"]
        found.mentions += [
            tuple(
                (p["offset"], p["offset"] + p["length"]) for p in mention["locations"]
            )
            for mention in passage["annotations"]
        ]
    return found


def read_brat(path: Path) -> list[MarkedText]:
    """Read a folder of brat's files."""
    return [
        MarkedText(
            file.read_text("utf-8"),
            [
                _brat_parts(line)
                for line in _lines(file.with_suffix(".ann"))
                if line[0] == "T"
            ],
        )
        for file in sorted(path.glob("*.txt"))
    ]


def _brat_parts(line: str) -> Parts:
    _, bounds = line.split("\t")[1].split(" ", 1)
    starts_ends = (part.split(" ") for part in bounds.split(";"))
    return tuple((int(start), int(end)) for start, end in starts_ends)


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text("utf-8").splitlines() if line]


def read_columns(path: Path) -> list[MarkedText]:
    """Read sentences in columns, joined with a space between all tokens."""
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        return _join(_read_column_sentences(lines))


def _read_column_sentences(lines: Iterable[str]) -> Iterator[str]:
    words: list[str] = []
    for line in lines:
        if line.strip():
            words.append(line.split("\t")[0])
        elif words:
            yield " ".join(words)
            words = []
    if words:
        yield " ".join(words)


def read_gad(path: Path) -> list[MarkedText]:
    """Read the sentences of GAD."""
    return _join(line.split("\t")[1] for line in _lines(path)[1:])


def _join(sentences: Iterable[str]) -> list[MarkedText]:
    found: list[MarkedText] = []
    for number, sentence in enumerate(sentences):
        if number % SENTENCES == 0:
            found.append(MarkedText(""))
        found[-1].starts.append(len(found[-1].text))
        found[-1].text += f"{sentence} "
    return found
