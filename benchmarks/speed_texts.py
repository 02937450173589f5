"""The texts that speeds are measured on, tokenised once for all arms."""

from itertools import islice
from pathlib import Path

from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_biobert.cli.sources import read_documents

# Words, and whether a space follows each.
Tokens = tuple[list[str], list[bool]]


def tokens_of(doc: Doc) -> Tokens:
    """Give what each arm makes docs of its own from."""
    return [t.text for t in doc], [bool(t.whitespace_) for t in doc]


def docs_of(tokens: list[Tokens], vocab: Vocab) -> list[Doc]:
    """Make documents without annotation."""
    return [Doc(vocab, words, spaces) for words, spaces in tokens]


def article_texts(path: Path, n: int) -> list[str]:
    """Read the first articles of a file.

    path (Path): Of any format that `extract` reads.
    n (int): How many.
    RETURNS (list[str]): The sections of each, one after the other.
    """
    return [
        "\n".join(section.text for section in document.sections)
        for document in islice(read_documents(path), n)
    ]
