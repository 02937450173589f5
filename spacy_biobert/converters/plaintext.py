"""Plain text to documents, a file each."""

import re
from collections.abc import Iterator
from typing import BinaryIO

from ..types import Document, Section
from .faults import naming

BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*")


def read_plaintext(file: BinaryIO, *, path: str) -> Iterator[Document]:
    """Read a text file as one document.

    The first line is the title if a blank line follows it and more text after
    that. Paragraphs, which blank lines divide, become unlabelled sections.

    file (BinaryIO): Text in UTF-8, with or without a byte order mark.
    path (str): The file's name; its stem becomes the id.
    YIELDS (Document): One, empty if the file is.
    RAISES (SourceError): If the file is damaged or not in UTF-8.
    """
    with naming(path):
        text = file.read().decode("utf-8-sig")
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    title, rest = "", text
    first, *after = BLANK_LINES.split(text, maxsplit=1)
    if after and "\n" not in first:
        title, rest = " ".join(first.split()), after[0]
    sections = tuple(
        Section("", " ".join(paragraph.split()))
        for paragraph in BLANK_LINES.split(rest)
        if paragraph.strip()
    )
    name = path.replace("\\", "/").rpartition("/")[2]
    yield Document(name.removesuffix(".txt") or name, title, sections)
