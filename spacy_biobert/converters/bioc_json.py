"""BioC JSON to annotated documents, and back, in constant memory."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from ..errors import Errors
from ..types import AnnotatedDocument
from .bioc import HOLDS, STATES, parse_document
from .bioc_writing import make_document
from .faults import SourceError
from .formats import Format, Source, Target
from .lines import text_file

# Where collections have their documents; PubTator 3 answers with the second.
DOCUMENTS = frozenset(("documents", "PubTator3"))
CHUNK = 1 << 20
SPACE = re.compile(r"[ \t\r\n]*")
DECODER = json.JSONDecoder()


def read_bioc_json(source: Source) -> Iterator[AnnotatedDocument]:
    """Read the documents of a collection, or documents one after the other.

    source (Source): The file.
    YIELDS (AnnotatedDocument): In the order of the file.
    RAISES (SourceError): If it is no JSON, or no BioC, or an annotation is wrong.
    """
    with text_file(source.file) as file:
        stream = _Stream(file, source.path)
        while not stream.at_end():
            yield from _top(stream, source)


def write_bioc_json(documents: Iterable[AnnotatedDocument], target: Target) -> None:
    """Write a collection."""
    with target.open("bioc.json") as file:
        about = json.dumps(dict(target.about), ensure_ascii=False)
        file.write('{"source": "spacy-biobert", "date": "", "key": "", ')
        file.write(f'"infons": {about}, "documents": [')
        for index, document in enumerate(documents):
            made = make_document(document, target.lost)
            file.write(",\n" if index else "\n")
            file.write(json.dumps(made, ensure_ascii=False))
        file.write("\n]}\n")


class _Stream:
    """JSON text, of which no more is held than the value that is being read."""

    def __init__(self, file: TextIO, path: str) -> None:
        self.file = file
        self.path = path
        self.text = ""
        self.at = 0
        self.lines = 1

    def at_end(self) -> bool:
        return self.peek() == ""

    def peek(self) -> str:
        """Give the next character that is no space, "" at the end."""
        while True:
            match = SPACE.match(self.text, self.at)
            assert match is not None
            self.at = match.end()
            if self.at < len(self.text):
                return self.text[self.at]
            if not self._more():
                return ""

    def take(self, expected: str) -> None:
        found = self.peek()
        if found not in expected or not found:
            raise self.wrong(f"expected one of {expected!r}, found {found!r}")
        self.at += 1

    def value(self) -> Any:
        """Read a whole value."""
        self.peek()
        while True:
            try:
                found, end = DECODER.raw_decode(self.text, self.at)
            except (json.JSONDecodeError, RecursionError) as error:
                # Cut off, perhaps: with as much again it costs no more than linear time.
                if not self._more(max(CHUNK, len(self.text))):
                    raise self.wrong(str(error)) from error
                continue
            if end < len(self.text) or not self._more():
                self.at = end
                return found

    def wrong(self, reason: str) -> SourceError:
        line = self.lines + self.text.count("\n", 0, self.at)
        return SourceError(Errors.B242.format(path=self.path, line=line, reason=reason))

    def _more(self, n: int = 0) -> bool:
        read = self.file.read(n or CHUNK)
        self.lines += self.text.count("\n", 0, self.at)
        self.text = self.text[self.at :] + read
        self.at = 0
        return bool(read)


def _top(stream: _Stream, source: Source) -> Iterator[AnnotatedDocument]:
    """Read a collection, whose documents may be followed by anything, or a document."""
    stream.take("{")
    rest: dict[str, Any] = {}
    had_documents = False
    while stream.peek() != "}":
        if rest or had_documents:
            stream.take(",")
        key = stream.value()
        stream.take(":")
        if key in DOCUMENTS and stream.peek() == "[":
            had_documents = True
            for document in _items(stream):
                yield parse_document(document, source)
        else:
            rest[str(key)] = stream.value()
    stream.take("}")
    if not had_documents:
        yield parse_document(rest, source)


def _items(stream: _Stream) -> Iterator[Any]:
    stream.take("[")
    first = True
    while stream.peek() != "]":
        if not first:
            stream.take(",")
        first = False
        yield stream.value()
    stream.take("]")


def _looks(head: bytes, _: str) -> bool:
    return (
        re.match(rb"(?:\xef\xbb\xbf)?\s*\{", head) is not None
        and re.search(rb'"(?:documents|PubTator3|passages)"\s*:\s*\[', head) is not None
    )


FORMAT = Format(
    read=read_bioc_json,
    write=write_bioc_json,
    holds=HOLDS,
    states=STATES,
    looks=_looks,
    suffixes=(".bioc.json",),
)
