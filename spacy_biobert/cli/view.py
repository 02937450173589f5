"""Write annotated documents as a page to look at."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..atomic import whole_file
from ..converters.faults import SourceError
from ..errors import Errors
from ..errors.listing import counted, listed
from .convert import OnError, writing
from .corpora import FileReport, Policy, find_corpus, read_corpus
from .plain import Printer
from .sources import find_sources

if TYPE_CHECKING:
    from ..viewing.records import ShownDocument

SPACY = ".spacy"
HTML = (".html", ".htm")
LIMIT = 200


def view_cli(
    inputs: list[str] = typer.Argument(
        ..., help=".spacy files, folders of them, or anything that `convert` reads"
    ),
    output: Path = typer.Argument(..., help="Page to write, .html"),
    source_format: str | None = typer.Option(
        None,
        "--from",
        help="Format of inputs that are no .spacy; default: told by them",
    ),
    limit: int = typer.Option(LIMIT, "--limit", min=1, help="Most documents to show"),
    title: str | None = typer.Option(
        None, "--title", help="Title of the page; default: the name of the first input"
    ),
    on_error: OnError = typer.Option(
        OnError.fail,
        "--on-error",
        help="Stop at a wrong annotation of a corpus, or leave it out",
    ),
    force: bool = typer.Option(False, "--force", help="Replace the output"),
) -> None:
    """Write annotated documents as one HTML page, to look at in any browser.

    Entities and spans in the colours that displaCy has for them, with their
    confidence; relations, topics; filters by label and by confidence. Gold annotation
    or that of a pipeline. The page loads nothing from anywhere. For example:

    spacy-biobert view found.spacy found.html
    """
    printer = Printer()
    try:
        n_documents, more = view(
            inputs,
            output,
            source_format=source_format,
            limit=limit,
            title=title,
            skip_wrong=on_error is OnError.skip,
            force=force,
        )
    except SourceError as error:
        printer.fail(str(error))
        raise typer.Exit(1) from error
    if more:
        printer.warn(
            f"There are more than {counted(n_documents, 'document')}: see --limit"
        )
    printer.good(f"{counted(n_documents, 'document')} in {output}")


def view(
    inputs: list[str],
    output: Path,
    *,
    source_format: str | None = None,
    limit: int = LIMIT,
    title: str | None = None,
    skip_wrong: bool = False,
    force: bool = False,
) -> tuple[int, bool]:
    """Write documents as an HTML page.

    inputs (list[str]): .spacy files or folders of them; or files, folders, globs and
        zip archives of one format.
    output (Path): The page to write.
    source_format (str or None): The format of inputs that are no .spacy; None tells it.
    limit (int): Most documents to show.
    title (str or None): The page's title; None for the first input's name.
    skip_wrong (bool): Leave wrong annotations of a corpus out, and say on the page how
        many.
    force (bool): Replace an output that exists.
    RETURNS (tuple[int, bool]): How many documents the page has, and whether there are
        more.
    RAISES (SourceError): If a file is not what it should be, or the output cannot be
        written. The output then is as it was.
    """
    from ..viewing.page import write_page

    if output.suffix not in HTML:
        raise SourceError(Errors.B210.format(path=output, expected="*.html"))
    if output.is_dir():
        raise SourceError(Errors.B241.format(path=output, found="a folder"))
    if output.exists() and not force:
        raise SourceError(Errors.B236.format(path=output))
    reports: list[FileReport] = []
    documents = _documents(
        inputs, source_format, Policy(skip_wrong=skip_wrong), reports
    )
    found = list(islice(documents, limit + 1))
    shown, more = found[:limit], len(found) > limit
    if not shown:
        raise SourceError(Errors.B229.format(path=listed(inputs), found="none"))
    names = [Path(name).name for name in inputs]
    told = [] if title is None and len(names) == 1 else [f"From {', '.join(names)}."]
    if more:
        told.append(f"The first {limit:,} documents: there are more.")
    if n_wrong := sum(len(report.problems) for report in reports):
        told.append(f"Left out: {counted(n_wrong, 'wrong annotation')}.")
    page = write_page(shown, title=title or names[0], told=told)
    with writing(output), whole_file(output) as unfinished:
        unfinished.write_text(page, encoding="utf-8")
    return len(shown), more


def _documents(
    inputs: list[str], format: str | None, policy: Policy, reports: list[FileReport]
) -> Iterator["ShownDocument"]:
    """Give the documents to show; a corpus adds the reports on its files."""
    from ..viewing.from_annotation import show_document

    if format is None and all(map(_holds_docs, inputs)):
        yield from _docs(find_sources(inputs, suffixes=(SPACY,)))
        return
    corpus = find_corpus(inputs, format, policy)
    for report, documents in read_corpus(corpus):
        reports.append(report)
        for document in documents:
            yield show_document(document, corpus.categories)


def _holds_docs(name: str) -> bool:
    path = Path(name)
    return name.endswith(SPACY) or (path.is_dir() and any(path.rglob(f"*{SPACY}")))


def _docs(paths: Iterable[Path]) -> Iterator["ShownDocument"]:
    from spacy.vocab import Vocab

    from ..readers import read_docs
    from ..viewing.from_annotation import show_doc

    number = 0
    for path in paths:
        try:
            for doc in read_docs(path, Vocab()):
                number += 1
                yield show_doc(doc, number)
        except ValueError as error:
            raise SourceError(str(error)) from error
