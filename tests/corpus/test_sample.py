import gzip
import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations
from pathlib import Path

import pytest
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
COPYRIGHT = "Fictional abstract written for spacy-biobert; its findings are invented."


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


@dataclass(frozen=True)
class Topics:
    id: str
    title: str
    text: str
    labels: list[str]


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


def read_topics(split: str) -> Iterator[Topics]:
    with (SAMPLE / "topics" / f"{split}.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            yield Topics(**json.loads(line))


def parse_xml(content: bytes) -> etree._Element:
    return etree.fromstring(
        content, etree.XMLParser(resolve_entities=False, no_network=True)
    )


def read_medline(name: str) -> etree._Element:
    return parse_xml(
        gzip.decompress((SAMPLE / "medline" / f"{name}.xml.gz").read_bytes())
    )


def plain(element: etree._Element) -> str:
    return " ".join("".join(element.itertext()).split())


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def medline_text(citation: etree._Element) -> tuple[str, str]:
    sections = citation.findall("Article/Abstract/AbstractText")
    return plain(citation.find("Article/ArticleTitle")), " ".join(map(plain, sections))


PUBTATOR = {split: list(read_pubtator(split)) for split in SPLITS}
TOPICS = {split: list(read_topics(split)) for split in SPLITS}
DOCUMENTS = [document for split in SPLITS for document in PUBTATOR[split]]
RECORDS = [record for split in SPLITS for record in TOPICS[split]]
BASELINE = read_medline("sample26n0001")
UPDATE = read_medline("sample26n0002")
ARTICLES = sorted((SAMPLE / "articles").glob("*.nxml"))


def remaining_citations() -> dict[str, etree._Element]:
    kept: dict[str, etree._Element] = {}
    for records in (BASELINE, UPDATE):
        for citation in records.iterfind("PubmedArticle/MedlineCitation"):
            kept[citation.findtext("PMID")] = citation
        for deleted in records.iterfind("DeleteCitation/PMID"):
            kept.pop(deleted.text)
    return kept


def date_revised(citation: etree._Element) -> tuple[int, ...]:
    return tuple(int(part.text) for part in citation.find("DateRevised"))


@cache
def known_names() -> re.Pattern[str]:
    names = {mention.text for document in DOCUMENTS for mention in document.mentions}
    longest_first = sorted(names, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")


def test_splits_hold_32_8_and_8_abstracts() -> None:
    assert {split: len(PUBTATOR[split]) for split in SPLITS} == {
        "train": 32,
        "dev": 8,
        "test": 8,
    }


def test_splits_share_no_document() -> None:
    ids = [{document.id for document in PUBTATOR[split]} for split in SPLITS]
    assert not any(one & other for one, other in combinations(ids, 2))


def test_pmids_are_unique_and_fictional() -> None:
    ids = {document.id for document in DOCUMENTS}
    assert len(ids) == len(DOCUMENTS)
    assert min(map(int, ids)) >= 90000001


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.id)
def test_abstract_has_120_to_250_words(document: Document) -> None:
    assert 120 <= len(words(document.text)) <= 250


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.id)
def test_abstract_has_normalised_white_space(document: Document) -> None:
    assert document.text == " ".join(document.text.split())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.id)
def test_mention_offsets_match_the_text(document: Document) -> None:
    found = [
        document.text[mention.start : mention.end] for mention in document.mentions
    ]
    assert found == [mention.text for mention in document.mentions]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.id)
def test_mentions_are_in_order_without_overlap(document: Document) -> None:
    bounds = [
        bound for mention in document.mentions for bound in (mention.start, mention.end)
    ]
    assert bounds == sorted(bounds)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.id)
def test_every_occurrence_of_a_known_name_is_annotated(document: Document) -> None:
    occurrences = [match.span() for match in known_names().finditer(document.text)]
    assert occurrences == [
        (mention.start, mention.end) for mention in document.mentions
    ]


def test_names_have_one_concept_and_type_each() -> None:
    meanings = defaultdict(set)
    for document in DOCUMENTS:
        for mention in document.mentions:
            meanings[mention.text].add((mention.type, mention.concept))
    assert [name for name, found in meanings.items() if len(found) > 1] == []


def test_concepts_each_occur_in_three_documents() -> None:
    counts = Counter(
        concept
        for document in DOCUMENTS
        for concept in {mention.concept for mention in document.mentions}
    )
    assert [concept for concept, count in counts.items() if count < 3] == []


def test_concepts_of_dev_and_test_are_seen_in_train() -> None:
    seen = {
        split: {
            mention.concept
            for document in PUBTATOR[split]
            for mention in document.mentions
        }
        for split in SPLITS
    }
    assert seen["dev"] | seen["test"] <= seen["train"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.id)
def test_relations_have_the_signature_of_their_label(document: Document) -> None:
    types = {mention.concept: mention.type for mention in document.mentions}
    for relation in document.relations:
        assert (types.get(relation.first), types.get(relation.second)) == SIGNATURES[
            relation.label
        ]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.id)
def test_abstract_states_two_to_four_distinct_relations(document: Document) -> None:
    assert len(document.relations) == len(set(document.relations))
    assert 2 <= len(document.relations) <= 4


@pytest.mark.parametrize("label", SIGNATURES)
def test_relation_label_occurs_twenty_times(label: str) -> None:
    assert (
        sum(
            relation.label == label
            for document in DOCUMENTS
            for relation in document.relations
        )
        >= 20
    )


@pytest.mark.parametrize("split", SPLITS)
def test_split_has_every_relation_label(split: str) -> None:
    labels = {
        relation.label
        for document in PUBTATOR[split]
        for relation in document.relations
    }
    assert labels == set(SIGNATURES)


def test_no_run_of_eight_words_is_in_more_than_two_abstracts() -> None:
    found = defaultdict(set)
    for document in DOCUMENTS:
        tokens = words(document.text)
        for start in range(len(tokens) - 7):
            found[" ".join(tokens[start : start + 8])].add(document.id)
    assert [run for run, ids in found.items() if len(ids) > 2] == []


def test_medline_leaves_the_annotated_documents() -> None:
    assert set(remaining_citations()) == {document.id for document in DOCUMENTS}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.id)
def test_medline_text_equals_the_pubtator_text(document: Document) -> None:
    assert medline_text(remaining_citations()[document.id]) == (
        document.title,
        document.abstract,
    )


def test_update_revises_one_article_with_a_newer_date() -> None:
    before = {
        citation.findtext("PMID"): citation
        for citation in BASELINE.iter("MedlineCitation")
    }
    after = {
        citation.findtext("PMID"): citation
        for citation in UPDATE.iter("MedlineCitation")
    }
    [revised] = before.keys() & after.keys()
    assert medline_text(before[revised]) != medline_text(after[revised])
    assert date_revised(before[revised]) < date_revised(after[revised])


def test_update_deletes_one_article_of_the_baseline() -> None:
    [deleted] = [pmid.text for pmid in UPDATE.iterfind("DeleteCitation/PMID")]
    assert deleted in {
        citation.findtext("PMID") for citation in BASELINE.iter("MedlineCitation")
    }


def test_medline_records_say_that_they_are_fictional() -> None:
    for records in (BASELINE, UPDATE):
        for citation in records.iter("MedlineCitation"):
            assert (
                citation.findtext("Article/Abstract/CopyrightInformation") == COPYRIGHT
            )


@pytest.mark.parametrize("tag", ["i", "b", "sup", "sub"])
def test_medline_has_inline_markup(tag: str) -> None:
    assert (
        BASELINE.find(f".//AbstractText//{tag}") is not None
        or BASELINE.find(f".//ArticleTitle//{tag}") is not None
    )


def test_medline_has_structured_and_plain_abstracts() -> None:
    structured = [
        abstract.find("AbstractText[@Label]") is not None
        for abstract in BASELINE.iter("Abstract")
    ]
    assert 0.4 <= sum(structured) / len(structured) <= 0.6


@pytest.mark.parametrize("name", ["sample26n0001", "sample26n0002"])
def test_medline_archive_carries_no_time_stamp(name: str) -> None:
    assert (SAMPLE / "medline" / f"{name}.xml.gz").read_bytes()[4:8] == bytes(4)


@pytest.mark.parametrize("split", SPLITS)
def test_topics_hold_the_text_of_the_same_split(split: str) -> None:
    assert {record.id: f"{record.title} {record.text}" for record in TOPICS[split]} == {
        document.id: document.text for document in PUBTATOR[split]
    }


def test_topics_list_names_the_labels_in_use() -> None:
    listed = json.loads((SAMPLE / "topics" / "labels.json").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(
        {label for record in RECORDS for label in record.labels}
    )


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.id)
def test_topics_name_at_least_one_label_once(record: Topics) -> None:
    assert record.labels
    assert len(record.labels) == len(set(record.labels))


def test_topics_are_balanced() -> None:
    counts = Counter(label for record in RECORDS for label in record.labels)
    assert min(counts.values()) >= 7
    assert max(counts.values()) < 0.3 * len(RECORDS)


@pytest.mark.parametrize("split", SPLITS)
def test_split_has_every_topic(split: str) -> None:
    every = {label for record in RECORDS for label in record.labels}
    assert {label for record in TOPICS[split] for label in record.labels} == every


def test_articles_are_three() -> None:
    assert len(ARTICLES) == 3


@pytest.mark.parametrize("path", ARTICLES, ids=lambda path: path.stem)
def test_article_has_500_to_900_words_of_running_text(path: Path) -> None:
    body = parse_xml(path.read_bytes()).find("body")
    assert (
        500
        <= sum(len(words(plain(paragraph))) for paragraph in body.iterfind(".//sec/p"))
        <= 900
    )


@pytest.mark.parametrize("path", ARTICLES, ids=lambda path: path.stem)
def test_article_is_named_after_its_pmc_id(path: Path) -> None:
    identifier = parse_xml(path.read_bytes()).findtext(
        "front/article-meta/article-id[@pub-id-type='pmc']"
    )
    assert path.stem == f"PMC{identifier}"


@pytest.mark.parametrize("path", ARTICLES, ids=lambda path: path.stem)
@pytest.mark.parametrize(
    "place",
    [
        "front/article-meta/title-group/article-title",
        "front/article-meta/abstract",
        "body/sec/sec/p",
        "body//xref[@ref-type='bibr']",
        "body//table-wrap//td",
        "body//fig/caption",
        "body//inline-formula",
        "body//italic",
        "body//sup",
        "back/ref-list/ref",
    ],
)
def test_article_has_the_parts_a_converter_meets(path: Path, place: str) -> None:
    assert parse_xml(path.read_bytes()).find(place) is not None


def test_readme_checksums_are_true() -> None:
    readme = (CORPUS / "README.md").read_text(encoding="utf-8")
    stated = dict(
        re.findall(r"^\| `(sample/\S+)` \| `([0-9a-f]{64})` \|$", readme, re.MULTILINE)
    )
    assert stated == {
        path.relative_to(CORPUS).as_posix(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in SAMPLE.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("label", SIGNATURES)
def test_readme_counts_relations_truly(label: str) -> None:
    counts = [
        sum(
            relation.label == label
            for document in PUBTATOR[split]
            for relation in document.relations
        )
        for split in SPLITS
    ]
    row = " | ".join(map(str, [*counts, sum(counts)]))
    assert f"| relation `{label}` | {row} |" in (CORPUS / "README.md").read_text(
        encoding="utf-8"
    )
