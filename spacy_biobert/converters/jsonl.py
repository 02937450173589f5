"""JSON lines to documents, and documents to JSON lines."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..errors import Errors
from ..types import Document, Section
from .faults import SourceError, naming

OnProblem = Callable[[str], None]


def read_objects(
    lines: Iterable[str], *, path: str, on_problem: OnProblem | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read one JSON object a line, with the line's number; blank lines are passed.

    lines (Iterable[str]): The lines of the file.
    path (str): The file's name, for messages.
    on_problem (Callable or None): Called with the message about a line that is left
        out because it is none; None: such a message is raised.
    YIELDS (tuple[int, dict]): Number, from 1, and object.
    RAISES (SourceError): If a line is not a JSON object.
    """
    with naming(path):
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                record = _object(line, path, number)
            except SourceError as error:
                if on_problem is None:
                    raise
                on_problem(str(error))
            else:
                yield number, record


def read_jsonl(
    lines: Iterable[str], *, path: str, on_problem: OnProblem | None = None
) -> Iterator[Document]:
    """Read documents, one a line.

    A line has "sections", a list of {"label", "text"}, or "text"; with both, the
    sections count. "id" and "title" may be left out: the line's number then is
    the id. Other keys are not read.

    lines (Iterable[str]): The lines of the file.
    path (str): The file's name, for messages.
    on_problem (Callable or None): As of `read_objects`, for wrong fields too.
    YIELDS (Document): In the order of the file.
    RAISES (SourceError): If a line is no JSON, or a field of the wrong type.
    """
    for number, record in read_objects(lines, path=path, on_problem=on_problem):
        try:
            document = _document(record, path, number)
        except SourceError as error:
            if on_problem is None:
                raise
            on_problem(str(error))
        else:
            yield document


def document_record(document: Document) -> dict[str, Any]:
    """Give a document as the JSON object that `read_jsonl` reads."""
    return {
        "id": document.id,
        "title": document.title,
        "sections": [
            {"label": section.label, "text": section.text}
            for section in document.sections
        ],
        "text": document.text,
    }


def string_field(
    record: dict[str, Any],
    field: str,
    *,
    path: str,
    line: int,
    default: str | None = None,
) -> str:
    """Give a text field of a record.

    default (str or None): The value where the field is missing; None refuses that.
    RAISES (SourceError): If the field is missing or no text.
    """
    found = record.get(field, default)
    if not isinstance(found, str):
        raise wrong_field(field, "text", found, path=path, line=line)
    return found


def wrong_field(
    field: str, expected: str, found: object, *, path: str, line: int
) -> SourceError:
    """Make the error for a field that is missing or of the wrong type."""
    return SourceError(
        Errors.B207.format(
            path=path,
            line=line,
            field=field,
            expected=expected,
            found="nothing" if found is None else _shown(found),
        )
    )


def _object(line: str, path: str, number: int) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise SourceError(
            Errors.B206.format(path=path, line=number, reason=error)
        ) from error
    if not isinstance(record, dict):
        raise SourceError(
            Errors.B206.format(path=path, line=number, reason=f"it is {_shown(record)}")
        )
    return record


def _document(record: dict[str, Any], path: str, number: int) -> Document:
    title = string_field(record, "title", path=path, line=number, default="")
    found = record.get("id", number)
    if isinstance(found, bool) or not isinstance(found, str | int):
        raise wrong_field("id", "text or a number", found, path=path, line=number)
    if "sections" in record:
        sections = tuple(_sections(record["sections"], path, number))
    else:
        text = string_field(record, "text", path=path, line=number)
        sections = (Section("", text),) if text.strip() else ()
    return Document(str(found), title, sections)


def _sections(found: object, path: str, line: int) -> Iterator[Section]:
    expected = 'a list of {"label", "text"}'
    if not isinstance(found, list):
        raise wrong_field("sections", expected, found, path=path, line=line)
    for entry in found:
        if not isinstance(entry, dict):
            raise wrong_field("sections", expected, entry, path=path, line=line)
        label = string_field(entry, "label", path=path, line=line, default="")
        text = string_field(entry, "text", path=path, line=line)
        if text.strip():
            yield Section(label, text)


def _shown(found: object) -> str:
    text = json.dumps(found, ensure_ascii=False)
    return text if len(text) <= 60 else text[:60] + "…"
