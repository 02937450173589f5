from collections import Counter
from pathlib import Path

import pytest

from spacy_biobert.converters.faults import SourceError
from spacy_biobert.types import AnnotatedDocument, Mention, MentionRelation

from .formats import read, write

TEXT = "No PPI of protein 1\nand 𝛼 2."
ANN = """T1\tProtein 10 17;18 19\tprotein 1
T2\tProtein 24 27\t𝛼 2
R1\tPPI Arg1:T1 Arg2:T2\t
A1\tNegation T1
A2\tLevel T2 high
N1\tReference T1 UniProt:P1\tprotein 1
E1\tPPI:T1 Arg:T2
*\tEquiv T1 T2
#1\tAnnotatorNotes T1\tsure?
"""


def test_brat_is_read_with_all_that_is_said_of_a_mention() -> None:
    notes: Counter[str] = Counter()
    assert read("brat", TEXT, files={"a.ann": ANN}, notes=notes) == [
        AnnotatedDocument(
            "a",
            TEXT,
            mentions=(
                Mention(10, 19, "protein 1", "Protein", ("UniProt:P1",), ("Negation",)),
                Mention(24, 27, "𝛼 2", "Protein", (), ("Level=high",)),
            ),
            mention_relations=(MentionRelation(0, 1, "PPI"),),
        )
    ]
    assert notes == {"events": 1, "equivalences": 1, "notes of annotators": 1}


def test_text_without_annotation_file_is_not_annotated() -> None:
    assert read("brat", "Rats.") == [AnnotatedDocument("a", "Rats.")]


@pytest.mark.parametrize("shift", [0, 1])
def test_line_ends_of_windows_count_as_the_offsets_say(shift: int) -> None:
    text = "\ufeffRats.\r\nMice."
    ann = f"T1\tX {6 + shift} {10 + shift}\tMice\r\n"
    [document] = read("brat", text.encode(), files={"a.ann": ann})
    [mention] = document.mentions or ()
    assert mention.text == "Mice"
    assert ("\r" in document.text) == bool(shift)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("24 27", "23 26", r"B231.*annotation line 2: expected '𝛼 2'.*It is at 24-27"),
        ("24 27", "24", r"B239.*annotation line 2"),
        ("Arg2:T2", "Arg2:T5", r"B240.*annotation line 3.*'PPI'.*T5"),
        ("R1\tPPI", "R1\t", r"B239.*annotation line 3"),
        ("E1", "X1", r"B239.*annotation line 7.*X1"),
        ("A1\tNegation T1", "A1\tNegation", r"B239.*annotation line 4"),
        ("T2", "T1", r"B252.*annotation line 2: .*found T1, as on line 1"),
    ],
)
def test_broken_annotation_is_refused_with_its_line(
    before: str, after: str, message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        read("brat", TEXT, files={"a.ann": ANN.replace(before, after)})


def test_of_mentions_with_one_id_the_first_can_be_kept() -> None:
    problems: list[str] = []
    ann = "T1\tDrug 0 4\tRats\nT1\tDrug 6 10\tMice\n"
    [document] = read(
        "brat", "Rats. Mice.", files={"a.ann": ann}, on_problem=problems.append
    )
    assert [mention.text for mention in document.mentions or ()] == ["Rats"]
    [problem] = problems
    assert "B252" in problem


def test_documents_are_named_by_ids_that_any_system_takes() -> None:
    files, _ = write("brat", [AnnotatedDocument("10.1/a:b", "x", mentions=())])
    assert sorted(files) == ["10.1%2Fa%3Ab.ann", "10.1%2Fa%3Ab.txt"]


def test_samples_have_their_counts(real_data: Path) -> None:
    folder = real_data / "formats" / "ncbi_brat"
    n_mentions = 0
    for path in sorted(folder.glob("*.txt")):
        ann = path.with_suffix(".ann").read_text("utf-8")
        [document] = read(
            "brat", path.read_bytes(), path=path.name, files={path.stem + ".ann": ann}
        )
        n_mentions += len(document.mentions or ())
        assert document.id == path.stem
        assert all(m.concepts for m in document.mentions or ())
    assert n_mentions == 180
