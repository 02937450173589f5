"""PubTator files (BC5CDR, NCBI Disease) to annotated documents, and back."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from ..errors import Errors
from ..types import AnnotatedDocument, ConceptRelation, Mention
from .faults import SourceError, naming
from .formats import Format, Source, Target
from .lines import text_lines
from .losses import one_line
from .places import hint, to_characters
from .titles import join_title, title_end

TEXT_LINE = re.compile(r"([^|\t]+)\|([ta])\|(.*)")
# Between the ids of a composite mention: BC5CDR has the first, NCBI both.
ID_SEPARATOR = re.compile(r"[|+]")
UNKNOWN_IDS = frozenset(("-1", "-", ""))

OnProblem = Callable[[str], None]


@dataclass(slots=True)
class _Entry:
    """The lines of one document, while they are read."""

    id: str
    title: str
    abstract: str | None = None
    mentions: list[Mention] = field(default_factory=list)
    # With the number of its line: concepts are checked at the document's end.
    relations: list[tuple[int, ConceptRelation]] = field(default_factory=list)

    @property
    def text(self) -> str:
        return join_title(self.title, self.abstract or "")[0]


@dataclass(frozen=True, slots=True)
class _Policy:
    """What to do about each mention."""

    report: OnProblem
    offsets: str
    notes: Counter[str]


def read_pubtator(
    lines: Iterable[str],
    *,
    path: str,
    on_problem: OnProblem | None = None,
    offsets: str = "characters",
    notes: Counter[str] | None = None,
) -> Iterator[AnnotatedDocument]:
    """Read the documents of a PubTator file.

    The text is the title, a space and the abstract, unchanged. Of a composite
    mention's seventh column, the names of its parts, nothing is kept. A concept id
    of -1 means unknown; several are joined by | or +.

    lines (Iterable[str]): The lines of the file.
    path (str): The file's name, for messages.
    on_problem (Callable or None): Called with the message for each mention that
        does not match its text and each relation to a concept without a mention,
        which are then left out. None: such a message is raised.
    offsets (str): What the file counts, one of `formats.OFFSETS`.
    notes (Counter or None): Counts composite mentions (those with a
        seventh column), and mentions of several concepts or none.
    YIELDS (AnnotatedDocument): With mentions; `concept_relations` is None where
        the document has no relation line (see `share_annotation`).
    RAISES (SourceError): If a line is no PubTator, or see `on_problem`.
    SOURCE: "PubTator format" of Wei et al. (2013),
        https://doi.org/10.1093/nar/gkt441
    """
    report = on_problem or _fail
    policy = _Policy(report, offsets, Counter() if notes is None else notes)
    entry: _Entry | None = None
    with naming(path):
        for number, line in enumerate(lines, start=1):
            line = line.rstrip("\r\n")
            where = (path, number)
            if not line.strip():
                if entry is not None:
                    yield _finish(entry, path, report)
                entry = None
                continue
            if match := TEXT_LINE.match(line):
                if match[2] == "t":
                    if entry is not None:
                        yield _finish(entry, path, report)
                    entry = _Entry(match[1], match[3])
                else:
                    _open_entry(entry, match[1], "the abstract", where)
                    entry = _with_abstract(entry, match[3], line, where)
            else:
                _annotate(entry, line, where, policy)
    if entry is not None:
        yield _finish(entry, path, report)


def share_annotation(documents: Iterable[AnnotatedDocument]) -> list[AnnotatedDocument]:
    """Mark every document as annotated with relations if one of the file has any.

    PubTator cannot say "annotated, and there is none". Whoever annotated relations
    did so for the whole file, so that its documents without one have none.

    documents (Iterable[AnnotatedDocument]): All documents of one file.
    RETURNS (list[AnnotatedDocument]): The same, in order.
    """
    read = list(documents)
    if all(document.concept_relations is None for document in read):
        return read
    return [
        replace(document, concept_relations=document.concept_relations or ())
        for document in read
    ]


def _fail(message: str) -> None:
    raise SourceError(message)


def _open_entry(
    entry: _Entry | None, owner: str, what: str, where: tuple[str, int]
) -> _Entry:
    """Give the document being read, which has to be the owner of the line."""
    if entry is None or entry.id != owner:
        expected = (
            "a title line (id|t|title)"
            if entry is None
            else f"{what} of document {entry.id}"
        )
        path, number = where
        raise SourceError(
            Errors.B221.format(path=path, line=number, expected=expected, found=owner)
        )
    return entry


def _with_abstract(
    entry: _Entry | None, abstract: str, line: str, where: tuple[str, int]
) -> _Entry:
    if entry is None or entry.abstract is not None or entry.mentions:
        raise _not_pubtator(line, where)
    entry.abstract = abstract
    return entry


def _annotate(
    entry: _Entry | None, line: str, where: tuple[str, int], policy: _Policy
) -> None:
    owner, *columns = line.split("\t")
    is_mention = len(columns) >= 2 and columns[0].isdecimal() and columns[1].isdecimal()
    if (is_mention and not 4 <= len(columns) <= 6) or (
        not is_mention and len(columns) != 3
    ):
        raise _not_pubtator(line, where)
    entry = _open_entry(entry, owner, "an annotation", where)
    if not is_mention:
        label, arg1, arg2 = (column.strip() for column in columns)
        entry.relations.append((where[1], ConceptRelation(arg1, arg2, label)))
        return
    mention = _mention(columns, entry.text, policy.offsets)
    found = entry.text[mention.start : mention.end]
    if found == mention.text and found:
        entry.mentions.append(mention)
        policy.notes["mentions without a concept"] += not mention.concepts
        policy.notes["composite mentions"] += len(columns) == 6
        policy.notes["mentions of several concepts"] += len(mention.concepts) > 1
    else:
        path, number = where
        start, end = int(columns[0]), int(columns[1])
        policy.report(
            Errors.B222.format(
                path=path,
                line=number,
                document=entry.id,
                expected=mention.text,
                unit=policy.offsets,
                start=start,
                end=end,
                found=found,
                hint=hint(entry.text, [(start, end)], mention.text, policy.offsets),
            )
        )


def _mention(columns: list[str], text: str, offsets: str) -> Mention:
    start, end = (to_characters(text, int(column), offsets) for column in columns[:2])
    _, _, name, label, *rest = columns
    ids = (part.strip() for part in ID_SEPARATOR.split(rest[0] if rest else ""))
    concepts = tuple(dict.fromkeys(part for part in ids if part not in UNKNOWN_IDS))
    if start is None or end is None:
        start = end = 0
    return Mention(start, end, name, label.strip(), concepts)


def _finish(entry: _Entry, path: str, report: OnProblem) -> AnnotatedDocument:
    """Check the relations against the concepts that the mentions name."""
    known = {concept for mention in entry.mentions for concept in mention.concepts}
    kept = []
    for line, relation in entry.relations:
        unknown = [arg for arg in (relation.arg1, relation.arg2) if arg not in known]
        if not unknown:
            kept.append(relation)
            continue
        report(
            Errors.B223.format(
                path=path,
                line=line,
                document=entry.id,
                label=relation.label,
                concept=" and ".join(f"'{concept}'" for concept in unknown),
            )
        )
    return AnnotatedDocument(
        entry.id,
        entry.text,
        mentions=tuple(entry.mentions),
        concept_relations=tuple(kept) if entry.relations else None,
        passages=join_title(entry.title, entry.abstract or "")[1],
    )


def _not_pubtator(line: str, where: tuple[str, int]) -> SourceError:
    path, number = where
    shown = line if len(line) <= 60 else line[:60] + "…"
    return SourceError(Errors.B220.format(path=path, line=number, found=shown))


def write_pubtator(documents: Iterable[AnnotatedDocument], target: Target) -> None:
    """Write a PubTator file.

    The title is the first passage if it is labelled so, else all of the text.
    """
    with target.open("pubtator.txt") as file:
        for document in documents:
            file.writelines(f"{line}\n" for line in _lines(document, target.lost))
            file.write("\n")


def _lines(document: AnnotatedDocument, lost: Counter[str]) -> Iterator[str]:
    name = re.sub(r"[|\s]", "_", document.id)
    lost["document ids changed"] += name != document.id
    text = one_line(document.text, "texts", lost)
    title, rest = title_end(document, lost), ""
    if title < len(text):
        rest = text[title + 1 :]
    yield f"{name}|t|{text[:title]}"
    if rest:
        yield f"{name}|a|{rest}"
    concepts = set()
    for mention in document.mentions or ():
        ids = [x for c in mention.concepts if (x := _id(c, lost)) not in UNKNOWN_IDS]
        lost["concept ids that mean unknown"] += len(mention.concepts) - len(ids)
        concepts.update(ids)
        label = one_line(mention.label, "labels", lost)
        found = text[mention.start : mention.end]
        columns = (mention.start, mention.end, found, label, "|".join(ids) or "-1")
        yield "\t".join((name, *map(str, columns)))
    for relation in document.concept_relations or ():
        arg1, arg2 = _id(relation.arg1, lost), _id(relation.arg2, lost)
        if {arg1, arg2} <= concepts and not relation.label.isdecimal():
            label = one_line(relation.label, "labels", lost)
            yield f"{name}\t{label}\t{arg1}\t{arg2}"
        else:
            lost["concept relations without a mention"] += 1


def _id(concept: str, lost: Counter[str]) -> str:
    changed = re.sub(r"[|+\s]", "_", concept)
    lost["concept ids changed"] += changed != concept
    return changed


def _read(source: Source) -> Iterator[AnnotatedDocument]:
    return read_pubtator(
        text_lines(source.file),
        path=source.path,
        on_problem=source.on_problem,
        offsets=source.offsets,
        notes=source.notes,
    )


FORMAT = Format(
    read=_read,
    write=write_pubtator,
    holds=frozenset(
        ("mentions", "concept_relations", "concepts", "passages", "overlaps")
    ),
    always=frozenset(("mentions",)),
    looks=lambda head, _: (
        re.match(rb"(?:\xef\xbb\xbf|\s)*[^|\t\n]+\|t\|", head) is not None
    ),
    suffixes=(".pubtator", ".pubtator.txt"),
)
