"""The sample corpus, read without the package that it tests."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

CORPUS = Path(__file__).parents[2] / "corpus"
SAMPLE = CORPUS / "sample"
SPLITS = ("train", "dev", "test")
SIGNATURES = {
    "treats": ("CHEMICAL", "DISEASE"),
    "causes": ("CHEMICAL", "DISEASE"),
    "inhibits": ("CHEMICAL", "GENE"),
    "activates": ("CHEMICAL", "GENE"),
    "associated_with": ("GENE", "DISEASE"),
}


@dataclass(frozen=True)
class Mention:
    start: int
    end: int
    text: str
    type: str
    concept: str


@dataclass(frozen=True)
class Relation:
    label: str
    first: str
    second: str


@dataclass
class Document:
    id: str
    title: str
    abstract: str
    mentions: list[Mention] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)

    @property
    def text(self) -> str:
        return f"{self.title} {self.abstract}"


def read_pubtator(split: str) -> Iterator[Document]:
    content = (SAMPLE / "pubtator" / f"{split}.pubtator.txt").read_text(
        encoding="utf-8"
    )
    for block in content.strip().split("\n\n"):
        title, abstract, *lines = block.split("\n")
        pmid, _, title = title.split("|", 2)
        document = Document(pmid, title, abstract.removeprefix(f"{pmid}|a|"))
        for line in lines:
            owner, *columns = line.split("\t")
            assert owner == pmid
            if len(columns) == 5:
                start, end, *rest = columns
                document.mentions.append(Mention(int(start), int(end), *rest))
            else:
                document.relations.append(Relation(*columns))
        yield document


def parse_xml(content: bytes) -> etree._Element:
    return etree.fromstring(
        content, etree.XMLParser(resolve_entities=False, no_network=True)
    )


def plain(element: etree._Element) -> str:
    return " ".join("".join(element.itertext()).split())


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


PUBTATOR = {split: list(read_pubtator(split)) for split in SPLITS}
DOCUMENTS = [document for split in SPLITS for document in PUBTATOR[split]]
