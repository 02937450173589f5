"""Annotated corpora as the commands read them: found, checked, one by one."""

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..converters.categories import read_labels
from ..converters.faults import SourceError, naming
from ..converters.formats import KINDS, Format, Source, find_format, tell_format
from ..errors import Errors
from ..sentences import split_sentences
from ..types import AnnotatedDocument
from .archives import CorpusFile, find_corpus_files, open_corpus_file
from .sources import open_lines

HEAD = 4_096


@dataclasses.dataclass(frozen=True, slots=True)
class Policy:
    """What the user decided about reading.

    skip_wrong (bool): Leave wrong annotations out instead of refusing the file.
    discontinuous (str): One of `formats.DISCONTINUOUS`.
    offsets (str): One of `formats.OFFSETS`.
    labels (tuple[str, ...] or None): The categories that may occur.
    """

    skip_wrong: bool = False
    discontinuous: str = "cover"
    offsets: str = "characters"
    labels: tuple[str, ...] | None = None


@dataclasses.dataclass(slots=True)
class FileReport:
    """What a file holds, and what of it was left out or read in another way.

    Counts by label are of what the file has, before repeated documents go.
    """

    path: str
    documents: int = 0
    sentences: int = 0
    mentions: Counter[str] = dataclasses.field(default_factory=Counter)
    relations: Counter[str] = dataclasses.field(default_factory=Counter)
    categories: Counter[str] = dataclasses.field(default_factory=Counter)
    notes: Counter[str] = dataclasses.field(default_factory=Counter)
    skipped: Counter[str] = dataclasses.field(default_factory=Counter)
    problems: list[str] = dataclasses.field(default_factory=list)

    def leave_out(self, problem: str) -> None:
        """Record a wrong annotation by its message, counted by its code."""
        self.problems.append(problem)
        self.skipped[problem[1:5]] += 1

    def count(self, document: AnnotatedDocument) -> None:
        """Count what a document has."""
        self.documents += 1
        self.sentences += _n_sentences(document)
        self.mentions.update(mention.label for mention in document.mentions or ())
        self.relations.update(r.label for r in document.mention_relations or ())
        self.relations.update(r.label for r in document.concept_relations or ())
        self.categories.update(document.categories or ())


@dataclasses.dataclass(frozen=True, slots=True)
class Corpus:
    """The files of a corpus, with what has to be known of all before one is read.

    files (dict[CorpusFile, int]): How often each was named.
    labels (frozenset[str]): Labels of mentions and relations.
    categories (tuple[str, ...]): The label set, or the sorted labels of the data.
    annotated (dict[str, frozenset[str]]): The KINDS that any document of a file, or
        of a folder that is read as one, is annotated with.
    """

    files: dict[CorpusFile, int]
    format: Format
    policy: Policy
    labels: frozenset[str]
    categories: tuple[str, ...]
    annotated: dict[str, frozenset[str]]


def find_corpus(
    inputs: Iterable[str], format: str | None, policy: Policy, *, option: str = "--from"
) -> Corpus:
    """Find the files of a corpus and look through them.

    inputs (Iterable[str]): Files, folders, globs or zip archives.
    format (str or None): The format of all; None tells it by the first file.
    policy (Policy): How to read them.
    option (str): The option that names the format, for messages.
    RETURNS (Corpus): To be read with `read_corpus`.
    RAISES (SourceError): If a file is not what it should be.
    """
    known = None if format is None else find_format(format)
    files = find_corpus_files(inputs, known.main if known else "*")
    if known is None:
        known = find_format(told_format(next(iter(files)), option))
        files = find_corpus_files(inputs, known.main)
    labels: set[str] = set()
    categories: set[str] = set()
    annotated: dict[str, set[str]] = defaultdict(set)
    for file in files:
        with _doubting(file, format, option):
            for document in _read(file, known, policy, FileReport(str(file))):
                annotated[_group(file, known)].update(
                    kind for kind in KINDS if getattr(document, kind) is not None
                )
                labels |= _labels(document)
                categories.update(document.categories or ())
    return Corpus(
        files,
        known,
        policy,
        frozenset(labels),
        policy.labels or tuple(sorted(categories)),
        {group: frozenset(kinds) for group, kinds in annotated.items()},
    )


def read_corpus(
    corpus: Corpus,
) -> Iterator[tuple[FileReport, Iterator[AnnotatedDocument]]]:
    """Read the documents of a corpus, file by file, in constant memory.

    A document without text and a repeated one are left out and counted. Ids are
    remembered with a number of 64 bits for what they stood for.

    corpus (Corpus): From `find_corpus`.
    YIELDS (tuple): Per file its report, which is complete when its documents were
        read, and the documents.
    RAISES (SourceError): If an id occurs with two texts or annotations, and wrong
        annotations are not left out.
    """
    seen: dict[str, int] = {}
    for file, n_named in corpus.files.items():
        report = FileReport(str(file))
        if n_named > 1:
            report.skipped["repeated files"] = n_named - 1
        kinds = corpus.annotated.get(_group(file, corpus.format), frozenset())
        yield report, _kept(file, corpus, report, kinds - corpus.format.states, seen)


def read_label_set(path: Path) -> tuple[str, ...]:
    """Read the file of --labels."""
    with open_lines(path) as lines, naming(str(path)):
        return read_labels(lines.read(), path=str(path))


def _kept(
    file: CorpusFile,
    corpus: Corpus,
    report: FileReport,
    kinds: Iterable[str],
    seen: dict[str, int],
) -> Iterator[AnnotatedDocument]:
    for found in _read(file, corpus.format, corpus.policy, report):
        missing = [kind for kind in kinds if getattr(found, kind) is None]
        filled: dict[str, tuple[()]] = dict.fromkeys(missing, ())
        document = dataclasses.replace(found, **filled)  # type: ignore[arg-type]
        report.count(document)
        if not document.text.strip():
            report.skipped["empty documents"] += 1
            continue
        held = hash(document)
        before = seen.get(document.id)
        if before is None:
            seen[document.id] = held
            yield document
        elif before == held:
            report.skipped["repeated documents"] += 1
        else:
            problem = Errors.B224.format(
                path=report.path, document=document.id, number=report.documents
            )
            if not corpus.policy.skip_wrong:
                raise SourceError(problem)
            report.leave_out(problem)


def _read(
    file: CorpusFile, format: Format, policy: Policy, report: FileReport
) -> Iterator[AnnotatedDocument]:
    path = str(file)
    with open_corpus_file(file) as (opened, beside), naming(path):
        yield from format.read(
            Source(
                path,
                opened,
                beside=beside,
                on_problem=report.leave_out if policy.skip_wrong else None,
                notes=report.notes,
                discontinuous=policy.discontinuous,
                offsets=policy.offsets,
                labels=policy.labels,
            )
        )


def told_format(file: CorpusFile, option: str) -> str:
    """Tell a file's format by its content.

    option (str): The option that names the format, for the message.
    RAISES (SourceError): If not exactly one is sure of it.
    """
    with open_corpus_file(file) as (opened, _), naming(str(file)):
        head = opened.read(HEAD)
        return tell_format(head, file.name, path=str(file), option=option)


@contextmanager
def _doubting(file: CorpusFile, format: str | None, option: str) -> Iterator[None]:
    """Where a file is not read as the format that was named, say if it is another."""
    try:
        yield
    except SourceError as error:
        try:
            told = told_format(file, option)
        except SourceError:
            told = format or ""
        if format in (None, told):
            raise
        hint = f"It begins as a file of the format '{told}' does: try {option} {told}."
        raise SourceError(f"{error} {hint}") from error


def _group(file: CorpusFile, format: Format) -> str:
    return file.folder if format.folder else str(file)


def _labels(document: AnnotatedDocument) -> set[str]:
    return {
        *(mention.label for mention in document.mentions or ()),
        *(relation.label for relation in document.mention_relations or ()),
        *(relation.label for relation in document.concept_relations or ()),
    }


def _n_sentences(document: AnnotatedDocument) -> int:
    stated = sum(passage.label == "sentence" for passage in document.passages)
    return stated or len(split_sentences(document.text))
