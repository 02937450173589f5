import re
from pathlib import Path

import pytest

from spacy_biobert import errors
from spacy_biobert.errors import Errors, Warnings
from spacy_biobert.errors.listing import counted

PACKAGE = Path(errors.__file__).parent.parent
CODE = re.compile(r"\bB\d{3}\b")


def codes(kind: type) -> list[str]:
    """The codes of all parts, with repeats."""
    return [
        name for part in kind.__mro__ for name in vars(part) if CODE.fullmatch(name)
    ]


def test_a_message_starts_with_its_code() -> None:
    assert Errors.B002.startswith("[B002] ")


def test_no_code_is_used_twice() -> None:
    found = codes(Errors) + codes(Warnings)

    assert len(found) > 50
    assert len(found) == len(set(found))


@pytest.mark.parametrize("kind", [Errors, Warnings])
def test_every_message_is_used(kind: type) -> None:
    sources = [path for path in PACKAGE.rglob("*.py") if path.parent.name != "errors"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    used = set(re.findall(rf"{kind.__name__}\.(B\d{{3}})", text))

    assert used == set(codes(kind))


@pytest.mark.parametrize(
    ("n", "entities", "documents"),
    [
        (0, "0 entities", "0 documents"),
        (1, "1 entity", "1 document"),
        (2000, "2,000 entities", "2,000 documents"),
    ],
)
def test_what_is_counted_is_one_or_several(
    n: int, entities: str, documents: str
) -> None:
    assert counted(n, "entity", "entities") == entities
    assert counted(n, "document") == documents
