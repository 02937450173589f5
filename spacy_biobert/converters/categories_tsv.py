"""Labelled documents and sentences in columns: text and labels, perhaps an id.

A first line may name the columns: text (or sentence), label (or labels), id, title.
Without one there are two columns, text and labels, or three, with an id before them.
Several labels of a text are joined by |.
"""

from collections.abc import Iterable, Iterator

from ..errors import Errors
from ..types import AnnotatedDocument
from .categories import check_labels
from .faults import SourceError
from .formats import Format, Source, Target
from .lines import text_lines
from .losses import one_line

TEXT, LABELS = frozenset(("text", "sentence")), frozenset(("label", "labels"))
WITHOUT_NAMES = {2: ["text", "labels"], 3: ["id", "text", "labels"]}
SEPARATOR = "|"


def read_categories_tsv(source: Source) -> Iterator[AnnotatedDocument]:
    """Read labelled texts, one a line.

    source (Source): The file.
    YIELDS (AnnotatedDocument): Without an id, file and line are it. The text is the
        title, a space and the text.
    RAISES (SourceError): If a line has other columns, or a label is not in the set.
    """
    names: list[str] | None = None
    for number, line in enumerate(text_lines(source.file), start=1):
        if not line.strip():
            continue
        columns = line.rstrip("\r\n").split("\t")
        if names is None:
            found = [_name(column) for column in columns]
            if {"text", "labels"} <= set(found):
                names = found
                continue
            names = WITHOUT_NAMES.get(len(columns), ["text", "labels"])
        if len(columns) != len(names):
            raise SourceError(
                Errors.B239.format(
                    path=source.path,
                    where=f"line {number}",
                    expected=f"{len(names)} columns ({', '.join(names)})",
                    found=f"{len(columns)}: '{line[:60].rstrip()}'",
                )
            )
        row = dict(zip(names, columns, strict=True))
        name = row.get("id") or f"{source.path}:{number}"
        labels = [x for part in row["labels"].split(SEPARATOR) if (x := part.strip())]
        check_labels(labels, source.labels, name, path=source.path, line=number)
        yield AnnotatedDocument(
            name,
            " ".join(part for part in (row.get("title"), row["text"]) if part),
            categories=tuple(dict.fromkeys(labels)),
        )


def write_categories_tsv(
    documents: Iterable[AnnotatedDocument], target: Target
) -> None:
    """Write columns under their names. A document without categories is left out."""
    with target.open("labelled.tsv") as file:
        file.write("id\ttext\tlabels\n")
        for document in documents:
            if document.categories is None:
                target.lost["documents without categories"] += 1
                continue
            name = one_line(document.id, "document ids", target.lost)
            text = one_line(document.text, "texts", target.lost)
            labels = [_label(label, target) for label in document.categories]
            file.write(f"{name}\t{text}\t{SEPARATOR.join(labels)}\n")


def _name(column: str) -> str:
    name = column.strip().lower()
    return "text" if name in TEXT else "labels" if name in LABELS else name


def _label(label: str, target: Target) -> str:
    changed = " ".join(label.replace(SEPARATOR, "/").split())
    target.lost["labels changed"] += changed != label
    return changed


FORMAT = Format(
    read=read_categories_tsv,
    write=write_categories_tsv,
    holds=frozenset(("categories",)),
    always=frozenset(("categories",)),
    looks=lambda head, _: head.startswith(b"id\ttext\tlabels"),
)
