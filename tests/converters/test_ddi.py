from collections import Counter
from pathlib import Path
from zipfile import ZipFile

import pytest

from spacy_biobert.converters.faults import SourceError
from spacy_biobert.types import AnnotatedDocument, Mention, MentionRelation, Passage

from .formats import read, read_files, write

XML = """<?xml version="1.0" encoding="UTF-8"?>
<document id="d1">
 <sentence id="d1.s0" text="Alpha or beta blockers.&#xd;&#xa;">
  <entity id="d1.s0.e0" charOffset="0-4;14-21" type="group" text="Alpha blockers"/>
  <entity id="d1.s0.e1" charOffset="9-21" type="group" text="beta blockers"/>
  <pair id="d1.s0.p0" e1="d1.s0.e0" e2="d1.s0.e1" ddi="false"/></sentence>
 <sentence id="d1.s1" text="Not A with B">
  <entity id="d1.s1.e0" charOffset="4-4" type="drug" text="A"/>
  <entity id="d1.s1.e1" charOffset="11-11" type="brand" text="B"/>
  <pair id="d1.s1.p0" e1="d1.s1.e0" e2="d1.s1.e1" ddi="true"/></sentence>
</document>
"""


def test_ddi_is_read_by_sentence_with_its_inclusive_ends() -> None:
    notes: Counter[str] = Counter()
    text = "Alpha or beta blockers.\r\nNot A with B"
    expected = AnnotatedDocument(
        "d1",
        text,
        mentions=(
            Mention(0, 22, "Alpha or beta blockers", "group"),
            Mention(9, 22, "beta blockers", "group"),
            Mention(29, 30, "A", "drug"),
            Mention(36, 37, "B", "brand"),
        ),
        mention_relations=(MentionRelation(2, 3, "int"),),
        passages=(Passage(0, 25, "sentence"), Passage(25, 37, "sentence")),
    )
    assert read("ddi", XML, notes=notes) == [expected]
    assert notes == {
        "pairs": 2,
        "discontinuous mentions: cover": 1,
        "true pairs without a type: int": 1,
    }
    files, lost = write("ddi", [expected])
    assert (read_files("ddi", files), lost) == ([expected], {})


def test_text_between_sentences_is_kept() -> None:
    document = AnnotatedDocument(
        "1", " Rats ate.  Mice did. ", mentions=(), mention_relations=()
    )
    files, _ = write("ddi", [document])
    assert read_files("ddi", files)[0].text == document.text


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("11-11", "10-10", r"B231.*entity d1.s1.e1: expected 'B'"),
        ("11-11", "11", r"B239.*line 9.*charOffset"),
        ('e2="d1.s1.e1"', 'e2="d1.s0.e7"', r"B240.*pair d1.s1.p0.*d1.s0.e7"),
        ('text="Not A with B"', "", r"B239.*line 7.*'text'"),
        ("</document>", "", "B201"),
        (
            '<document id="d1">',
            '<!DOCTYPE a [<!ENTITY b "c">]><document id="d1">',
            "B202",
        ),
    ],
)
def test_broken_file_is_refused_with_its_place(
    before: str, after: str, message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        read("ddi", XML.replace(before, after))


@pytest.mark.parametrize(
    ("part", "counts", "n_problems"),
    [
        ("Train/", (714, 6_976, 27_792, 4_021), 1),
        ("Test/Test for DDI Extraction task/", (191, 1_299, 5_716, 979), 0),
    ],
)
def test_ddi_corpus_has_its_published_counts_and_comes_back(
    real_data: Path, part: str, counts: tuple[int, ...], n_problems: int
) -> None:
    notes: Counter[str] = Counter()
    problems: list[str] = []
    found = []
    with ZipFile(real_data / "ddi2013" / "DDICorpus-2013.zip") as archive:
        for name in archive.namelist():
            if name.startswith(f"DDICorpus/{part}") and name.endswith(".xml"):
                found += read(
                    "ddi", archive.read(name), notes=notes, on_problem=problems.append
                )
    assert counts == (
        len(found),
        sum(len(d.passages) for d in found),
        notes["pairs"],
        sum(len(d.mention_relations or ()) for d in found),
    )
    assert len(problems) == n_problems
    files, lost = write("ddi", found)
    assert (read_files("ddi", files), lost) == (found, {})
