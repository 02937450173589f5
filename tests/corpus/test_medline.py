import gzip

import pytest
from lxml import etree

from .sample import DOCUMENTS, SAMPLE, Document, parse_xml, plain

COPYRIGHT = "Fictional abstract written for spacy-biobert; its findings are invented."


def read_medline(name: str) -> etree._Element:
    return parse_xml(
        gzip.decompress((SAMPLE / "medline" / f"{name}.xml.gz").read_bytes())
    )


def medline_text(citation: etree._Element) -> tuple[str, str]:
    sections = citation.findall("Article/Abstract/AbstractText")
    return plain(citation.find("Article/ArticleTitle")), " ".join(map(plain, sections))


BASELINE = read_medline("sample26n0001")
UPDATE = read_medline("sample26n0002")


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
