"""MEDLINE/PubMed XML to documents, each article in its latest version.

PubMed publishes a baseline and numbered updates. An update holds new articles,
revised ones under their old PMID, and a list of deleted PMIDs. Files are walked
from the newest to the oldest, so that the first record of a PMID is its latest;
what has to be remembered is one bit per PMID (`PmidSet`), some 6 MB for all of
PubMed. Within a file the order is not enough (a PMID may occur several times), so
each file is read twice: once for the PMIDs that are repeated or deleted in it, then
for the text. Only articles repeated in the same file wait in memory for its end.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from lxml import etree

from ..errors import Errors
from ..types import Document, Section
from .faults import SourceError
from .markup import iter_elements, plain_text

ROOT = ("PubmedArticleSet",)
# NLM's note at the end of an abstract that was cut before the year 2000.
CUT_BY_NLM = re.compile(r"\s*\(ABSTRACT TRUNCATED(?: AT \d+ WORDS)?\)\s*$")
PAGE = 1 << 16


@dataclass(frozen=True, slots=True)
class Citation:
    """One version of an article: the higher (version, revised), the later."""

    document: Document
    version: int
    revised: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """The PMIDs that occur more than once in a file, and those it deletes."""

    repeated: frozenset[int]
    deleted: frozenset[int]


class PmidSet:
    """A set of PMIDs, one bit each, in pages that are made when needed."""

    def __init__(self) -> None:
        self._pages: dict[int, bytearray] = {}

    def __contains__(self, pmid: int) -> bool:
        page = self._pages.get(pmid // PAGE)
        return page is not None and bool(page[pmid % PAGE >> 3] & 1 << (pmid & 7))

    def add(self, pmid: int) -> None:
        """Add a PMID."""
        page = self._pages.setdefault(pmid // PAGE, bytearray(PAGE // 8))
        page[pmid % PAGE >> 3] |= 1 << (pmid & 7)


@dataclass(frozen=True, slots=True)
class Settled:
    """The PMIDs that newer files gave a document for, or deleted."""

    given: PmidSet = field(default_factory=PmidSet)
    deleted: PmidSet = field(default_factory=PmidSet)


def read_latest(
    file: BinaryIO, *, path: str, settled: Settled, left_out: Counter[str]
) -> Iterator[Document]:
    """Read the articles whose latest version is in this file.

    Within a file the record with the highest version of its PMID wins, then the
    last revised, then the later one; a deletion wins over any. Between files the
    newer one wins, so call this for the newest file first.

    file (BinaryIO): The decompressed XML; it is read, rewound and read again.
    path (str): The file's name, for messages.
    settled (Settled): What newer files have settled. This file is added.
    left_out (Counter): Records left out as "superseded" or "deleted". Added to.
    YIELDS (Document): In the file's order, the repeated ones at its end.
    RAISES (SourceError): See `read_citations`; after the documents before it.
    """
    survey = survey_file(file, path=path)
    file.seek(0)
    waiting: dict[int, Citation] = {}
    broken: SourceError | None = None
    try:
        for citation in read_citations(file, path=path):
            pmid = int(citation.document.id)
            if pmid in survey.deleted or pmid in settled.deleted:
                left_out["deleted"] += 1
            elif pmid in settled.given:
                left_out["superseded"] += 1
            elif pmid not in survey.repeated:
                settled.given.add(pmid)
                yield citation.document
            else:
                left_out["superseded"] += pmid in waiting
                waiting[pmid] = _later(waiting.get(pmid), citation)
    except SourceError as error:
        broken = error
    for pmid, citation in waiting.items():
        settled.given.add(pmid)
        yield citation.document
    for pmid in survey.deleted:
        settled.deleted.add(pmid)
    if broken is not None:
        raise broken


def survey_file(file: BinaryIO, *, path: str) -> Survey:
    """Find the PMIDs that a file repeats or deletes, up to where it breaks off.

    file (BinaryIO): The decompressed XML, at its start.
    path (str): The file's name, for messages.
    RETURNS (Survey): Both sets; empty for a file that cannot be read at all.
    """
    seen, repeated, deleted = PmidSet(), set(), set()
    tags = ("MedlineCitation", "DeleteCitation")
    try:
        for element in iter_elements(file, tags, root=ROOT, path=path):
            if element.tag == "DeleteCitation":
                deleted |= {_pmid(child, path) for child in element.iterfind("PMID")}
                continue
            pmid = _pmid(element.find("PMID"), path)
            if pmid in seen:
                repeated.add(pmid)
            seen.add(pmid)
    except SourceError:
        pass  # the second reading reports it, after the documents before it
    return Survey(frozenset(repeated), frozenset(deleted))


def read_citations(file: BinaryIO, *, path: str) -> Iterator[Citation]:
    """Read every article record of a MEDLINE/PubMed file.

    file (BinaryIO): The decompressed XML, at its start.
    path (str): The file's name, for messages.
    YIELDS (Citation): In the order of the file. The label of a section is that of
        its AbstractText; an article without abstract has no sections.
    RAISES (SourceError): If the file is malformed, breaks off, is no MEDLINE, or
        declares entities of its own.
    SOURCE: PubMed DTD, https://dtd.nlm.nih.gov/ncbi/pubmed/doc/out/250101/
    """
    for element in iter_elements(file, ("MedlineCitation",), root=ROOT, path=path):
        pmid = element.find("PMID")
        number = _pmid(pmid, path)
        yield Citation(
            Document(
                id=str(number),
                title=plain_text(element.find("Article/ArticleTitle")),
                sections=tuple(_sections(element)),
            ),
            version=_number(pmid.get("Version")),
            revised=tuple(
                _number(element.findtext(f"DateRevised/{part}"))
                for part in ("Year", "Month", "Day")
            ),
        )


def _sections(citation: etree._Element) -> Iterator[Section]:
    for part in citation.iterfind("Article/Abstract/AbstractText"):
        label = " ".join(part.get("Label", "").split())
        text = CUT_BY_NLM.sub("", plain_text(part))
        if text:
            yield Section("" if label.upper() == "UNLABELLED" else label, text)


def _pmid(element: etree._Element | None, path: str) -> int:
    found = "" if element is None else (element.text or "").strip()
    if not (found.isascii() and found.isdigit()):
        line = 0 if element is None else element.sourceline
        raise SourceError(Errors.B204.format(path=path, line=line, found=found))
    return int(found)


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.strip().isdecimal() else 0


def _later(before: Citation | None, found: Citation) -> Citation:
    if before is None:
        return found
    newer = (found.version, found.revised) >= (before.version, before.revised)
    return found if newer else before
