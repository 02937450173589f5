from pathlib import Path

import pytest

from .sample import SAMPLE, parse_xml, plain, words

ARTICLES = sorted((SAMPLE / "articles").glob("*.nxml"))


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
