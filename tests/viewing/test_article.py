import lxml.html

from spacy_biobert.viewing.article import group_relations, write_article
from spacy_biobert.viewing.page import count_labels
from spacy_biobert.viewing.records import ShownDocument, ShownMention, ShownRelation

from .documents import PLAIN


def article(document: ShownDocument) -> lxml.html.HtmlElement:
    numbers = {key: number for number, key in enumerate(count_labels([document]))}
    return lxml.html.fragment_fromstring(write_article(document, 1, numbers))


def cells(row: lxml.html.HtmlElement) -> list[str]:
    return [cell.text_content() for cell in row.findall("td")]


def test_relations_of_the_same_names_are_one_row_with_the_best_score() -> None:
    text = "Aspirin aspirin ulcers"
    mentions = (
        ShownMention(0, 7, "Chemical"),
        ShownMention(8, 15, "Chemical"),
        ShownMention(16, 22, "Disease"),
    )
    relations = (
        ShownRelation((0,), (2,), "causes", 0.5),
        ShownRelation((1,), (2,), "causes", 0.9),
        ShownRelation((1,), (2,), "treats", 0.7),
        ShownRelation((2,), (1,), "causes", 0.6),
    )
    document = ShownDocument("1", text, mentions=mentions, relations=relations)
    rows = group_relations(document)
    assert [[found.score for found in row.relations] for row in rows] == [
        [0.9, 0.5],
        [0.7],
        [0.6],
    ]
    first = article(document).find(".//tbody/tr")
    assert cells(first) == ["aspirin", "causes in 2 pairs", "ulcers", "0.90"]
    assert first.get("data-p") == "1>2:0.900 0>2:0.500"
    assert [link.get("href") for link in first.iter("a")] == ["#d1m1", "#d1m2"]


def test_names_of_other_concepts_are_other_rows() -> None:
    mentions = (
        ShownMention(0, 2, "Gene", concepts=("1",)),
        ShownMention(3, 5, "Gene", concepts=("2",)),
        ShownMention(6, 7, "Gene"),
    )
    relations = tuple(ShownRelation((i,), (2,), "binds", 0.5) for i in range(2))
    document = ShownDocument("1", "AB AB c", mentions=mentions, relations=relations)
    assert len(group_relations(document)) == 2


def test_relation_of_concepts_links_where_they_are_named() -> None:
    rows = article(PLAIN).findall(".//tbody/tr")
    assert [cells(row) for row in rows] == [
        ["Aspirin D1", "treats", "D9 not in the text", "–"],
        ["Aspirin", "causes", "peptic ulcers", "0.97"],
        ["Aspirin", "causes", "ulcers", "0.80"],
        ["Aspirin", "causes", "ulcers", "0.35"],
    ]
    assert rows[0].get("data-p") == "0,2>:"


def test_many_relations_are_folded_but_for_the_most_probable() -> None:
    text = "a b c d e f g h i j k l m"
    mentions = tuple(ShownMention(2 * i, 2 * i + 1, "X") for i in range(13))
    relations = tuple(ShownRelation((0,), (i,), "r", i / 20) for i in range(1, 13))
    found = article(ShownDocument("1", text, mentions=mentions, relations=relations))
    seen, folded = found.iter("table")
    assert [row.findtext("td[4]") for row in seen.findall(".//tbody/tr")] == [
        f"{i / 20:.2f}" for i in range(12, 4, -1)
    ]
    assert len(folded.findall(".//tbody/tr")) == 4
    assert found.find(".//summary").text_content() == "More relations: 4"
    assert found.find(".//h3").text_content() == "Relations 12"


def test_relations_without_scores_have_no_column_for_them() -> None:
    document = ShownDocument(
        "1",
        "a b",
        mentions=(ShownMention(0, 1, "X"), ShownMention(2, 3, "X")),
        relations=(ShownRelation((0,), (1,), "r"),),
    )
    found = article(document)
    assert [head.text for head in found.iter("th")] == ["First", "Relation", "Second"]
    assert cells(found.find(".//tbody/tr")) == ["a", "r", "b"]


def test_topics_are_bars_with_figures_the_improbable_folded() -> None:
    topics = {"low": 0.04, "high": 0.912, "middle": 0.1}
    found = article(ShownDocument("1", "x", topics=topics))
    seen, folded = found.iter("ul")
    assert [bar.text_content() for bar in seen] == ["high0.91", "middle0.10"]
    assert seen[0].find("i").get("style") == "--v:0.912"
    assert [bar.text_content() for bar in folded] == ["low0.04"]
    assert found.find(".//summary").text_content() == "More topics below 0.10: 1"


def test_document_with_improbable_topics_alone_says_so() -> None:
    found = article(ShownDocument("1", "x", topics={"low": 0.04}))
    assert "None reaches 0.10." in found.text_content()


def test_crossing_stretches_are_explained_and_others_not() -> None:
    crossing = (ShownMention(0, 3, "X"), ShownMention(2, 5, "Y"))
    nested = (ShownMention(0, 5, "X"), ShownMention(2, 5, "Y"))
    for mentions, told in ((crossing, True), (nested, False)):
        found = article(ShownDocument("1", "abcdef", mentions=mentions))
        assert ("two parts" in found.text_content()) is told


def test_bare_text_has_neither_relations_nor_topics() -> None:
    found = article(ShownDocument("1", "Some text."))
    assert found.xpath("string(.//*[@class='text'])") == "Some text."
    assert not found.findall(".//section")
