"""Convert annotated corpora to spaCy's binary format."""

import dataclasses
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..atomic import UnwritableError, whole_file
from ..converters.faults import SourceError
from ..errors import Errors
from ..errors.listing import counted, listed
from ..types import AnnotatedDocument
from .corpora import (
    Corpus,
    FileReport,
    Policy,
    find_corpus,
    read_corpus,
    read_label_set,
)
from .plain import Printer

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

    from ..converters.to_docs import Conversion

# As in configs/*.cfg: gold entities have to end where the pipeline's tokens do.
TOKENIZER = "spacy-biobert.Tokenizer.v1"

# What becomes of annotation that does not fit a Doc: see `to_docs.Conversion`.
LOSSES = {
    "not_aligned": "mentions that begin or end inside a token, widened to whole tokens",
    "unplaced": "mentions that have no token even so, left out",
    "overlapping": "mentions that overlap a longer one, left out",
    "relations_without_entity": "relations of mentions that were left out",
}


class OnError(StrEnum):
    """What to do about a wrong annotation."""

    fail = "fail"
    skip = "skip"


class Discontinuous(StrEnum):
    """What becomes of a mention in several parts."""

    cover = "cover"
    first = "first"
    skip = "skip"


class Offsets(StrEnum):
    """What a file's offsets count."""

    characters = "characters"
    utf16 = "utf16"
    bytes = "bytes"


DISCONTINUOUS_HELP = "A mention in several parts: one from the first to the last, the first part, or none"
ANNOTATES_HELP = (
    "Labels of entities that the corpus annotates, where others occur in the text that "
    "it says nothing about; default: all"
)
OFFSETS_HELP = "What offsets count: code points, UTF-16 units (Java) or UTF-8 bytes"


def convert_cli(
    inputs: list[str] = typer.Argument(
        ..., help="Files, folders, globs, .zip (and below); .gz and .xz as they are"
    ),
    output: Path = typer.Argument(..., help="File to write, .spacy"),
    format: str | None = typer.Option(
        None, "--format", help="Format of all inputs; default: told by their content"
    ),
    renamed: list[str] = typer.Option(
        [],
        "--map",
        metavar="FROM=TO",
        help="Rename a label, or with FROM= leave it out; may be repeated",
    ),
    labels: Path | None = typer.Option(
        None, "--labels", help="JSON list of all categories; default: those in the data"
    ),
    annotates: str | None = typer.Option(
        None, "--annotates", metavar="A,B", help=ANNOTATES_HELP
    ),
    on_error: OnError = typer.Option(
        OnError.fail, "--on-error", help="Stop at a wrong annotation, or leave it out"
    ),
    discontinuous: Discontinuous = typer.Option(
        Discontinuous.cover, "--discontinuous", help=DISCONTINUOUS_HELP
    ),
    offsets: Offsets = typer.Option(Offsets.characters, "--offsets", help=OFFSETS_HELP),
    tokenizer: str = typer.Option(
        TOKENIZER, "--tokenizer", help="The pipeline's, as its config names it"
    ),
    force: bool = typer.Option(False, "--force", help="Replace the output"),
    report: Path | None = typer.Option(
        None, "--report", help="JSON file for the counts, also per file"
    ),
) -> None:
    """Convert annotated documents to a .spacy file for training.

    Formats: pubtator (BC5CDR, NCBI Disease), bioc_xml, bioc_json, brat, ddi,
    chemprot, drugprot; columns iob, iob1, biluo, and biobert_ner with bare tags;
    sentences biobert_re (@GENE$) and chemprot_jsonl; labelled texts categories (JSON
    lines) and categories_tsv; jsonl and parquet, which `annotate` writes. A mention
    that cuts through a token is expanded to the whole token; of overlapping mentions the
    longest is kept. Both are counted. For example:

    spacy-biobert convert CDR_TrainingSet.PubTator.txt.gz train.spacy --format pubtator
    """
    printer = Printer()
    try:
        counts = convert(
            inputs,
            output,
            format=format,
            renamed=renamed,
            annotates=None if annotates is None else parse_labels(annotates),
            policy=Policy(
                skip_wrong=on_error is OnError.skip,
                discontinuous=discontinuous.value,
                offsets=offsets.value,
                labels=None if labels is None else read_label_set(labels),
            ),
            tokenizer=tokenizer,
            force=force,
        )
        if report is not None:
            write_report(report, counts)
    except SourceError as error:
        printer.fail(str(error))
        raise typer.Exit(1) from error
    print_counts(counts, printer)
    printer.good(f"{counted(counts['documents'], 'document')} in {output}")


def convert(
    inputs: Iterable[str],
    output: Path,
    *,
    format: str | None,
    renamed: Iterable[str] = (),
    annotates: Collection[str] | None = None,
    policy: Policy | None = None,
    tokenizer: str = TOKENIZER,
    force: bool = False,
) -> dict[str, Any]:
    """Convert corpus files to one .spacy file.

    The files are read twice, once for what has to be known of all of them. What grows
    with them in memory is the .spacy file alone.

    inputs (Iterable[str]): Files, folders, globs or zip archives.
    output (Path): The file to write.
    format (str or None): The name of a format; None tells it by the content.
    renamed (Iterable[str]): "FROM=TO" for labels of any kind.
    annotates (Collection[str] or None): The labels of entities, as renamed, that the
        corpus has all of; None for all there are.
    policy (Policy or None): How to read them; None for the defaults.
    tokenizer (str): The registered name of a tokenizer without arguments.
    force (bool): Replace an output that exists.
    RETURNS (dict): The counts, see `converters.to_docs.Conversion`; besides,
        "skipped" by reason or code, the "problems" that were skipped, "notes" on what
        was read in another way than it is written, and all of it by "files".
    RAISES (SourceError): If a file is not what it should be, if an entity has another
        label than `annotates`, or if there is no such tokenizer; nothing is written.
    """
    from spacy.tokens import DocBin

    from ..converters.to_docs import Conversion, iter_docs

    if output.suffix != ".spacy":
        raise SourceError(Errors.B210.format(path=output, expected="*.spacy"))
    if output.exists() and not force:
        raise SourceError(Errors.B236.format(path=output))
    mapping = parse_mapping(renamed)
    policy = policy or Policy()
    corpus = find_corpus(inputs, format, policy, option="--format")
    if policy.labels is not None and "categories" not in corpus.format.holds:
        raise SourceError(Errors.B011)
    new = new_labels(corpus, mapping)
    category_labels = dict.fromkeys(
        new[label] for label in corpus.categories if new[label]
    )
    make_doc = _blank_pipeline(tokenizer).make_doc
    store, total, files = DocBin(store_user_data=True), Conversion(), []
    for report, documents in read_corpus(corpus):
        counts = Conversion()
        for doc in iter_docs(
            (renamed_document(document, new) for document in documents),
            make_doc,
            counts=counts,
            category_labels=category_labels,
        ):
            if annotates is not None:
                _state_labels(doc, annotates, report.path)
            store.add(doc)
        total.add(counts)
        files.append((report, counts))
    if not total.documents:
        read = listed(str(file) for file in corpus.files)
        raise SourceError(Errors.B229.format(path=read, found="none"))
    with writing(output), whole_file(output) as unfinished:
        unfinished.write_bytes(store.to_bytes())
    return {**plain(total), **summed(files)}


def summed(files: Iterable[tuple[FileReport, "Conversion | None"]]) -> dict[str, Any]:
    """Give the reports on the files as plain data, with the sums over all of them.

    files (Iterable): Per file its report, and what became of its documents on Docs.
    RETURNS (dict): "sentences", "notes", "skipped", "problems" and "files".
    """
    files = list(files)
    notes: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    rows = []
    for report, counts in files:
        notes.update(report.notes)
        skipped.update(report.skipped)
        row = plain(report) | {"notes": _some(report.notes)}
        if counts is not None:
            row |= {name: getattr(counts, name) for name in LOSSES}
        rows.append(row)
    return {
        "sentences": sum(report.sentences for report, _ in files),
        "notes": _some(notes),
        "skipped": dict(sorted(skipped.items())),
        "problems": [problem for report, _ in files for problem in report.problems],
        "files": rows,
    }


def plain(counts: "FileReport | Conversion") -> dict[str, Any]:
    """Give counts as JSON can have them."""
    found = {
        field.name: getattr(counts, field.name) for field in dataclasses.fields(counts)
    }
    return {
        name: dict(value) if isinstance(value, Counter) else value
        for name, value in found.items()
    }


def write_report(report: Path, counts: Mapping[str, Any]) -> None:
    """Write the counts as JSON.

    RAISES (SourceError): If the file cannot be written.
    """
    text = json.dumps(counts, indent=1, ensure_ascii=False) + "\n"
    with writing(report), whole_file(report) as path:
        path.write_text(text, encoding="utf-8")


@contextmanager
def writing(output: Path) -> Iterator[None]:
    """Say which output it was when the disk is full or may not be written to.

    RAISES (SourceError): In place of OSError.
    """
    try:
        yield
    except UnwritableError as error:
        raise SourceError(str(error)) from error
    except OSError as error:
        raise SourceError(Errors.B235.format(path=output, reason=error)) from error


def parse_mapping(renamed: Iterable[str]) -> dict[str, str]:
    """Read the FROM=TO of --map; TO is empty for what is to be left out.

    RAISES (SourceError): If one is not of that form.
    """
    mapping = {}
    for entry in renamed:
        before, sign, after = entry.partition("=")
        if not (before and sign):
            raise SourceError(Errors.B225.format(found=entry))
        mapping[before] = after
    return mapping


def parse_labels(text: str) -> tuple[str, ...]:
    """Read the labels of --annotates.

    RAISES (SourceError): If there is none, or an empty one.
    """
    labels = tuple(label.strip() for label in text.split(","))
    if not all(labels):
        raise SourceError(Errors.B250.format(found=text))
    return labels


def _state_labels(doc: "Doc", labels: Collection[str], path: str) -> None:
    """Write down which labels the entities of a document have been annotated with."""
    others = {ent.label_ for ent in doc.ents} - set(labels)
    if others:
        raise SourceError(
            Errors.B251.format(
                path=path,
                document=doc.user_data["document_id"],
                stated=",".join(labels),
                found=",".join(sorted(others)),
            )
        )
    if doc.has_annotation("ENT_IOB"):
        doc.user_data["annotated_labels"] = list(labels)


def new_labels(corpus: Corpus, mapping: Mapping[str, str]) -> dict[str, str]:
    """Give the new name of each label of mentions, relations and categories.

    corpus (Corpus): Has the labels.
    mapping (Mapping[str, str]): New names by old.
    RETURNS (dict[str, str]): By label; one that is not renamed keeps its name.
    RAISES (SourceError): If the corpus has no such label.
    """
    known = {*corpus.labels, *corpus.categories}
    for label in mapping:
        if label not in known:
            shown = ", ".join(sorted(known))
            raise SourceError(Errors.B226.format(label=label, known=shown))
    return {label: mapping.get(label, label) for label in known}


def print_counts(counts: dict[str, Any], printer: Printer) -> None:
    """Print what was converted, and what was left out."""
    rows = [
        (name, f"{counts[name]:,}") for name in ("documents", "sentences", "tokens")
    ]
    for kind in ("mentions", "relations", "categories"):
        rows += [
            (f"{kind}: {label}", f"{count:,}")
            for label, count in sorted(counts[kind].items())
        ]
    losses = LOSSES if counts["mentions"] else {}
    rows += [(name.replace("_", " "), f"{counts[name]:,}") for name in losses]
    rows += [(why, f"{count:,}") for why, count in counts["notes"].items()]
    rows += [
        (f"skipped: {why}", f"{count:,}") for why, count in counts["skipped"].items()
    ]
    printer.table(rows, aligns=("l", "r"))
    for name, meaning in losses.items():
        if counts[name]:
            printer.text(f"{name.replace('_', ' ').capitalize()}: {meaning}.")
    for problem in counts["problems"]:
        printer.warn(problem)


def renamed_document(
    document: AnnotatedDocument, new: Mapping[str, str]
) -> AnnotatedDocument:
    """Rename the labels of a document, or leave out what has them.

    new (Mapping[str, str]): Of each label its new name, empty for none.
    """
    changed: dict[str, Any] = {}
    for kind in ("mentions", "mention_relations", "concept_relations"):
        found = getattr(document, kind)
        changed[kind] = found and tuple(
            dataclasses.replace(entry, label=new[entry.label])
            for entry in found
            if new[entry.label]
        )
    changed["categories"] = document.categories and tuple(
        dict.fromkeys(new[label] for label in document.categories if new[label])
    )
    return dataclasses.replace(document, **changed)


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


def _some(counts: Counter[str]) -> dict[str, int]:
    return {name: count for name, count in sorted(counts.items()) if count}
