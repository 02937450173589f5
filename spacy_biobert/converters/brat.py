"""brat standoff (a .txt and an .ann file per document) to annotated documents, and back.

A mention's concepts are its normalisations, written "resource:id" as brat does; the
resource "concept" stands for ids that have none. Events, equivalences and notes are
counted and not read.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..errors import Errors
from ..types import AnnotatedDocument, Mention, MentionRelation
from .faults import SourceError
from .formats import Format, Source, Target
from .lines import whole_text
from .names import file_name, id_of_file
from .places import agrees, place

RESOURCE = "concept:"
# How lines begin that are counted and not read.
UNREAD = {"E": "events", "*": "equivalences", "#": "notes of annotators"}
TEXT_BOUND = re.compile(r"(\S+) (\d+ \d+(?:;\d+ \d+)*)")
RELATION = re.compile(r"(\S+) \S+?:(\S+) \S+?:(\S+)\s*")
ATTRIBUTE = re.compile(r"(\S+) (\S+)(?: (.*))?")
REFERENCE = re.compile(r"\S+ (\S+) (.+)")


@dataclass(slots=True)
class _Line:
    """An annotation: its number and its columns."""

    number: int
    id: str
    columns: list[str]


@dataclass(slots=True)
class _TextBound:
    """A mention as it is written, with what other lines say of it."""

    line: _Line
    label: str
    parts: list[tuple[int, int]]
    concepts: list[str] = field(default_factory=list)
    attributes: list[str] = field(default_factory=list)

    @property
    def stated(self) -> str:
        return self.line.columns[1]


def read_brat(source: Source) -> Iterator[AnnotatedDocument]:
    """Read a text with the annotation that stands beside it.

    The offsets count the text as it is, with a byte order mark left out; where they
    only agree with it if a line end of Windows counts as one character, those become
    line feeds.

    source (Source): The .txt file.
    YIELDS (AnnotatedDocument): One. Without an .ann file it is not annotated.
    RAISES (SourceError): If a line is no annotation, annotates what is not there, or
        has the id of another mention.
    """
    text = whole_text(source.file)
    name = id_of_file(source.path, ".txt")
    stem = source.path.replace("\\", "/").rpartition("/")[2].partition(".txt")[0]
    beside = source.beside(f"{stem}.ann")
    if beside is None:
        source.notes["texts without an .ann file"] += 1
        yield AnnotatedDocument(name, text)
        return
    with beside:
        lines = list(_lines(whole_text(beside), source))
    bounds = _text_bounds(lines, source)
    text = _with_line_ends(text, list(bounds.values()), source)
    for line in lines:
        if line.id[0] in "AMN":
            _describe(line, bounds, source)
    mentions: list[Mention] = []
    index: dict[str, int] = {}
    for key, bound in bounds.items():
        found = place(
            source,
            text,
            bound.parts,
            stated=bound.stated,
            where=f"annotation line {bound.line.number}",
        )
        if found is not None:
            index[key] = len(mentions)
            mentions.append(
                Mention(
                    *found,
                    text[slice(*found)],
                    bound.label,
                    tuple(dict.fromkeys(bound.concepts)),
                    tuple(bound.attributes),
                )
            )
    related = [line for line in lines if line.id[0] == "R"]
    relations = [
        relation
        for line in related
        if (relation := _relation(line, set(bounds), index, source)) is not None
    ]
    yield AnnotatedDocument(
        name,
        text,
        mentions=tuple(mentions),
        mention_relations=tuple(relations) if related else None,
    )


def write_brat(documents: Iterable[AnnotatedDocument], target: Target) -> None:
    """Write two files per document, named by its id."""
    for document in documents:
        name = file_name(document.id)
        with target.open(f"{name}.txt") as file:
            file.write(document.text)
        if document.mentions is None:
            continue
        with target.open(f"{name}.ann") as file:
            file.writelines(f"{line}\n" for line in _written(document, target))


def _written(document: AnnotatedDocument, target: Target) -> Iterator[str]:
    n_attributes = n_concepts = 0
    for number, mention in enumerate(document.mentions or (), start=1):
        parts = _parts(document.text, mention)
        if (parts[0][0], parts[-1][1]) != (mention.start, mention.end):
            target.lost["line ends at the ends of mentions"] += 1
        places = ";".join(f"{start} {end}" for start, end in parts)
        found = " ".join(document.text[start:end] for start, end in parts)
        label = _word(mention.label, target)
        yield f"T{number}\t{label} {places}\t{found}"
        for concept in mention.concepts:
            if len(concept.splitlines()) != 1 or "\t" in concept:
                target.lost["concept ids with line ends or tabs"] += 1
                continue
            n_concepts += 1
            known = ":" in concept and not concept.startswith((RESOURCE, ":"))
            shown = concept if known else RESOURCE + concept
            yield f"N{n_concepts}\tReference T{number} {shown}\t{found}"
        for attribute in mention.attributes:
            key, sign, value = attribute.partition("=")
            if (
                bool(sign) != bool(value)
                or not re.fullmatch(r"\S+", key)
                or not re.fullmatch(r"[^\t\r\n]*", value)
            ):
                target.lost["attributes of mentions"] += 1
                continue
            n_attributes += 1
            yield f"A{n_attributes}\t{key} T{number} {value}".rstrip(" ")
    for number, relation in enumerate(document.mention_relations or (), start=1):
        label = _word(relation.label, target)
        yield f"R{number}\t{label} Arg1:T{relation.arg1 + 1} Arg2:T{relation.arg2 + 1}"


def _parts(text: str, mention: Mention) -> list[tuple[int, int]]:
    """Divide a mention at line ends, as brat does."""
    return [
        (mention.start + match.start(), mention.start + match.end())
        for match in re.finditer(r"[^\r\n]+", text[mention.start : mention.end])
        if match[0].strip()
    ]


def _word(label: str, target: Target) -> str:
    changed = re.sub(r"\s", "_", label) or "_"
    target.lost["labels changed"] += changed != label
    return changed


def _lines(text: str, source: Source) -> Iterator[_Line]:
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.rstrip("\r")
        if not line.strip():
            continue
        name, *columns = line.split("\t", 2)
        if line[0] in UNREAD:
            source.notes[UNREAD[line[0]]] += 1
        elif line[0] in "TRAMN" and columns:
            yield _Line(number, name, columns)
        else:
            raise _no_annotation(line, number, source)


def _text_bounds(lines: list[_Line], source: Source) -> dict[str, _TextBound]:
    """Read the mentions by their ids; of two with one id, the first."""
    bounds: dict[str, _TextBound] = {}
    for line in lines:
        if line.id[0] != "T":
            continue
        bound = _text_bound(line, source)
        first = bounds.setdefault(line.id, bound)
        if first is not bound:
            source.report(
                Errors.B252.format(
                    path=source.path,
                    where=f"annotation line {line.number}",
                    id=line.id,
                    first=first.line.number,
                )
            )
    return bounds


def _text_bound(line: _Line, source: Source) -> _TextBound:
    match = TEXT_BOUND.fullmatch(line.columns[0])
    if match is None or len(line.columns) < 2:
        raise _no_annotation("\t".join((line.id, *line.columns)), line.number, source)
    pairs = (pair.split(" ") for pair in match[2].split(";"))
    return _TextBound(line, match[1], [(int(start), int(end)) for start, end in pairs])


def _with_line_ends(text: str, bounds: list[_TextBound], source: Source) -> str:
    def fits(text: str) -> bool:
        return all(agrees(text, b.parts, b.stated, source.offsets) for b in bounds)

    if "\r\n" in text and not fits(text):
        changed = text.replace("\r\n", "\n")
        if fits(changed):
            source.notes["texts with line ends of Windows"] += 1
            return changed
    return text


def _describe(line: _Line, bounds: dict[str, _TextBound], source: Source) -> None:
    """Add an attribute or a normalisation to its mention."""
    if line.id[0] == "N":
        match = REFERENCE.fullmatch(line.columns[0])
        owner, what = (match[1], match[2]) if match else (None, "")
    else:
        match = ATTRIBUTE.fullmatch(line.columns[0])
        owner, what = (match[2], match[1]) if match else (None, "")
        if match and match[3]:
            what = f"{what}={match[3]}"
    if owner is None:
        raise _no_annotation("\t".join((line.id, *line.columns)), line.number, source)
    if owner not in bounds:
        source.notes["attributes of events and relations"] += 1
    elif line.id[0] == "N":
        bounds[owner].concepts.append(what.removeprefix(RESOURCE))
    else:
        bounds[owner].attributes.append(what)


def _relation(
    line: _Line, known: set[str], index: dict[str, int], source: Source
) -> MentionRelation | None:
    match = RELATION.fullmatch(line.columns[0])
    if match is None:
        raise _no_annotation("\t".join((line.id, *line.columns)), line.number, source)
    ends = (match[2], match[3])
    if any(end[0] == "E" for end in ends):
        source.notes["relations of events"] += 1
        return None
    if not set(ends) <= known:
        source.report(
            Errors.B240.format(
                path=source.path,
                where=f"annotation line {line.number}",
                label=match[1],
                found=" or ".join(end for end in ends if end not in known),
            )
        )
        return None
    if not set(ends) <= set(index):
        source.notes["relations of mentions that were left out"] += 1
        return None
    return MentionRelation(index[match[2]], index[match[3]], match[1])


def _no_annotation(line: str, number: int, source: Source) -> SourceError:
    return SourceError(
        Errors.B239.format(
            path=source.path,
            where=f"annotation line {number}",
            expected="an annotation of brat (T, R, A, M, N, E, * or #)",
            found=line[:60],
        )
    )


FORMAT = Format(
    read=read_brat,
    write=write_brat,
    holds=frozenset(
        ("mentions", "mention_relations", "concepts", "attributes", "overlaps")
    ),
    states=frozenset(("mentions",)),
    folder=True,
    main="*.txt",
    looks=lambda _, name: name.endswith(".ann"),
)
