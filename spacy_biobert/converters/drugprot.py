"""DrugProt and ChemProt (abstracts, entities and relations in columns), both ways.

Offsets count in the title, a space and the abstract. Of ChemProt the label of a relation
is its group (CPR:3), which the task scores; the name inside of the group is not kept.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import partial

from ..errors import Errors
from ..types import AnnotatedDocument, Mention, MentionRelation
from .faults import SourceError
from .formats import Format, Source, Target
from .lines import text_lines
from .losses import one_line
from .places import place
from .titles import join_title, title_end

# In the names of files, as they are published; one has it misspelt.
ABSTRACTS = re.compile(r"abstracts|abstracs")
# Groups that the task of ChemProt scores.
SCORED = frozenset(("CPR:3", "CPR:4", "CPR:5", "CPR:6", "CPR:9"))
ARGUMENT = re.compile(r"(?:Arg[12]:)?(\S+)")

Rows = dict[str, list[tuple[int, list[str]]]]


def read_drugprot(source: Source, *, n_columns: int) -> Iterator[AnnotatedDocument]:
    """Read the abstracts, with what the files beside them say of each.

    source (Source): The file of the abstracts; *_entities.tsv and *_relations.tsv are
        beside it. Without the first, nothing is annotated; without the second, no
        relations are.
    n_columns (int): Columns of a relation: 4, or 6 as ChemProt has them.
    YIELDS (AnnotatedDocument): In the order of the abstracts.
    RAISES (SourceError): If a line has other columns, or an annotation is wrong.
    """
    entities = _beside(source, "entities", 6)
    relations = _beside(source, "relations", n_columns)
    for number, columns in _columns(source, 3):
        name, title, abstract = columns
        text, passages = join_title(title, abstract)
        mentions: list[Mention] = []
        index: dict[str, int | None] = {}
        for line, (_, key, label, *rest) in (entities or {}).get(name, ()):
            found = _place(source, text, line, rest)
            index[key] = None if found is None else len(mentions)
            if found is not None:
                mentions.append(Mention(*found, text[slice(*found)], label))
        related = [
            relation
            for line, row in (relations or {}).get(name, ())
            if (relation := _relation(source, line, row, index)) is not None
        ]
        if not name:
            raise _wrong(source, number, "an id in the first column", "none")
        yield AnnotatedDocument(
            name,
            text,
            mentions=None if entities is None else tuple(mentions),
            mention_relations=None if relations is None else tuple(related),
            passages=passages,
        )


def write_drugprot(
    documents: Iterable[AnnotatedDocument], target: Target, *, n_columns: int
) -> None:
    """Write three files; that of the relations only if any document has them annotated."""
    related: list[str] | None = None
    with (
        target.open("abstracts.tsv") as abstracts,
        target.open("entities.tsv") as entities,
    ):
        for document in documents:
            name = one_line(document.id, "document ids", target.lost)
            text = one_line(document.text, "texts", target.lost)
            end = title_end(document, target.lost)
            abstracts.write(f"{name}\t{text[:end]}\t{text[end + 1 :]}\n")
            for i, mention in enumerate(document.mentions or (), start=1):
                label = one_line(mention.label, "labels", target.lost)
                found = text[mention.start : mention.end]
                row = (name, f"T{i}", label, mention.start, mention.end, found)
                entities.write("\t".join(map(str, row)) + "\n")
            if document.mention_relations is not None:
                related = related or []
                related += _written(document, name, n_columns, target)
    if related is not None:
        with target.open("relations.tsv") as file:
            file.writelines(related)


def _written(
    document: AnnotatedDocument, name: str, n_columns: int, target: Target
) -> Iterator[str]:
    for relation in document.mention_relations or ():
        label = one_line(relation.label, "labels", target.lost)
        middle = [label]
        if n_columns == 6:
            middle = [label, "Y " if label in SCORED else "N ", label]
        ends = (f"Arg1:T{relation.arg1 + 1}", f"Arg2:T{relation.arg2 + 1}")
        yield "\t".join((name, *middle, *ends)) + "\n"


def _beside(source: Source, what: str, n_columns: int) -> Rows | None:
    """Read a file beside the abstracts: its rows by document, with their numbers."""
    name = source.path.replace("\\", "/").rpartition("/")[2]
    name = re.sub(r"\.(gz|xz)$", "", name)
    file = source.beside(ABSTRACTS.sub(what, name))
    if file is None:
        source.notes[f"abstracts without a file of {what}"] += 1
        return None
    rows: Rows = defaultdict(list)
    for number, line in enumerate(text_lines(file), start=1):
        columns = line.rstrip("\r\n").split("\t")
        if not line.strip():
            continue
        if len(columns) != n_columns:
            raise _wrong(source, number, f"{n_columns} columns of {what}", line[:60])
        rows[columns[0]].append((number, columns))
    return rows


def _columns(source: Source, n_columns: int) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text_lines(source.file), start=1):
        columns = line.rstrip("\r\n").split("\t")
        if not line.strip():
            continue
        if len(columns) != n_columns:
            raise _wrong(source, number, "an id, a title and an abstract", line[:60])
        yield number, columns


def _place(
    source: Source, text: str, line: int, columns: list[str]
) -> tuple[int, int] | None:
    start, end, stated = columns
    if not (start.isdecimal() and end.isdecimal()):
        raise _wrong(source, line, "an entity with two offsets", f"'{start}', '{end}'")
    where = f"line {line} of the entities"
    return place(source, text, [(int(start), int(end))], stated=stated, where=where)


def _relation(
    source: Source, line: int, row: list[str], index: dict[str, int | None]
) -> MentionRelation | None:
    label = row[1].strip()
    ends = []
    for column in row[-2:]:
        match = ARGUMENT.fullmatch(column.strip())
        ends.append(match[1] if match else column)
    unknown = [end for end in ends if end not in index]
    if unknown:
        source.report(
            Errors.B240.format(
                path=source.path,
                where=f"line {line} of the relations",
                label=label,
                found=" or ".join(unknown),
            )
        )
        return None
    arg1, arg2 = (index[end] for end in ends)
    if arg1 is None or arg2 is None:
        source.notes["relations of mentions that were left out"] += 1
        return None
    return MentionRelation(arg1, arg2, label)


def _wrong(source: Source, line: int, expected: str, found: str) -> SourceError:
    return SourceError(
        Errors.B239.format(
            path=source.path, where=f"line {line}", expected=expected, found=found
        )
    )


def _format(n_columns: int) -> Format:
    return Format(
        read=partial(read_drugprot, n_columns=n_columns),
        write=partial(write_drugprot, n_columns=n_columns),
        holds=frozenset(("mentions", "mention_relations", "passages", "overlaps")),
        always=frozenset(("mentions",)),
        folder=True,
        main="*abstra*.tsv",
    )


DRUGPROT, CHEMPROT = _format(4), _format(6)
