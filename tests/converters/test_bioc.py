import lzma
from collections import Counter
from pathlib import Path

import pytest

from spacy_biobert.converters import bioc_json
from spacy_biobert.converters.faults import SourceError
from spacy_biobert.types import (
    AnnotatedDocument,
    ConceptRelation,
    Mention,
    MentionRelation,
    Passage,
)

from .formats import read, read_files, write

XML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE collection SYSTEM "BioC.dtd">
<collection><source>s</source><date/><key/><document><id>7</id>
<passage><infon key="type">title</infon><offset>0</offset><text>Aspirin &lt;trial.</text>
<annotation id="T1"><infon key="type">Chemical</infon><infon key="identifier">D1,D2</infon>
<location offset="0" length="7"/><text>Aspirin</text></annotation></passage>
<passage><infon key="type">abstract</infon><offset>16</offset><text>Ulcers rose.</text>
<annotation id="T2"><infon key="type">Disease</infon><infon key="certain">no</infon>
<location offset="16" length="6"/><text>Ulcers</text></annotation></passage>
<relation id="R1"><infon key="type">causes</infon><node refid="T1" role="a"/><node refid="T2" role="b"/></relation>
<relation id="R2"><infon key="entity1">D1</infon><infon key="entity2">D3</infon><infon key="type">CID</infon></relation>
</document></collection>
"""
EXPECTED = AnnotatedDocument(
    "7",
    "Aspirin <trial. Ulcers rose.",
    mentions=(
        Mention(0, 7, "Aspirin", "Chemical", ("D1", "D2")),
        Mention(16, 22, "Ulcers", "Disease", (), ("certain=no",)),
    ),
    mention_relations=(MentionRelation(0, 1, "causes"),),
    concept_relations=(ConceptRelation("D1", "D3", "CID"),),
    passages=(Passage(0, 15, "title"), Passage(16, 28, "abstract")),
)


def test_bioc_is_read_with_passages_concepts_and_both_kinds_of_relations() -> None:
    assert read("bioc_xml", XML) == [EXPECTED]


def test_xml_and_json_hold_the_same() -> None:
    files, lost = write("bioc_json", [EXPECTED])
    assert (read_files("bioc_json", files), lost) == ([EXPECTED], {})


def test_json_is_read_in_pieces_wherever_they_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [text] = write("bioc_json", [EXPECTED, EXPECTED])[0].values()
    text = text.replace('"key": ""', '"key": 12345')
    for size in (1, 7, 100):
        monkeypatch.setattr(bioc_json, "CHUNK", size)
        assert read("bioc_json", text) == [EXPECTED, EXPECTED]


@pytest.mark.parametrize(("offset", "text"), [(5, "Old. Rats"), (6, "Old.  Rats")])
def test_passages_that_leave_no_place_for_a_space_get_none(
    offset: int, text: str
) -> None:
    passages = (
        f'[{{"offset": 0, "text": "Old. "}}, {{"offset": {offset}, "text": "Rats"}}]'
    )
    data = f'{{"documents": [{{"id": "1", "passages": {passages}}}]}}'
    assert read("bioc_json", data)[0].text == text


def test_mention_outside_of_its_passage_is_found_and_counted() -> None:
    moved = XML.replace(
        'offset="0" length="7"/><text>Aspirin',
        'offset="9" length="13"/><text>trial. Ulcers',
    )
    notes: Counter[str] = Counter()
    [document] = read("bioc_xml", moved, notes=notes)
    assert (document.mentions or ())[0].text == "trial. Ulcers"
    assert notes == {"mentions across passages": 1}


def test_offsets_that_begin_anew_in_each_passage_count_by_their_passage() -> None:
    text = XML.replace("<offset>16<", "<offset>0<").replace('offset="16"', 'offset="0"')
    assert read("bioc_xml", text) == [EXPECTED]


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (
            'offset="16"',
            'offset="17"',
            r"B231.*document 7, annotation T2: expected 'Ulcers'",
        ),
        ('refid="T2"', 'refid="T9"', r"B240.*'causes'.*'T9'"),
        ("<offset>16</offset>", "", r"B239.*document 7: expected 'offset'.*nothing"),
        ("<id>7</id>", "", r"B239.*expected 'id'"),
        ("</document>", "", r"B201"),
        ("<collection>", "<articles>", r"B201|B203"),
        ('SYSTEM "BioC.dtd"', '[<!ENTITY a "b">]', "B202"),
    ],
)
def test_broken_xml_is_refused_with_its_place(
    before: str, after: str, message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        read("bioc_xml", XML.replace(before, after))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"documents": [{"id": "1"', r"B242\] a.txt, line 1"),
        ('{"documents": [1]}', "B239"),
        ('{"documents": [{"id": "1"}]}', "B239.*'passages'"),
        ("[]", "B242"),
        ('{\n"documents": [{"id": "1", "passages": []},\n oops]}', "B242.*line 3"),
    ],
)
def test_broken_json_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read("bioc_json", text)


@pytest.mark.parametrize("kind", ["xml", "json"])
def test_biored_has_its_counts(real_data: Path, kind: str) -> None:
    data = lzma.decompress(
        (real_data / "formats" / f"biored_dev.bioc.{kind}.xz").read_bytes()
    )
    found = read(f"bioc_{kind}", data)
    assert len(found) == 100
    assert sum(len(d.mentions or ()) for d in found) == 3_533
    assert sum(len(d.concept_relations or ()) for d in found) == 1_162
    files, lost = write(f"bioc_{kind}", found)
    assert (read_files(f"bioc_{kind}", files), lost) == (found, {})
