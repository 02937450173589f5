from collections import defaultdict

import lxml.html
from hypothesis import given
from hypothesis import strategies as st

from spacy_biobert.types import Passage
from spacy_biobert.viewing.marks import crosses, find_blocks, mark_text
from spacy_biobert.viewing.records import ENTITIES, ShownMention

TEXT = "abcdefghijklmnop"
NUMBERS = {(ENTITIES, "X"): 0, (ENTITIES, "Y"): 1}
BOUNDS = (
    st.tuples(st.integers(0, 16), st.integers(0, 16))
    .filter(lambda pair: pair[0] != pair[1])
    .map(sorted)
)


def marked(mentions: list[ShownMention], start: int = 0, end: int = len(TEXT)) -> str:
    block = Passage(start, end, "")
    return mark_text(TEXT, block, mentions, prefix="m", numbers=NUMBERS)


def bare(html: str) -> str:
    """The marks with their numbers alone: [0abc[1d]]."""
    root = lxml.html.fragment_fromstring(html, create_parent="p")

    def write(element: lxml.html.HtmlElement) -> str:
        text = element.text or ""
        for child in element:
            if child.tag == "mark":
                text += f"[{child.get('data-m')}{write(child)}]"
            text += child.tail or ""
        return text

    return write(root)


def test_nested_mentions_nest_the_longest_outside() -> None:
    mentions = [ShownMention(2, 4, "X"), ShownMention(0, 6, "Y")]
    assert bare(marked(mentions)) == "[1ab[0cd]ef]ghijklmnop"
    assert not crosses(mentions)


def test_of_crossing_mentions_the_second_is_in_two_parts() -> None:
    mentions = [ShownMention(0, 4, "X"), ShownMention(2, 6, "Y")]
    html = marked(mentions)
    assert bare(html) == "[0ab[1cd]][1ef]ghijklmnop"
    assert crosses(mentions)
    # One id, one stop for the keyboard, one label: at the end.
    assert html.count('id="m1"') == 1
    assert html.count("<b>Y</b>") == 1
    assert html.endswith("ef<b>Y</b></mark>ghijklmnop")


def test_mentions_of_the_same_bounds_and_neighbours_do_not_cross() -> None:
    same = [ShownMention(0, 4, "X"), ShownMention(0, 4, "Y"), ShownMention(4, 6, "X")]
    assert bare(marked(same)) == "[0[1abcd]][2ef]ghijklmnop"
    assert not crosses(same)


def test_a_mention_over_two_paragraphs_is_marked_in_both() -> None:
    mention = [ShownMention(2, 6, "X", confidence=0.5, concepts=("D<1",))]
    first, second = marked(mention, 0, 4), marked(mention, 4, 16)
    assert bare(first) == "ab[0cd]"
    assert bare(second) == "[0ef]ghijklmnop"
    assert 'id="m0"' in first
    assert "<b>" not in first
    assert 'data-k="D&lt;1"' in first
    assert "id=" not in second
    assert second.count("<b>X</b>") == 1


@given(bounds=st.lists(BOUNDS, max_size=8), cut=st.integers(1, 15))
def test_text_and_mentions_are_whole_however_they_overlap(
    bounds: list[list[int]], cut: int
) -> None:
    mentions = [ShownMention(start, end, "X") for start, end in bounds]
    html = marked(mentions, 0, cut) + marked(mentions, cut, 16)
    root = lxml.html.fragment_fromstring(html, create_parent="p")
    # An HTML parser that mended wrong nesting would write something else.
    inside = "".join(lxml.html.tostring(child, encoding="unicode") for child in root)
    assert (root.text or "") + inside == html
    for label in root.findall(".//b"):
        label.text = ""
    assert root.text_content() == TEXT
    parts: dict[int, str] = defaultdict(str)
    for mark in root.iter("mark"):
        parts[int(mark.get("data-m"))] += mark.text_content()
    assert parts == {i: TEXT[start:end] for i, (start, end) in enumerate(bounds)}
    assert sorted(mark.get("id") for mark in root.iter("mark") if mark.get("id")) == (
        sorted(f"m{i}" for i in range(len(bounds)))
    )


@given(bounds=st.lists(BOUNDS, max_size=6))
def test_crosses_is_what_comparing_all_pairs_finds(bounds: list[list[int]]) -> None:
    mentions = [ShownMention(start, end, "X") for start, end in bounds]
    assert crosses(mentions) == any(
        one[0] < other[0] < one[1] < other[1] for one in bounds for other in bounds
    )


def test_text_is_divided_at_its_passages_and_none_is_lost() -> None:
    passages = [Passage(1, 4, "title"), Passage(6, 9, "abstract")]
    blocks = find_blocks("a t.  bcd ef", passages)
    assert blocks == [
        Passage(0, 1, ""),
        Passage(1, 4, "title"),
        Passage(6, 9, "abstract"),
        Passage(9, 12, ""),
    ]


def test_sentences_are_no_paragraphs() -> None:
    passages = [Passage(0, 3, "sentence"), Passage(3, 6, "sentence")]
    assert find_blocks("a. b. ", passages) == [Passage(0, 6, "")]
