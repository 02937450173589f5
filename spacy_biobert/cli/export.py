"""Write annotated documents in the formats of others."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from ..converters.faults import SourceError
from ..converters.formats import Format, find_format
from ..converters.losses import without_losses
from ..converters.targets import check_replaced, open_target, told_by_name
from ..errors import Errors
from ..errors.listing import counted, listed
from ..types import AnnotatedDocument
from .convert import (
    DISCONTINUOUS_HELP,
    OFFSETS_HELP,
    Discontinuous,
    Offsets,
    OnError,
    summed,
    write_report,
    writing,
)
from .corpora import FileReport, Policy, find_corpus, read_corpus
from .plain import Printer
from .sources import find_sources

SPACY = ".spacy"
NOT_HELD = (
    "Not held: what the inputs have and this format has no place for. It is left out."
)


def export_cli(
    inputs: list[str] = typer.Argument(
        ..., help=".spacy files, or any that `convert` reads"
    ),
    output: Path = typer.Argument(
        ..., help="File to write (.gz and .xz compress), or folder (brat, drugprot ...)"
    ),
    format: str | None = typer.Option(
        None, "--format", help="Format to write, if the output's name does not tell it"
    ),
    source_format: str | None = typer.Option(
        None,
        "--from",
        help="Format of inputs that are no .spacy; default: told by them",
    ),
    on_error: OnError = typer.Option(
        OnError.fail, "--on-error", help="Stop at a wrong annotation, or leave it out"
    ),
    discontinuous: Discontinuous = typer.Option(
        Discontinuous.cover, "--discontinuous", help=DISCONTINUOUS_HELP
    ),
    offsets: Offsets = typer.Option(Offsets.characters, "--offsets", help=OFFSETS_HELP),
    force: bool = typer.Option(False, "--force", help="Replace the output"),
    report: Path | None = typer.Option(
        None, "--report", help="JSON file for the counts, also per file"
    ),
) -> None:
    """Write .spacy files or another corpus in one of the formats of `convert`.

    Gold annotation or that of a pipeline. What the format cannot hold is left out,
    counted and shown. For example:

    spacy-biobert export train.spacy train.bioc.xml.gz
    """
    printer = Printer()
    try:
        counts = export(
            inputs,
            output,
            format=format,
            source_format=source_format,
            policy=Policy(
                skip_wrong=on_error is OnError.skip,
                discontinuous=discontinuous.value,
                offsets=offsets.value,
            ),
            force=force,
        )
        if report is not None:
            write_report(report, counts)
    except SourceError as error:
        printer.fail(str(error))
        raise typer.Exit(1) from error
    print_counts(counts, printer)
    printer.good(f"{counted(counts['documents'], 'document')} in {output}")


def export(
    inputs: list[str],
    output: Path,
    *,
    format: str | None = None,
    source_format: str | None = None,
    policy: Policy | None = None,
    force: bool = False,
) -> dict[str, Any]:
    """Write documents in a format, one by one.

    inputs (list[str]): .spacy files, or files, folders, globs and zip archives of
        one format.
    output (Path): The file or folder to write.
    format (str or None): The name of the format to write; None tells it by the
        output's name.
    source_format (str or None): That of the inputs; None tells it.
    policy (Policy or None): How to read them; None for the defaults.
    force (bool): Replace an output that exists.
    RETURNS (dict): What was written: "documents", "mentions", "relations",
        "categories"; "lost", what the format cannot hold; and as `convert.summed`.
    RAISES (SourceError): If a file is not what it should be, or the output cannot be
        written. The output then is as it was.
    """
    known = find_format(format or told_by_name(output, {}))
    if known.write is None:
        raise SourceError(Errors.B237.format(name=format))
    _check_output(output, known, force)
    written = FileReport(str(output))
    lost: Counter[str] = Counter()
    files: list[FileReport] = []
    documents = _counted(
        _documents(inputs, source_format, policy or Policy(), files, lost), written
    )
    with writing(output), open_target(output, known, lost) as target:
        known.write(without_losses(documents, known, lost), target)
        if not written.documents:
            raise SourceError(Errors.B229.format(path=listed(inputs), found="none"))
    return {
        "documents": written.documents,
        "mentions": dict(written.mentions),
        "relations": dict(written.relations),
        "categories": dict(written.categories),
        "lost": {name: count for name, count in sorted(lost.items()) if count},
        **summed((report, None) for report in files),
    }


def print_counts(counts: dict[str, Any], printer: Printer) -> None:
    """Print what was written, and what the format cannot hold."""
    rows = [("documents", f"{counts['documents']:,}")]
    for kind in ("mentions", "relations", "categories"):
        rows += [
            (f"{kind}: {label}", f"{count:,}")
            for label, count in sorted(counts[kind].items())
        ]
    for kind, words in (
        ("lost", "not held"),
        ("notes", "note"),
        ("skipped", "skipped"),
    ):
        rows += [(f"{words}: {why}", f"{n:,}") for why, n in counts[kind].items()]
    printer.table(rows, aligns=("l", "r"))
    if counts["lost"]:
        printer.text(NOT_HELD)
    for problem in counts["problems"]:
        printer.warn(problem)


def _documents(
    inputs: list[str],
    format: str | None,
    policy: Policy,
    files: list[FileReport],
    lost: Counter[str],
) -> Iterator[AnnotatedDocument]:
    if format is None and all(name.endswith(SPACY) for name in inputs):
        for path in find_sources(inputs, suffixes=(SPACY,)):
            yield from _read_spacy(path, files, lost)
        return
    for report, documents in read_corpus(find_corpus(inputs, format, policy)):
        files.append(report)
        yield from documents


def _read_spacy(
    path: Path, files: list[FileReport], lost: Counter[str]
) -> Iterator[AnnotatedDocument]:
    from spacy.vocab import Vocab

    from ..converters.from_docs import from_doc
    from ..readers import read_docs

    files.append(FileReport(str(path)))
    try:
        for doc in read_docs(path, Vocab()):
            document = from_doc(doc, lost)
            files[-1].count(document)
            yield document
    except ValueError as error:
        raise SourceError(str(error)) from error


def _counted(
    documents: Iterator[AnnotatedDocument], written: FileReport
) -> Iterator[AnnotatedDocument]:
    for document in documents:
        written.count(document)
        yield document


def _check_output(output: Path, format: Format, force: bool) -> None:
    empty = output.is_dir() and not any(output.iterdir())
    if output.exists() and not empty and not force:
        raise SourceError(Errors.B236.format(path=output))
    check_replaced(output, folder=format.folder)
