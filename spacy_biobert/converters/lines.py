"""The lines of a text file, as the formats of lines and columns read them."""

import io
from collections.abc import Iterator
from typing import BinaryIO


def text_lines(file: BinaryIO) -> Iterator[str]:
    """Read the lines of UTF-8 text, with or without a byte order mark.

    A line ends with a line feed alone: the other characters that Python takes for a
    line end occur inside of texts.

    file (BinaryIO): The bytes. Closed at the end.
    YIELDS (str): The lines, with their ends.
    """
    with io.TextIOWrapper(file, encoding="utf-8-sig", newline="\n") as lines:
        yield from lines


def text_file(file: BinaryIO) -> io.TextIOWrapper:
    """Open UTF-8 text, with or without a byte order mark, its line ends as they are."""
    return io.TextIOWrapper(file, encoding="utf-8-sig", newline="")


def whole_text(file: BinaryIO) -> str:
    """Read UTF-8 text, with or without a byte order mark, its line ends as they are."""
    return file.read().decode("utf-8-sig")
