"""Convert annotated corpora to spaCy's binary format."""

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from wasabi.printer import Printer

from ..atomic import whole_file
from ..converters.categories import read_categories, read_labels
from ..converters.faults import SourceError, naming
from ..converters.pubtator import read_pubtator, share_annotation
from ..errors import Errors
from ..types import AnnotatedDocument
from .sources import find_sources, open_lines

if TYPE_CHECKING:
    from spacy.language import Language

# As in configs/*.cfg: gold entities have to end where the pipeline's tokens do.
TOKENIZER = "spacy-biobert.Tokenizer.v1"


class CorpusFormat(StrEnum):
    """What an annotated corpus may be."""

    pubtator = "pubtator"
    categories = "categories"


class OnError(StrEnum):
    """What to do about a wrong annotation."""

    fail = "fail"
    skip = "skip"


@dataclasses.dataclass(slots=True)
class LeftOut:
    """What the files hold that the output does not."""

    problems: list[str] = dataclasses.field(default_factory=list)
    counts: Counter[str] = dataclasses.field(default_factory=Counter)

    def add(self, problem: str) -> None:
        """Record a wrong annotation by its message, counted by its code."""
        self.problems.append(problem)
        self.counts[problem[1:5]] += 1


def convert_cli(
    inputs: list[str] = typer.Argument(
        ..., help="Files, folders or globs, .gz and .xz as they are"
    ),
    output: Path = typer.Argument(..., help="File to write, .spacy"),
    format: CorpusFormat = typer.Option(..., "--format", help="Format of all inputs"),
    renamed: list[str] = typer.Option(
        [], "--map", metavar="FROM=TO", help="Rename a label; may be repeated"
    ),
    labels: Path | None = typer.Option(
        None, "--labels", help="JSON list of all categories; default: those in the data"
    ),
    on_error: OnError = typer.Option(
        OnError.fail, "--on-error", help="Stop at a wrong annotation, or leave it out"
    ),
    tokenizer: str = typer.Option(
        TOKENIZER, "--tokenizer", help="The pipeline's, as its config names it"
    ),
    report: Path | None = typer.Option(
        None, "--report", help="JSON file for the counts and what was left out"
    ),
) -> None:
    """Convert annotated documents to a .spacy file for training.

    pubtator: entities with concept ids, and relations between concepts (BC5CDR,
    NCBI Disease). categories: JSON lines {"id", "title", "text", "labels"}. A
    mention that cuts through a token is expanded to the whole token; of overlapping
    mentions the longest is kept. Both are counted. For example:

    spacy-biobert convert CDR_TrainingSet.PubTator.txt.gz train.spacy --format pubtator
    """
    printer = Printer()
    try:
        counts = convert(
            inputs,
            output,
            format=format.value,
            renamed=renamed,
            labels=labels,
            tokenizer=tokenizer,
            skip_wrong=on_error is OnError.skip,
        )
    except SourceError as error:
        printer.fail(str(error))
        raise typer.Exit(1) from error
    if report is not None:
        with whole_file(report) as path:
            text = json.dumps(counts, indent=1, ensure_ascii=False) + "\n"
            path.write_text(text, encoding="utf-8")
    print_counts(counts, printer)
    printer.good(f"{counts['documents']:,} documents in {output}")


def convert(
    inputs: Iterable[str],
    output: Path,
    *,
    format: str,
    renamed: Iterable[str] = (),
    labels: Path | None = None,
    tokenizer: str = TOKENIZER,
    skip_wrong: bool = False,
) -> dict[str, Any]:
    """Convert corpus files to one .spacy file.

    inputs (Iterable[str]): Files, folders or globs.
    output (Path): The file to write.
    format (str): "pubtator" or "categories".
    renamed (Iterable[str]): "FROM=TO" for labels of any kind.
    labels (Path or None): JSON list of the categories; None takes those in the data.
    tokenizer (str): The registered name of a tokenizer without arguments.
    skip_wrong (bool): Leave wrong annotations out, and count them, instead of
        refusing the file.
    RETURNS (dict): The counts, see `converters.to_docs.Conversion`; besides,
        "skipped" by reason or code, and the "problems" that were skipped.
    RAISES (SourceError): If a file is not what it should be, or there is no such
        tokenizer; nothing is written.
    """
    from spacy.tokens import DocBin

    from ..converters.to_docs import to_docs

    if output.suffix != ".spacy":
        raise SourceError(Errors.B210.format(path=output, expected="*.spacy"))
    mapping = parse_mapping(renamed)
    nlp = _blank_pipeline(tokenizer)
    left_out = LeftOut()
    label_set = None if labels is None else _label_set(labels)
    kept: dict[str, AnnotatedDocument] = {}
    for path in find_sources(inputs, suffixes=None):
        read = _read_file(path, format, label_set, left_out, skip_wrong)
        _keep(kept, read, path, left_out, skip_wrong)
    if not kept:
        raise SourceError(Errors.B229.format(path=output))
    documents, category_labels = rename([*kept.values()], label_set or (), mapping)
    docs, conversion = to_docs(documents, nlp.make_doc, category_labels=category_labels)
    with whole_file(output) as unfinished:
        unfinished.write_bytes(DocBin(docs=docs, store_user_data=True).to_bytes())
    return {
        **dataclasses.asdict(conversion),
        "skipped": dict(sorted(left_out.counts.items())),
        "problems": left_out.problems,
    }


def parse_mapping(renamed: Iterable[str]) -> dict[str, str]:
    """Read the FROM=TO of --map.

    RAISES (SourceError): If one is not of that form.
    """
    mapping = {}
    for entry in renamed:
        before, sign, after = entry.partition("=")
        if not (before and sign and after):
            raise SourceError(Errors.B225.format(found=entry))
        mapping[before] = after
    return mapping


def rename(
    documents: list[AnnotatedDocument],
    category_labels: Sequence[str],
    mapping: dict[str, str],
) -> tuple[list[AnnotatedDocument], list[str]]:
    """Rename labels of mentions, relations and categories.

    documents (list[AnnotatedDocument]): The documents.
    category_labels (Sequence[str]): The label set, () for that of the data.
    mapping (dict[str, str]): New names by old.
    RETURNS (tuple): The documents, and the renamed label set.
    RAISES (SourceError): If there is no such label.
    """
    categories = dict.fromkeys(category_labels) or dict.fromkeys(
        sorted({label for document in documents for label in document.categories or ()})
    )
    known = {*categories, *(label for doc in documents for label in _labels(doc))}
    for label in mapping:
        if label not in known:
            shown = ", ".join(sorted(known))
            raise SourceError(Errors.B226.format(label=label, known=shown))
    new = {label: mapping.get(label, label) for label in known}
    return (
        [_renamed(document, new) for document in documents],
        list(dict.fromkeys(new[label] for label in categories)),
    )


def print_counts(counts: dict[str, Any], printer: Printer) -> None:
    """Print what was converted, and what was left out."""
    rows = [(name, f"{counts[name]:,}") for name in ("documents", "tokens")]
    for kind in ("mentions", "relations", "categories"):
        rows += [
            (f"{kind}: {label}", f"{count:,}")
            for label, count in sorted(counts[kind].items())
        ]
    losses = ("not_aligned", "unplaced", "overlapping", "relations_without_entity")
    if counts["mentions"]:
        rows += [(name.replace("_", " "), f"{counts[name]:,}") for name in losses]
    rows += [
        (f"skipped: {why}", f"{count:,}") for why, count in counts["skipped"].items()
    ]
    printer.table(rows, aligns=("l", "r"))
    for problem in counts["problems"]:
        printer.warn(problem)


def _blank_pipeline(tokenizer: str) -> "Language":
    import spacy
    from spacy.util import registry

    known = registry.tokenizers.get_all()
    if tokenizer not in known:
        shown = ", ".join(sorted(known))
        raise SourceError(
            Errors.B230.format(name="--tokenizer", known=shown, found=tokenizer)
        )
    return spacy.blank("en", config={"nlp": {"tokenizer": {"@tokenizers": tokenizer}}})


def _label_set(path: Path) -> tuple[str, ...]:
    with open_lines(path) as lines, naming(str(path)):
        return read_labels(lines.read(), path=str(path))


def _read_file(
    path: Path,
    format: str,
    label_set: tuple[str, ...] | None,
    left_out: LeftOut,
    skip_wrong: bool,
) -> list[AnnotatedDocument]:
    with open_lines(path) as lines:
        if format == "categories":
            return list(read_categories(lines, path=str(path), labels=label_set))
        on_problem = left_out.add if skip_wrong else None
        return share_annotation(
            read_pubtator(lines, path=str(path), on_problem=on_problem)
        )


def _keep(
    kept: dict[str, AnnotatedDocument],
    documents: list[AnnotatedDocument],
    path: Path,
    left_out: LeftOut,
    skip_wrong: bool,
) -> None:
    """Add documents by id, but not empty or repeated ones; refuse an id with two texts."""
    for document in documents:
        if not document.text.strip():
            left_out.counts["empty documents"] += 1
            continue
        before = kept.setdefault(document.id, document)
        if before is document:
            continue
        if before == document:
            left_out.counts["repeated documents"] += 1
            continue
        problem = Errors.B224.format(path=path, document=document.id)
        if not skip_wrong:
            raise SourceError(problem)
        left_out.add(problem)


def _labels(document: AnnotatedDocument) -> set[str]:
    return {
        *(mention.label for mention in document.mentions or ()),
        *(relation.label for relation in document.concept_relations or ()),
        *(document.categories or ()),
    }


def _renamed(document: AnnotatedDocument, new: dict[str, str]) -> AnnotatedDocument:
    mentions, relations = document.mentions, document.concept_relations
    categories = document.categories
    return dataclasses.replace(
        document,
        mentions=mentions
        and tuple(dataclasses.replace(m, label=new[m.label]) for m in mentions),
        concept_relations=relations
        and tuple(dataclasses.replace(r, label=new[r.label]) for r in relations),
        categories=categories
        and tuple(dict.fromkeys(new[label] for label in categories)),
    )
