import base64
import hashlib
import re

import lxml.html
import pytest

from spacy_biobert.viewing.page import count_labels, write_page
from spacy_biobert.viewing.records import (
    ENTITIES,
    RELATIONS,
    TOPICS,
    ShownDocument,
    ShownMention,
    span_layer,
)

from .documents import DOCUMENTS, HOSTILE, PLAIN

# Every element of a page, and the attributes that address something.
ELEMENTS = set(
    "html head meta link title style body a header div h1 h2 h3 bdi p ul li button aside"
    " details summary span label output input small kbd nav ol main article section"
    " mark b i table thead tbody tr th td script".split()
)
ADDRESSES = ("href", "src", "srcset", "action", "data", "poster", "background")


@pytest.fixture(scope="module")
def page() -> str:
    return write_page(DOCUMENTS, title=HOSTILE[0], told=HOSTILE)


@pytest.fixture(scope="module")
def tree(page: str) -> lxml.html.HtmlElement:
    return lxml.html.document_fromstring(page.removeprefix("<!DOCTYPE html>"))


def test_page_asks_for_no_other_file(tree: lxml.html.HtmlElement) -> None:
    found = [
        element.get(name)
        for element in tree.iter()
        for name in ADDRESSES
        if element.get(name) is not None
    ]
    assert found
    assert all(address.startswith("#") or address == "data:," for address in found)
    for style in tree.iter("style"):
        assert not re.search(r"url\(|@import", style.text)


def test_hostile_text_adds_no_element_and_no_attribute(
    tree: lxml.html.HtmlElement,
) -> None:
    assert {element.tag for element in tree.iter() if isinstance(element.tag, str)} == (
        ELEMENTS
    )
    assert len(tree.findall(".//script")) == len(tree.findall(".//style")) == 1
    names = {name for element in tree.iter() for name in element.keys()}  # noqa: SIM118
    assert not [name for name in names if name.startswith("on")]
    styles = {element.get("style") for element in tree.iter() if element.get("style")}
    assert all(re.fullmatch(r"--v:\d\.\d{3}", style) for style in styles)


def test_hostile_text_is_shown_as_it_is(tree: lxml.html.HtmlElement) -> None:
    for nasty, article in zip(HOSTILE, tree.findall(".//article")[1:-1], strict=True):
        if nasty.isprintable() or "\u202e" in nasty:
            assert article.findtext("h2/bdi").endswith(nasty)
            assert [name.text for name in article.iterfind(".//td/a/bdi")][:2] == [
                nasty,
                nasty,
            ]
            assert article.find(".//mark").get("data-k") == nasty
    assert tree.findtext("head/title") == HOSTILE[0]


def test_links_lead_to_something(tree: lxml.html.HtmlElement) -> None:
    ids = [element.get("id") for element in tree.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    for link in tree.iter("a"):
        assert link.get("href").removeprefix("#") in ids


def test_policy_allows_the_one_script_and_nothing_from_outside(
    page: str, tree: lxml.html.HtmlElement
) -> None:
    policy = tree.xpath("string(//meta[@http-equiv]/@content)")
    script = page.partition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "http:" not in policy
    assert "https:" not in policy


def test_same_documents_give_the_same_page(page: str) -> None:
    assert write_page(DOCUMENTS, title=HOSTILE[0], told=HOSTILE) == page


def test_labels_are_counted_by_layer_in_order() -> None:
    more = ShownDocument(
        "2",
        "ulcers",
        mentions=(ShownMention(0, 6, "Disease"),),
        topics={"epidemiology": 0.5},
    )
    assert list(count_labels([PLAIN, more]).items()) == [
        ((ENTITIES, "Chemical"), 2),
        ((ENTITIES, "Disease"), 3),
        ((span_layer("sc"), "finding"), 1),
        ((span_layer("sc"), "phrase"), 1),
        ((RELATIONS, "causes"), 3),
        ((RELATIONS, "treats"), 1),
        ((TOPICS, "adverse effects"), 1),
        ((TOPICS, "epidemiology"), 1),
    ]


def test_legend_has_a_button_with_the_count_of_each_label() -> None:
    tree = lxml.html.document_fromstring(write_page([PLAIN], title="t"))
    buttons = tree.xpath("//div[@class='legend']//button[@data-l]")
    assert [button.text_content() for button in buttons] == [
        *("Chemical 2", "Disease 2", "finding 1", "phrase 1"),
        *("causes 3", "treats 1", "adverse effects 1", "epidemiology 0"),
    ]
    assert {button.get("aria-pressed") for button in buttons} == {"true"}
    # A label on the page and its button have one number.
    marks = {mark.get("data-l") for mark in tree.iter("mark")}
    assert marks == {button.get("data-l") for button in buttons[:4]}


def test_slider_is_there_only_where_something_is_unsure() -> None:
    sure = ShownDocument("1", "ulcers", mentions=(ShownMention(0, 6, "Disease"),))
    for document, hidden in ((PLAIN, False), (sure, True)):
        tree = lxml.html.document_fromstring(write_page([document], title="t"))
        slider = tree.find(".//p[@class='slider']")
        assert ("hidden" in slider.attrib) is hidden


def test_page_states_its_language_and_landmarks() -> None:
    tree = lxml.html.document_fromstring(write_page([PLAIN], title="t"))
    assert tree.get("lang") == "en"
    assert tree.find(".//article//*[@class='text']").get("lang") == "en"
    for landmark in ("header", "aside[@aria-label]", "nav[@aria-label]", "main"):
        assert len(tree.findall(f".//{landmark}")) == 1
    assert len(tree.findall(".//h1")) == 1


def test_summary_counts_in_words() -> None:
    tree = lxml.html.document_fromstring(
        write_page([PLAIN], title="t", told=["Only some.", "No more."])
    )
    assert tree.findtext(".//header//p") == "1 document · 4 entities · 4 relations"
    assert [item.text for item in tree.findall(".//header//li")] == [
        "Only some.",
        "No more.",
    ]
