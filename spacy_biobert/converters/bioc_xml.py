"""BioC XML to annotated documents, and back, in constant memory."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from lxml import etree

from ..types import AnnotatedDocument
from .bioc import HOLDS, STATES, Node, parse_document
from .bioc_writing import make_document
from .formats import Format, Source, Target
from .markup import iter_elements, literal_text, xml_text

# Elements of a node that occur any number of times, with the name of their list.
LISTS = {
    "passage": "passages",
    "sentence": "sentences",
    "annotation": "annotations",
    "relation": "relations",
    "location": "locations",
    "node": "nodes",
}
NUMBERS = ("offset", "length")


def read_bioc_xml(source: Source) -> Iterator[AnnotatedDocument]:
    """Read the documents of a collection.

    source (Source): The file.
    YIELDS (AnnotatedDocument): In the order of the file.
    RAISES (SourceError): If it is no XML, or no BioC, or an annotation is wrong.
    """
    for element in iter_elements(
        source.file, ("document",), root=("collection",), path=source.path
    ):
        yield parse_document(_node(element), source)


def write_bioc_xml(documents: Iterable[AnnotatedDocument], target: Target) -> None:
    """Write a collection. Characters that XML cannot have become spaces."""
    with target.open("bioc.xml") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n<collection>')
        file.write("<source>spacy-biobert</source><date/><key/>")
        for name, value in target.about.items():
            infon = etree.Element("infon", key=name)
            infon.text = value
            file.write(etree.tostring(infon, encoding="unicode"))
        file.write("\n")
        for document in documents:
            made = make_document(xml_text(document, target.lost), target.lost)
            element = _element("document", made)
            file.write(etree.tostring(element, encoding="unicode") + "\n")
        file.write("</collection>\n")


def _node(element: etree._Element) -> Node:
    """Give an element as BioC's JSON has it."""
    made: Node = {name: _number(name, value) for name, value in element.attrib.items()}
    infons: dict[str, str] = {}
    for child in element:
        if child.tag == "infon":
            infons[str(child.get("key", ""))] = literal_text(child)
        elif child.tag in LISTS:
            made.setdefault(LISTS[str(child.tag)], []).append(_node(child))
        elif isinstance(child.tag, str):
            made[child.tag] = _number(child.tag, literal_text(child))
    made["infons"] = infons
    if element.tag == "document":
        made.setdefault("passages", [])
    return made


def _number(name: str, value: str) -> Any:
    stripped = value.strip()
    if name in NUMBERS and re.fullmatch(r"-?\d+", stripped):
        return int(stripped)
    return stripped if name in ("id", *NUMBERS) else value


def _element(tag: str, node: Node) -> etree._Element:
    element = etree.Element(tag)
    if tag in ("annotation", "relation"):
        element.set("id", node["id"])
    if tag in ("location", "node"):
        for name, value in node.items():
            element.set(name, str(value))
        return element
    # In the order of BioC's DTD.
    if tag == "document":
        etree.SubElement(element, "id").text = node["id"]
    for key, value in node["infons"].items():
        infon = etree.SubElement(element, "infon", key=key)
        infon.text = value
    if "offset" in node:
        etree.SubElement(element, "offset").text = str(node["offset"])
    lists = {name: inner for inner, name in LISTS.items()}
    for name in ("locations", "nodes"):
        element.extend(_element(lists[name], entry) for entry in node.get(name, ()))
    if "text" in node:
        etree.SubElement(element, "text").text = node["text"]
    for name in ("passages", "annotations", "relations"):
        element.extend(_element(lists[name], entry) for entry in node.get(name, ()))
    return element


def _looks(head: bytes, _: str) -> bool:
    return re.search(rb"<collection[\s>]", head) is not None and head.lstrip(
        b"\xef\xbb\xbf \r\n\t"
    ).startswith(b"<")


FORMAT = Format(
    read=read_bioc_xml,
    write=write_bioc_xml,
    holds=HOLDS,
    states=STATES,
    looks=_looks,
    suffixes=(".bioc.xml",),
)
