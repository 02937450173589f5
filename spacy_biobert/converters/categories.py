"""JSON lines of categorised documents: {"id", "title", "text", "labels": [...]}."""

import json
from collections.abc import Collection, Iterable, Iterator

from ..errors import Errors
from ..types import AnnotatedDocument
from .faults import SourceError
from .jsonl import read_objects, string_field, wrong_field


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
        for label in found:
            if labels is not None and label not in labels:
                raise SourceError(
                    Errors.B227.format(
                        path=path,
                        line=number,
                        document=document,
                        known=", ".join(labels),
                        found=label,
                    )
                )
        yield AnnotatedDocument(
            document,
            " ".join(part for part in (title, text) if part),
            categories=tuple(dict.fromkeys(found)),
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
