"""Read XML of unknown origin: in constant memory, never expanding an entity."""

import html
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import BinaryIO

from lxml import etree

from ..errors import Errors
from ..types import AnnotatedDocument
from .faults import SourceError, naming

NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def iter_elements(
    file: BinaryIO, tags: Collection[str], *, root: Collection[str], path: str
) -> Iterator[etree._Element]:
    """Yield each element with one of the tags, then forget it.

    The element is emptied when the next one is asked for, and so is all that
    stood before it, so that memory does not grow with the file.

    file (BinaryIO): The decompressed XML, at its start.
    tags (Collection[str]): Names of the elements, which may not be nested.
    root (Collection[str]): Names that the file's root element may have.
    path (str): The file's name, for messages.
    YIELDS (Element): Whole elements, in the order of the file.
    RAISES (SourceError): If it is no XML, is malformed or breaks off (after the
        elements before that place), has another root, or declares entities (then
        before any element): those are how a small file fills the memory, or
        reads another file.
    """
    context = etree.iterparse(
        file,
        events=("end",),
        tag=tuple(tags),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    checked = False
    try:
        with naming(path):
            for _, element in context:
                if not checked:
                    _check(element.getroottree().getroot(), root, path)
                    checked = True
                yield element
                _forget(element)
    except etree.XMLSyntaxError as error:
        if error.code == etree.ErrorTypes.ERR_DOCUMENT_EMPTY:
            raise SourceError(Errors.B243.format(path=path)) from error
        raise SourceError(
            Errors.B201.format(path=path, line=error.lineno, reason=error.msg)
        ) from error
    if not checked:
        _check(context.root, root, path)


def plain_text(element: etree._Element | None) -> str:
    """Read an element's text with the words spaced as they are printed.

    Inline markup (`<i>`, `<sup>`) neither adds nor removes a space; runs of white
    space become one space. Of MathML, the TeX source beside it is left out. A
    named character that no DTD was read for (`&alpha;`) becomes that character.

    element (Element or None): An element with mixed content; None gives "".
    RETURNS (str): The text.
    """
    if element is None:
        return ""
    if not len(element):
        return " ".join((element.text or "").split())
    return " ".join("".join(_inline(element)).split())


def _inline(element: etree._Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if child.tag is etree.Entity:
            yield character(child)
        elif local_name(child) not in ("annotation", "annotation-xml"):
            yield from _inline(child)
        yield child.tail or ""


def literal_text(element: etree._Element) -> str:
    """Read an element's text as it is, white space and all.

    A named character that no DTD was read for (`&alpha;`) becomes that character.
    """
    return "".join(_inline(element))


def xml_text(document: AnnotatedDocument, lost: Counter[str]) -> AnnotatedDocument:
    """Put a space for each character that XML cannot have, such as form feeds.

    lost (Counter[str]): Counts those of the text.
    RETURNS (AnnotatedDocument): With as many characters as before.
    """
    text, n_found = NOT_XML.subn(" ", document.text)
    lost["characters that XML cannot have"] += n_found
    return replace(document, text=text) if n_found else document


def character(entity: etree._Element) -> str:
    """Give the character of an undeclared entity by its HTML name, if it has one."""
    return html.unescape(entity.text)


def local_name(element: etree._Element) -> str:
    """Give an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def _check(found: etree._Element, root: Collection[str], path: str) -> None:
    dtd = found.getroottree().docinfo.internalDTD
    names = [entity.name for entity in dtd.iterentities()] if dtd is not None else []
    if names:
        shown = ", ".join(f"&{name};" for name in names[:5])
        raise SourceError(Errors.B202.format(path=path, names=shown))
    if local_name(found) not in root:
        expected = " or ".join(f"<{name}>" for name in root)
        raise SourceError(
            Errors.B203.format(path=path, expected=expected, found=local_name(found))
        )


def _forget(element: etree._Element) -> None:
    element.clear()
    for above in (element, *element.iterancestors()):
        parent = above.getparent()
        while parent is not None and above.getprevious() is not None:
            del parent[0]
