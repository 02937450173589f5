import gzip
import json
import lzma
import zipfile
from pathlib import Path

import pytest
import spacy

from benchmarks.marked import (
    MarkedText,
    read_bioc,
    read_brat,
    read_columns,
    read_ddi,
    read_pubtator_file,
)
from benchmarks.tokens import (
    count_aligned,
    find_bounds,
    measure_mentions,
    measure_sentences,
    measure_speed,
)

DDI = """<document id="d"><sentence text=" One two.&#xd;&#xa;">
<entity charOffset="1-3;5-7"/></sentence><sentence text="Three."><entity charOffset="0-4"/>
</sentence></document>"""


def named(text: MarkedText) -> list[list[str]]:
    return [[text.text[a:b] for a, b in parts] for parts in text.mentions]


def test_ddi_ends_are_inclusive_and_parts_belong_together(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("DDICorpus/Train/MedLine/a.xml", DDI)
        archive.writestr("DDICorpus/Test/a.xml", "no XML at all")

    [text] = read_ddi(tmp_path / "a.zip", folder="Train")

    assert named(text) == [["One", "two"], ["Three"]]
    assert [text.text[start:] for start in text.starts] == [
        "One two.\r\n Three. ",
        "Three. ",
    ]


def test_pubtator_leaves_out_what_does_not_match(tmp_path: Path) -> None:
    lines = "1|t|Aspirin.\n1|a|Pain.\n1\t0\t7\tAspirin\tD\n1\t0\t7\tNothing\tD\n"
    (tmp_path / "a.gz").write_bytes(gzip.compress(lines.encode()))

    [text] = read_pubtator_file(tmp_path / "a.gz")

    assert named(text) == [["Aspirin"]]


def test_bioc_passages_stand_at_their_offsets(tmp_path: Path) -> None:
    mention = {"locations": [{"offset": 12, "length": 4}]}
    passages = [
        {"offset": 0, "text": "Aspirin.", "annotations": []},
        {"offset": 10, "text": "A pain.", "annotations": [mention]},
    ]
    content = json.dumps({"documents": [{"passages": passages}]}).encode()
    (tmp_path / "a.xz").write_bytes(lzma.compress(content))

    [text] = read_bioc(tmp_path / "a.xz")

    assert (text.text, named(text)) == ("Aspirin.  A pain.", [["pain"]])


def test_brat_reads_the_parts_of_text_bound_lines(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Breast and lung cancer")
    (tmp_path / "a.ann").write_text(
        "T1\tDisease 0 6;16 22\tBreast cancer\nN1\tReference T1 MeSH:1\n"
    )

    [text] = read_brat(tmp_path)

    assert named(text) == [["Breast", "cancer"]]


def test_columns_are_joined_ten_sentences_a_text(tmp_path: Path) -> None:
    content = "\n".join(["One\tO\n.\tO\n"] * 11).encode()
    (tmp_path / "a.xz").write_bytes(lzma.compress(content))

    first, second = read_columns(tmp_path / "a.xz")

    assert first.starts == [6 * number for number in range(10)]
    assert second.text == "One . "


def test_mention_counts_only_if_all_its_bounds_are_bounds_of_tokens() -> None:
    doc = spacy.blank("en").make_doc("Na+/K+ and aspirin")
    mentions = [((11, 18),), ((11, 17),), ((7, 10), (11, 18)), ((7, 10), (12, 18))]

    assert count_aligned(doc, MarkedText(doc.text, mentions)) == 2


def test_bounds_are_first_characters_that_are_no_white_space() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")

    assert find_bounds(nlp("One.  \n Two. \n\n")) == {8}


def test_figures_are_counted_for_both() -> None:
    text = "p53/5 fell. We gave it i.v. and by mouth."
    marked = [MarkedText(text, [((0, 3),)], [0, 12])]

    mentions, sentences = measure_mentions(marked), measure_sentences(marked)

    assert mentions["mentions"] == 1
    assert (mentions["spacy"]["aligned"], mentions["ours"]["aligned"]) == (0, 1)
    assert sentences["bounds"] == 1
    assert sentences["ours"] == {"p": 1.0, "r": 1.0, "f": 1.0}


def test_speed_is_compared_repeat_by_repeat() -> None:
    found = measure_speed(["Aspirin caused headache."] * 50, 2)

    for figures in found.values():
        first, second = (
            figures["words_per_second"][name] for name in ("ours", "spacy")
        )
        assert figures["faster"]["ratios"] == pytest.approx(
            [mine / other for mine, other in zip(first, second, strict=True)], abs=1e-3
        )
