"""MEDLINE/PubMed XML to documents, each article in its latest version.

PubMed publishes a baseline and numbered updates. An update holds new articles,
revised ones under their old PMID, and a list of deleted PMIDs. A file is read twice:
by `survey_file` for its PMIDs, so that `Settled` can tell what newer files supersede,
then by `read_latest` for the text. Only articles repeated in the same file wait in
memory for its end.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from lxml import etree

from ..errors import Errors
from ..types import Document, Section
from .faults import SourceError
from .languages import language_code
from .markup import iter_elements, plain_text
from .revisions import PmidSet, Survey, Verdict

ROOT = ("PubmedArticleSet",)
# NLM's note at the end of an abstract that was cut before the year 2000.
CUT_BY_NLM = re.compile(r"\s*\(ABSTRACT TRUNCATED(?: AT \d+ WORDS)?\)\s*$")
TAGS = ("MedlineCitation", "DeleteCitation")


@dataclass(frozen=True, slots=True)
class Citation:
    """One version of an article: the higher (version, revised), the later."""

    document: Document
    version: int
    revised: tuple[int, ...]


def survey_file(file: BinaryIO, *, path: str) -> Survey:
    """Find the PMIDs that a file has, repeats and deletes, up to where it breaks off.

    file (BinaryIO): The decompressed XML, at its start.
    path (str): The file's name, for messages.
    RETURNS (Survey): Empty for a file that cannot be read at all.
    """
    seen, repeated, deleted = PmidSet(), set(), PmidSet()
    try:
        for element in iter_elements(file, TAGS, root=ROOT, path=path):
            if element.tag == "DeleteCitation":
                for pmid in _deleted(element, path):
                    deleted.add(pmid)
                continue
            pmid = _pmid(element.find("PMID"), path)
            if pmid in seen:
                repeated.add(pmid)
            seen.add(pmid)
    except SourceError:
        pass  # the second reading reports it, after the documents before it
    return Survey(seen, frozenset(repeated), deleted)


def read_latest(
    file: BinaryIO, *, path: str, verdict: Verdict, left_out: Counter[str]
) -> Iterator[Document]:
    """Read the articles whose latest version is in this file.

    Within a file the record with the highest version of its PMID wins, then the
    last revised, then the later one; a deletion wins over any. Between files the
    newer one wins.

    file (BinaryIO): The decompressed XML, at its start.
    path (str): The file's name, for messages.
    verdict (Verdict): What of this file counts, from its survey and `Settled`.
    left_out (Counter): Records left out as "superseded" or "deleted". Added to.
    YIELDS (Document): In the file's order, the repeated ones at its end.
    RAISES (SourceError): See `read_citations`; after the documents before it.
    """
    waiting: dict[int, Citation] = {}
    broken: SourceError | None = None
    try:
        for citation in read_citations(file, path=path):
            pmid = int(citation.document.id)
            if pmid in verdict.deleted:
                left_out["deleted"] += 1
            elif pmid in verdict.superseded:
                left_out["superseded"] += 1
            elif pmid not in verdict.repeated:
                yield citation.document
            else:
                left_out["superseded"] += pmid in waiting
                waiting[pmid] = _later(waiting.get(pmid), citation)
    except SourceError as error:
        broken = error
    for citation in waiting.values():
        yield citation.document
    if broken is not None:
        raise broken


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
    for element in iter_elements(file, TAGS, root=ROOT, path=path):
        if element.tag == "DeleteCitation":
            _deleted(element, path)  # breaks off where the survey did
            continue
        pmid = element.find("PMID")
        number = _pmid(pmid, path)
        yield Citation(
            Document(
                id=str(number),
                title=plain_text(element.find("Article/ArticleTitle")),
                sections=tuple(_sections(element)),
                languages=tuple(_languages(element)),
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


def _languages(citation: etree._Element) -> Iterator[str]:
    for stated in citation.iterfind("Article/Language"):
        code = language_code(stated.text or "")
        if code:
            yield code


def _deleted(deletion: etree._Element, path: str) -> list[int]:
    return [_pmid(child, path) for child in deletion.iterfind("PMID")]


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
