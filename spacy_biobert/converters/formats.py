"""The formats of annotated corpora, by name, and what each can hold.

A format is an object of the kind `Format` under an entry point of the group
`spacy_biobert_formats`, in this package or in any other:

    [project.entry-points.spacy_biobert_formats]
    mine = "my_package.mine:FORMAT"
"""

import codecs
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import BinaryIO, TextIO

from ..errors import Errors
from ..types import AnnotatedDocument
from .faults import SourceError, naming

GROUP = "spacy_biobert_formats"
# What a format may hold besides the text and the id of a document. The first four are
# annotation that a document has or lacks, the others belong to something else.
KINDS = ("mentions", "mention_relations", "concept_relations", "categories")
DETAILS = ("concepts", "attributes", "passages", "overlaps", "scores")

# Parts of a mention that stands in several places: one mention from the first to the
# last, the first part alone, or no mention at all.
DISCONTINUOUS = ("cover", "first", "skip")
# What offsets count: code points, the 16-bit units of Java and JavaScript, or UTF-8.
OFFSETS = ("characters", "utf16", "bytes")


@dataclass(frozen=True, slots=True)
class Source:
    """A file of a corpus, opened, and how to read it.

    path (str): Its name, for messages and for ids.
    file (BinaryIO): Its bytes, decompressed.
    beside (Callable): Opens another file of the same folder by its name; None if
        there is none.
    on_problem (Callable or None): Called with the message about an annotation that
        is wrong and therefore left out; None: such a message is raised.
    notes (Counter): Counts what was read in another way than it is written.
    discontinuous (str): One of DISCONTINUOUS.
    offsets (str): One of OFFSETS.
    labels (tuple[str, ...] or None): The categories that may occur; None for any.
    """

    path: str
    file: BinaryIO
    beside: Callable[[str], BinaryIO | None] = lambda _: None
    on_problem: Callable[[str], None] | None = None
    notes: Counter[str] = field(default_factory=Counter)
    discontinuous: str = "cover"
    offsets: str = "characters"
    labels: tuple[str, ...] | None = None

    @property
    def stem(self) -> str:
        """The file's name up to its first dot, without the folder."""
        name = self.path.replace("\\", "/").rpartition("/")[2]
        return name[:1] + name[1:].partition(".")[0]

    def report(self, message: str) -> None:
        """Pass a problem on, or raise it."""
        if self.on_problem is None:
            raise SourceError(message)
        self.on_problem(message)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a format is written to.

    open (Callable): Opens a file to write text to, with the line ends it is given.
        A format of one file gives any name; others those of the folder's files.
    lost (Counter): Counts what the format cannot hold, besides what `Format.holds`
        says.
    about (Mapping[str, str]): What is known of all documents, such as the pipeline
        that annotated them; written where the format has a place for it.
    """

    open: Callable[[str], AbstractContextManager[TextIO]]
    lost: Counter[str] = field(default_factory=Counter)
    about: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Format:
    """A format of annotated documents.

    read (Callable): Gives the documents of a file, one by one.
    write (Callable or None): Writes documents; None if the format is only read.
    holds (frozenset[str]): What it can hold, of KINDS and DETAILS.
    always (frozenset[str]): The KINDS with which every document counts as annotated.
    states (frozenset[str]): The KINDS of which it can say, for each document,
        whether they are annotated. Of others still, all documents of a file count as
        annotated if one has any.
    folder (bool): Whether a corpus is a folder of files instead of one file.
    main (str): Pattern of the names of the files to read in a folder; the others are
        opened beside them.
    looks (Callable or None): Tells by a file's first bytes and its name whether it is
        of this format. Has to be sure; None if nobody can be.
    suffixes (tuple[str, ...]): Ends of the names, in small letters and before .gz or
        .xz, by which an output is to be of this format.
    """

    read: Callable[[Source], Iterator[AnnotatedDocument]]
    write: Callable[[Iterable[AnnotatedDocument], Target], None] | None
    holds: frozenset[str]
    always: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()
    folder: bool = False
    main: str = "*"
    looks: Callable[[bytes, str], bool] | None = None
    suffixes: tuple[str, ...] = ()


def format_names() -> list[str]:
    """Give the names of all installed formats, sorted."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def find_format(name: str) -> Format:
    """Load a format by its name.

    RAISES (SourceError): If no installed package has it.
    """
    found = list(entry_points(group=GROUP, name=name))
    if not found:
        known = ", ".join(format_names())
        raise SourceError(Errors.B232.format(found=name, known=known))
    loaded = found[0].load()
    if not isinstance(loaded, Format):
        raise SourceError(Errors.B233.format(name=name, found=type(loaded).__name__))
    return loaded


def tell_format(head: bytes, name: str, *, path: str, option: str) -> str:
    """Tell which format a file has, where exactly one format is sure of it.

    head (bytes): How the file begins.
    name (str): Its name.
    path (str): Its path, for the message.
    option (str): The option that names the format, for the message.
    RETURNS (str): The format's name.
    RAISES (SourceError): If none is sure, or several are; also if the file is empty or
        not in UTF-8.
    """
    sure = [
        known
        for known in format_names()
        if (looks := find_format(known).looks) is not None and looks(head, name)
    ]
    if len(sure) == 1:
        return sure[0]
    if not head.removeprefix(codecs.BOM_UTF8).strip():
        raise SourceError(Errors.B229.format(path=path, found="an empty file"))
    with naming(path):
        # The head may end within a character.
        codecs.getincrementaldecoder("utf-8")().decode(head)
    found = "one that may be " + " or ".join(sure) if sure else "none of them"
    known = ", ".join(format_names())
    message = Errors.B234.format(path=path, known=known, found=found, option=option)
    raise SourceError(message)
