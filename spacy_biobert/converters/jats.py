"""JATS articles (PubMed Central's .nxml) to documents of running text."""

import re
from collections.abc import Iterator
from typing import BinaryIO

from lxml import etree

from ..types import Document, Section
from .languages import language_code
from .markup import character, iter_elements, local_name

WORD = re.compile(r"\S+")
ROOT = ("article", "pmc-articleset", "articles")
# What is not running text. Their captions and labels go with them.
DROPPED = frozenset(
    WORD.findall(
        """
        alternatives array caption chem-struct chem-struct-wrap code contrib-group
        disp-formula disp-formula-group fig fig-group fn fn-group glossary graphic
        inline-formula inline-graphic inline-media inline-supplementary-material label
        math media object-id permissions preformat ref-list related-article related-object
        sec-meta supplementary-material table table-wrap table-wrap-group tex-math
        """
    )
)
# Those that stand inside a line, so that nothing divides the words beside them.
DROPPED_INLINE = frozenset(
    WORD.findall(
        """
        fn inline-formula inline-graphic inline-media label math object-id tex-math
        inline-supplementary-material chem-struct alternatives
        """
    )
)
# What begins and ends a line where it is printed.
BLOCKS = frozenset(
    WORD.findall(
        """
        abstract ack attrib boxed-text break def def-item def-list disp-quote list
        list-item p sec speech statement term title verse-group verse-line
        """
    )
)
SHORT_ABSTRACTS = frozenset(
    WORD.findall(
        """
        graphical teaser toc precis web-summary
        """
    )
)
ID_TYPES = ("pmc", "pmcid", "pmid", "doi", "publisher-id")
# Those that mean the same article wherever they stand.
OTHER_ID_TYPES = ("pmid", "doi")
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"

# Stand for citations and formulae while the text around them is cleaned. XML cannot contain
# these characters, so that they are never the text's own.
CITED = "\x00"
NAMED, END_NAMED = "\x01", "\x02"
FORMULA = "\x03"
MARKS = re.compile(rf"[{CITED}{NAMED}{FORMULA}]")
ONE = rf"(?:{CITED}|{NAMED}[^{END_NAMED}]*{END_NAMED})"
LIST = rf"{ONE}(?:(?:\s*(?:[,;–—−‐-]|and|&)\s*|\s*){ONE})*"
LEAD = r"(?:(?:see(?: also)?|cf\.|e\.\s?g\.,?|reviewed (?:in|by)|refs?\.?)\s*)?"
BRACKETED = re.compile(rf"\[\s*{LEAD}{LIST}\s*\]|\(\s*{LEAD}{LIST}\s*\)")
RUN = rf"{CITED}(?:(?:\s*(?:[,;–—−‐-]|and|&)\s*|\s*){CITED})*"
RUN_BEFORE_BRACKET = re.compile(rf"\s*[,;]?\s*{RUN}(?=\s*[)\]])")
RUN_ANYWHERE = re.compile(rf"\s*{RUN}")
FORMULA_BEFORE_MARK = re.compile(rf"\s*{FORMULA}(?=\s*[.,;:)\]])")
EMPTY_BRACKETS = re.compile(r"\s*(?:\(\s*\)|\[\s*\])")


def read_jats(file: BinaryIO, *, path: str) -> Iterator[Document]:
    """Read the articles of a JATS file, usually one.

    Title, abstract and body; each section with running text of its own becomes a
    Section, labelled with the nearest heading. References, tables, figures,
    formulae, footnotes and citation markers are left out, with the brackets and
    commas that held the markers. A citation that is part of the sentence ("as
    Smith et al. showed") stays.

    file (BinaryIO): The decompressed XML, at its start.
    path (str): The file's name, for messages; its stem is the id of an article
        that has none.
    YIELDS (Document): With the id "PMC1234567", or else PMID, DOI or file name.
    RAISES (SourceError): If the file is malformed, breaks off, is no JATS, or
        declares entities of its own.
    SOURCE: JATS Archiving 1.3, https://jats.nlm.nih.gov/archiving/tag-library/1.3/
    """
    for article in iter_elements(file, ("article",), root=ROOT, path=path):
        meta = article.find("front/article-meta")
        sections: list[Section] = []
        title = ""
        if meta is not None:
            found = meta.find("title-group/article-title")
            title = "" if found is None else running_text(found)
            for abstract in meta.iterfind("abstract"):
                if abstract.get("abstract-type") not in SHORT_ABSTRACTS:
                    sections += _sections(abstract, "")
        for body in article.iterfind("body"):
            sections += _sections(body, "")
        language = language_code(article.get(LANGUAGE, ""))
        yield Document(
            _identify(meta, path),
            title,
            tuple(sections),
            languages=(language,) if language else (),
            other_ids=_other_ids(meta),
        )


def running_text(element: etree._Element) -> str:
    """Read the running text of an element, without what is not to be read aloud.

    element (Element): An element with mixed content.
    RETURNS (str): The text, runs of white space as one space.
    """
    text = " ".join("".join(_pieces(element)).split())
    return _without_marks(text) if MARKS.search(text) else text


def _sections(element: etree._Element, heading: str) -> Iterator[Section]:
    """Give the text before each inner section, then that section, in order."""
    title = element.find("title")
    label = heading if title is None else running_text(title) or heading
    paragraphs: list[str] = []
    for child in element:
        name = local_name(child)
        if name == "sec":
            if paragraphs:
                yield Section(label, " ".join(paragraphs))
                paragraphs = []
            yield from _sections(child, label)
        elif name != "title" and name not in DROPPED:
            text = running_text(child)
            if text:
                paragraphs.append(text)
    if paragraphs:
        yield Section(label, " ".join(paragraphs))


def _pieces(element: etree._Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if child.tag is etree.Entity:
            yield character(child)
        else:
            yield from _child(child)
        yield child.tail or ""


def _child(child: etree._Element) -> Iterator[str]:
    name = local_name(child)
    if name in DROPPED:
        yield FORMULA if name.endswith("-formula") else ""
        yield "" if name in DROPPED_INLINE else " "
    elif name == "xref" and child.get("ref-type") == "bibr":
        text = "".join(_pieces(child))
        named = any(letter.isalpha() for letter in text)
        yield f"{NAMED}{text}{END_NAMED}" if named else CITED
    elif name in BLOCKS:
        yield " "
        yield from _pieces(child)
        yield " "
    else:
        yield from _pieces(child)


def _without_marks(text: str) -> str:
    before = ""
    while before != text:
        before, text = text, BRACKETED.sub(CITED, text)
    text = RUN_BEFORE_BRACKET.sub("", text)
    text = RUN_ANYWHERE.sub("", text)
    text = FORMULA_BEFORE_MARK.sub("", text).replace(FORMULA, "")
    text = EMPTY_BRACKETS.sub("", text)
    text = text.replace(NAMED, "").replace(END_NAMED, "")
    return " ".join(text.split())


def _identify(meta: etree._Element | None, path: str) -> str:
    found = {} if meta is None else _identifiers(meta)
    for kind in ID_TYPES:
        if found.get(kind):
            number = found[kind]
            bare = kind.startswith("pmc") and not number.upper().startswith("PMC")
            return f"PMC{number}" if bare else number
    name = path.replace("\\", "/").rpartition("/")[2]
    return name.partition(".")[0]


def _other_ids(meta: etree._Element | None) -> tuple[str, ...]:
    found = {} if meta is None else _identifiers(meta)
    return tuple(found[kind] for kind in OTHER_ID_TYPES if found.get(kind))


def _identifiers(meta: etree._Element) -> dict[str, str]:
    return {
        element.get("pub-id-type", ""): "".join(element.itertext()).strip()
        for element in meta.iterfind("article-id")
    }
