import lxml.html
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_biobert.viewing.escaping import escape

from .documents import HOSTILE


@given(text=st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn"])))
def test_text_comes_back_from_an_element_and_an_attribute(text: str) -> None:
    found = lxml.html.fragment_fromstring(
        f'<p title="{escape(text)}">{escape(text)}</p>'
    )
    assert found.text_content() == text
    assert found.get("title") == text
    assert not len(found)


@given(text=st.text(st.characters(categories=["Cc", "Cs", "Lu"])))
def test_every_character_can_be_written_and_read_by_html(text: str) -> None:
    escaped = escape(text)
    escaped.encode("utf-8")
    allowed = [c for c in escaped if c in "\t\n" or 0x20 <= ord(c) != 0x7F]
    assert len(allowed) == len(escaped)
    assert not any(0x80 <= ord(c) < 0xA0 for c in escaped)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x00\x1b\x7f", "␀␛␡"),
        ("\x85\ud800\uffff", "���"),
        ("a\r\nb\rc\td", "a\nb\nc\td"),
    ],
)
def test_what_html_forbids_is_shown_as_a_picture(text: str, expected: str) -> None:
    assert escape(text) == expected


@pytest.mark.parametrize("nasty", HOSTILE)
def test_nothing_of_a_hostile_text_is_markup(nasty: str) -> None:
    assert not set(escape(nasty)) & set("<>\"'")
