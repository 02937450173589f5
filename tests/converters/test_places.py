from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_biobert.converters.faults import SourceError
from spacy_biobert.converters.formats import OFFSETS

from .formats import read

TEXT = "α-Synuclein 𝛼 and β-catenin bind."


def bioc(offset: int, length: int, text: str = "β-catenin") -> str:
    annotation = f'{{"id": "T", "infons": {{"type": "Gene"}}, "text": "{text}", "locations": [{{"offset": {offset}, "length": {length}}}]}}'
    return f'{{"documents": [{{"id": "1", "passages": [{{"offset": 0, "text": "{TEXT}", "annotations": [{annotation}]}}]}}]}}'


@pytest.mark.parametrize(
    ("unit", "encoding", "width"),
    [("utf16", "utf-16-le", 2), ("bytes", "utf-8", 1), ("characters", "utf-32-le", 4)],
)
def test_offsets_are_read_in_their_unit_and_the_unit_is_found_out(
    unit: str, encoding: str, width: int
) -> None:
    start = len(TEXT[: TEXT.index("β")].encode(encoding)) // width
    data = bioc(start, len("β-catenin".encode(encoding)) // width)
    [document] = read("bioc_json", data, offsets=unit)
    [mention] = document.mentions or ()
    assert TEXT[mention.start : mention.end] == mention.text == "β-catenin"
    if unit != "characters":
        with pytest.raises(SourceError, match=rf"B231.*--offsets {unit}"):
            read("bioc_json", data)


@given(st.integers(-3, 60), st.integers(-3, 60), st.sampled_from(OFFSETS))
def test_no_offset_is_believed_without_its_text(
    start: int, size: int, unit: str
) -> None:
    problems: list[str] = []
    [document] = read(
        "bioc_json", bioc(start, size), offsets=unit, on_problem=problems.append
    )
    found = document.mentions or ()
    assert len(found) + len(problems) == 1
    assert all(mention.text == "β-catenin" for mention in found)


def test_white_space_beside_a_mention_is_left_out() -> None:
    [document] = read("bioc_json", bioc(17, 11))
    [mention] = document.mentions or ()
    assert (mention.start, mention.end) == (18, 27)


def test_wrong_offset_says_where_the_text_is() -> None:
    with pytest.raises(SourceError, match=r"B231.*expected 'β-catenin'.*at 18-27"):
        read("bioc_json", bioc(21, 9))


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("cover", ["breast and ovarian cancer"]), ("first", ["breast"]), ("skip", [])],
)
def test_discontinuous_mention_follows_the_policy(
    policy: str, expected: list[str]
) -> None:
    notes: Counter[str] = Counter()
    [document] = read(
        "brat",
        "breast and ovarian cancer",
        files={"a.ann": "T1\tX 0 6;19 25\tbreast cancer\n"},
        discontinuous=policy,
        notes=notes,
    )
    assert [mention.text for mention in document.mentions or ()] == expected
    assert notes == {f"discontinuous mentions: {policy}": 1}


@pytest.mark.parametrize("unit", OFFSETS)
def test_mention_out_of_range_is_refused_where_no_text_tells(unit: str) -> None:
    with pytest.raises(SourceError, match="B231.*some text"):
        read("bioc_json", bioc(20, 90, ""), offsets=unit)
