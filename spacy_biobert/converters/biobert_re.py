"""BioBERT's files for relations: sentences with @GENE$ and @DISEASE$ for the names.

Columns: sentence and label, or with an index before them; a first line of names may
stand above. A label of 0 or false means no relation, any other is that of the relation
between the first placeholder and the second.
"""

import re
from collections.abc import Iterable, Iterator

from ..errors import Errors
from ..types import AnnotatedDocument, Mention, MentionRelation
from .faults import SourceError
from .formats import Format, Source, Target
from .lines import text_lines
from .losses import one_line
from .pairs import find_pairs

PLACEHOLDER = re.compile(r"@([A-Z][\w-]*)\$")
NEGATIVE = frozenset(("0", "false", "none", "negative", "ddi-false", "no_relation"))
HEADER = ("sentence", "text")


def is_negative(label: str) -> bool:
    """Whether a label says that there is no relation."""
    return label.strip().lower() in NEGATIVE


def read_biobert_re(source: Source) -> Iterator[AnnotatedDocument]:
    """Read the sentences of a file, a document each.

    source (Source): The file.
    YIELDS (AnnotatedDocument): Its mentions are the placeholders. Without an index
        that is more than a number, file and line are its id.
    RAISES (SourceError): If a line has other columns.
    """
    for number, line in enumerate(text_lines(source.file), start=1):
        columns = line.rstrip("\r\n").split("\t")
        if not line.strip() or (number == 1 and set(HEADER) & set(columns)):
            continue
        if len(columns) not in (2, 3):
            raise SourceError(
                Errors.B239.format(
                    path=source.path,
                    where=f"line {number}",
                    expected="a sentence and a label, or an index before them",
                    found=f"'{line[:60].rstrip()}'",
                )
            )
        *index, text, label = columns
        named = bool(index) and not index[0].isdecimal()
        name = index[0] if named else f"{source.path}:{number}"
        mentions = tuple(
            Mention(match.start(), match.end(), match[0], match[1])
            for match in PLACEHOLDER.finditer(text)
        )
        relations: tuple[MentionRelation, ...] = ()
        if not is_negative(label):
            if len(mentions) == 2:
                relations = (MentionRelation(0, 1, label.strip()),)
            else:
                source.notes["relations without two placeholders"] += 1
        yield AnnotatedDocument(
            name, text, mentions=mentions, mention_relations=relations
        )


def write_biobert_re(documents: Iterable[AnnotatedDocument], target: Target) -> None:
    """Write a line per pair of mentions of a sentence, with placeholders for their names."""
    with target.open("relations.tsv") as file:
        file.write("index\tsentence\tlabel\n")
        for document in documents:
            found = list(find_pairs(document, target.lost))
            target.lost["documents cut into pairs"] += len(found) != 1
            for order, pair in enumerate(found):
                text = _anonymous(
                    document, (pair.arg1, pair.arg2), (pair.start, pair.end), target
                )
                name = one_line(document.id, "document ids", target.lost)
                name = name if len(found) == 1 else f"{name}.{order}"
                text = one_line(text, "texts", target.lost)
                target.lost["directions of relations"] += pair.arg1 > pair.arg2
                file.write(f"{name}\t{text}\t{pair.label or '0'}\n")


def _anonymous(
    document: AnnotatedDocument,
    ends: tuple[int, int],
    bounds: tuple[int, int],
    target: Target,
) -> str:
    mentions = document.mentions or ()
    made, at = "", bounds[0]
    for mention in sorted((mentions[i] for i in ends), key=lambda m: m.start):
        label = re.sub(r"[^\w-]", "-", mention.label).upper()
        placeholder = f"@{label}$"
        target.lost["labels changed"] += label != mention.label
        target.lost["names behind placeholders"] += placeholder != mention.text
        made += document.text[at : mention.start] + placeholder
        at = mention.end
    return made + document.text[at : bounds[1]]


FORMAT = Format(
    read=read_biobert_re,
    write=write_biobert_re,
    holds=frozenset(("mentions", "mention_relations")),
    always=frozenset(("mentions", "mention_relations")),
    looks=lambda head, _: head.startswith(b"index\tsentence\tlabel"),
)
