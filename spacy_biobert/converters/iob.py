"""Columns of words and tags (IOB1, IOB2, BILUO, BIOES) to annotated documents, and back.

The first column is the word, the last one the tag; a blank line ends a sentence. A line
-DOCSTART- begins a document, with its id in brackets if we wrote it; without any, each
sentence is a document. All schemes are read alike: B, U and S begin an entity, and so
does I (or L, E, M) where none of its label goes on.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from ..errors import Errors
from ..types import AnnotatedDocument, Mention, Passage
from .faults import SourceError
from .formats import Format, Source, Target
from .lines import text_lines
from .losses import one_line
from .pairs import find_sentences, sentence_of
from .spacing import cut_words, join_words

# The label of tags that have none, as in the files of BioBERT.
NO_LABEL = "ENTITY"
DOCUMENT = re.compile(r"-DOCSTART-(?:[ \t]+\((.*)\))?(?:\s.*)?")
TAG = re.compile(r"O|([BILUESM])(?:[-_](.*))?")

Tags = Callable[[int, str, bool], list[str]]
Tagged = tuple[str, str]


@dataclass(slots=True)
class _Entry:
    """A document while it is read."""

    id: str
    text: str = ""
    passages: list[Passage] = field(default_factory=list)
    mentions: list[Mention] = field(default_factory=list)

    def add(self, rows: list[Tagged]) -> None:
        """Add a sentence."""
        words, starts = join_words([word for word, _ in rows])
        self.text += " " if self.text else ""
        base = len(self.text)
        self.text += words
        self.passages.append(Passage(base, len(self.text), "sentence"))
        for first, last, label in spans([tag for _, tag in rows]):
            start, end = starts[first], starts[last] + len(rows[last][0])
            self.mentions.append(
                Mention(base + start, base + end, words[start:end], label)
            )

    def document(self) -> AnnotatedDocument:
        return AnnotatedDocument(
            self.id,
            self.text,
            mentions=tuple(self.mentions),
            passages=tuple(self.passages),
        )


def read_columns(source: Source) -> Iterator[AnnotatedDocument]:
    """Read the sentences or documents of a file, their text rebuilt.

    source (Source): The file. Columns are divided by tabs, or by spaces where a line
        has no tab.
    YIELDS (AnnotatedDocument): In order. Without ids, file and line are it.
    RAISES (SourceError): If a line has one column, or no tag in the last.
    """
    entry: _Entry | None = None
    rows: list[Tagged] = []
    sentences_alone = True
    first = 0
    for number, line in enumerate(text_lines(source.file), start=1):
        start = DOCUMENT.fullmatch(line.rstrip())
        if start is None and line.strip():
            first = first if rows else number
            rows.append(_row(line.rstrip("\r\n"), number, source))
            continue
        entry = _ended(entry, rows, f"{source.path}:{first}")
        rows = []
        if entry is not None and (start is not None or sentences_alone):
            yield entry.document()
            entry = None
        if start is not None:
            sentences_alone = False
            entry = _Entry(start[1] or f"{source.path}:{number}")
    entry = _ended(entry, rows, f"{source.path}:{first}")
    if entry is not None:
        yield entry.document()


def spans(tags: list[str]) -> Iterator[tuple[int, int, str]]:
    """Give the entities of a sentence's tags, whatever the scheme.

    YIELDS (tuple[int, int, str]): First and last word, and label.
    """
    first, label = None, ""
    for number, tag in enumerate([*tags, "O"]):
        match = TAG.fullmatch(tag)
        kind = match[1] if match else None
        here = (match[2] or NO_LABEL) if match and kind else ""
        goes_on = first is not None and kind in tuple("ILEM") and here == label
        if first is not None and not goes_on:
            yield first, number - 1, label
            first = None
        if kind and first is None:
            first, label = number, here
        if kind in tuple("LEUS") and first is not None:
            yield first, number, label
            first = None


def tag_rows(
    document: AnnotatedDocument, tags: Tags, target: Target
) -> Iterator[list[Tagged]]:
    """Give the words of each sentence with their tags.

    document (AnnotatedDocument): Without overlapping mentions.
    tags (Callable): Gives the tags of an entity by its number of words, its label and
        whether one of the same label ends right before it.
    target (Target): Counts what is lost: passages other than sentences, and texts
        that are rebuilt with other spaces.
    """
    others = [p for p in document.passages if p.label != "sentence"]
    target.lost["passages"] += len(others)
    mentions = sorted(document.mentions or (), key=lambda m: m.start)
    bounds = {place for m in mentions for place in (m.start, m.end)}
    sentences = find_sentences(document)
    rebuilt = []
    for start, end in sentences:
        words = cut_words(document.text, start, end, bounds)
        if not words:
            continue
        rows = ["O"] * len(words)
        before = (-1, "")
        for mention in mentions:
            if sentence_of([(start, end)], mention.start, mention.end) is None:
                continue
            inside = [
                i
                for i, (a, b) in enumerate(words)
                if mention.start <= a and b <= mention.end
            ]
            label = one_line(mention.label, "labels", target.lost)
            follows = before == (inside[0] - 1, label)
            rows[inside[0] : inside[-1] + 1] = tags(len(inside), label, follows)
            before = (inside[-1], label)
        texts = [document.text[a:b] for a, b in words]
        rebuilt.append(join_words(texts)[0])
        yield list(zip(texts, rows, strict=True))
    target.lost["texts with other white space"] += " ".join(rebuilt) != document.text


def write_columns(
    documents: Iterable[AnnotatedDocument], target: Target, *, tags: Tags
) -> None:
    """Write words and tags with a tab between, each document after its -DOCSTART-."""
    with target.open("columns.tsv") as file:
        for document in documents:
            name = one_line(document.id, "document ids", target.lost)
            file.write(f"-DOCSTART- ({name})\tO\n\n")
            for rows in tag_rows(document, tags, target):
                file.writelines(f"{word}\t{tag}\n" for word, tag in rows)
                file.write("\n")


def iob2(n_words: int, label: str, follows: bool) -> list[str]:
    """Tag an entity: B on its first word, I on the others."""
    return [f"B-{label}"] + [f"I-{label}"] * (n_words - 1)


def iob1(n_words: int, label: str, follows: bool) -> list[str]:
    """Tag an entity: I, and B only where one of the same label ends right before."""
    return [f"{'B' if follows else 'I'}-{label}"] + [f"I-{label}"] * (n_words - 1)


def biluo(n_words: int, label: str, follows: bool) -> list[str]:
    """Tag an entity: U on a single word; else B, I and L on the last."""
    if n_words == 1:
        return [f"U-{label}"]
    return [f"B-{label}"] + [f"I-{label}"] * (n_words - 2) + [f"L-{label}"]


def _row(line: str, number: int, source: Source) -> Tagged:
    columns = line.split("\t") if "\t" in line else line.split()
    word, tag = columns[0].strip(), columns[-1].strip()
    if len(columns) < 2 or not word or TAG.fullmatch(tag) is None:
        raise SourceError(
            Errors.B239.format(
                path=source.path,
                where=f"line {number}",
                expected="a word and, in the last column, a tag such as B-Disease or O",
                found=f"'{line[:60]}'",
            )
        )
    # A space inside of a word would be two words in the rebuilt text.
    return "_".join(word.split()), tag


def _ended(entry: _Entry | None, rows: list[Tagged], name: str) -> _Entry | None:
    if rows:
        entry = entry or _Entry(name)
        entry.add(rows)
    return entry


def _format(tags: Tags) -> Format:
    return Format(
        read=read_columns,
        write=partial(write_columns, tags=tags),
        holds=frozenset(("mentions", "passages")),
        always=frozenset(("mentions",)),
    )


IOB2, IOB1, BILUO = _format(iob2), _format(iob1), _format(biluo)
