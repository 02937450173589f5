"""JSON lines of labelled documents: {"id", "title", "text", "labels": [...]}."""

import json
from collections.abc import Collection, Iterable, Iterator

from ..errors import Errors
from ..types import AnnotatedDocument
from .faults import SourceError
from .formats import Format, Source, Target
from .jsonl import read_objects, string_field, wrong_field
from .lines import text_lines


def read_categories(
    lines: Iterable[str], *, path: str, labels: Collection[str] | None = None
) -> Iterator[AnnotatedDocument]:
    """Read documents with their categories, one a line.

    lines (Iterable[str]): The lines of the file.
    path (str): The file's name, for messages.
    labels (Collection[str] or None): The label set; None allows any label.
    YIELDS (AnnotatedDocument): Without an "id", file and line are it. The text is
        the title, a space and the text. The
        categories stand in the order of the line, each once; none is fine.
    RAISES (SourceError): If a line is no JSON, a field is missing or of the wrong
        type, or a label is not in the label set.
    """
    for number, record in read_objects(lines, path=path):
        title = string_field(record, "title", path=path, line=number, default="")
        text = string_field(record, "text", path=path, line=number)
        document = str(record.get("id", f"{path}:{number}"))
        found = record.get("labels")
        if not isinstance(found, list) or not all(isinstance(x, str) for x in found):
            raise wrong_field("labels", "a list of text", found, path=path, line=number)
        check_labels(found, labels, document, path=path, line=number)
        yield AnnotatedDocument(
            document,
            " ".join(part for part in (title, text) if part),
            categories=tuple(dict.fromkeys(found)),
        )


def check_labels(
    found: Iterable[str],
    labels: Collection[str] | None,
    document: str,
    *,
    path: str,
    line: int,
) -> None:
    """Check that labels are in the label set; None allows any.

    RAISES (SourceError): If one is not.
    """
    for label in found:
        if labels is not None and label not in labels:
            raise SourceError(
                Errors.B227.format(
                    path=path,
                    line=line,
                    document=document,
                    known=", ".join(labels),
                    found=label,
                )
            )


def read_labels(text: str, *, path: str) -> tuple[str, ...]:
    """Read a label set, a JSON list.

    text (str): What the file holds.
    path (str): The file's name, for messages.
    RETURNS (tuple[str, ...]): The labels, in the order of the file.
    RAISES (SourceError): If it is no list of different labels.
    """
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise SourceError(Errors.B228.format(path=path, found=error)) from error
    if not isinstance(found, list) or not all(isinstance(x, str) for x in found):
        raise SourceError(Errors.B228.format(path=path, found="something else"))
    if not found or len(set(found)) != len(found):
        what = "a label twice" if found else "an empty list"
        raise SourceError(Errors.B228.format(path=path, found=what))
    return tuple(found)


def write_categories(documents: Iterable[AnnotatedDocument], target: Target) -> None:
    """Write JSON lines. A document without categories is left out, and counted."""
    with target.open("labelled.jsonl") as file:
        for document in documents:
            if document.categories is None:
                target.lost["documents without categories"] += 1
                continue
            record = {
                "id": document.id,
                "text": document.text,
                "labels": list(document.categories),
            }
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def _read(source: Source) -> Iterator[AnnotatedDocument]:
    return read_categories(
        text_lines(source.file), path=source.path, labels=source.labels
    )


FORMAT = Format(
    read=_read,
    write=write_categories,
    holds=frozenset(("categories",)),
    always=frozenset(("categories",)),
)
