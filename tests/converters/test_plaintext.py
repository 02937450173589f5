import io

import pytest

from spacy_biobert.converters.faults import SourceError
from spacy_biobert.converters.plaintext import read_plaintext
from spacy_biobert.types import Document, Section


def read(content: bytes) -> Document:
    [document] = read_plaintext(io.BytesIO(content), path="folder/report.v2.txt")
    return document


def test_first_line_before_a_blank_one_is_the_title() -> None:
    document = read("\ufeffA  title\r\n\r\nOne\r\nline. \r\n \t\r\nTwo.\r\n".encode())
    assert document == Document(
        "report.v2", "A title", (Section("", "One line."), Section("", "Two."))
    )


@pytest.mark.parametrize(
    "content", [b"One line.\nTwo.\n\nThree.", b"One line.\n", b"One line.\n\n\n"]
)
def test_text_without_a_title_has_none(content: bytes) -> None:
    document = read(content)
    assert document.title == ""
    assert document.sections[0].text.startswith("One line.")


def test_file_without_words_is_an_empty_document() -> None:
    assert read(b" \n\n ") == Document("report.v2", "", ())


def test_other_encoding_is_refused() -> None:
    with pytest.raises(SourceError, match=r"\[B205\] folder/report.v2.txt"):
        read("naïve".encode("latin1"))
