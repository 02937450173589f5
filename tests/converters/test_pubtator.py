import gzip
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_biobert.converters.faults import SourceError
from spacy_biobert.converters.pubtator import read_pubtator, share_annotation
from spacy_biobert.types import AnnotatedDocument, ConceptRelation, Mention, Passage

ENTRY = """
1|t|Aspirin trial.
1|a|Aspirin and heparin cause ulcers.
1\t0\t7\tAspirin\tChemical\tD1
1\t15\t34\tAspirin and heparin\tChemical\tD1|D2\tAspirin|heparin
1\t41\t47\tulcers\tDisease\t-1
1\t27\t34\theparin\tChemical\tD2+D3
1\tCID\tD1\tD2
"""


def read(text: str) -> list[AnnotatedDocument]:
    return list(read_pubtator(text.splitlines(keepends=True), path="a.txt"))


def test_read_pubtator_gives_mentions_concepts_and_relations() -> None:
    assert read(ENTRY) == [
        AnnotatedDocument(
            "1",
            "Aspirin trial. Aspirin and heparin cause ulcers.",
            mentions=(
                Mention(0, 7, "Aspirin", "Chemical", ("D1",)),
                Mention(15, 34, "Aspirin and heparin", "Chemical", ("D1", "D2")),
                Mention(41, 47, "ulcers", "Disease", ()),
                Mention(27, 34, "heparin", "Chemical", ("D2", "D3")),
            ),
            concept_relations=(ConceptRelation("D1", "D2", "CID"),),
            passages=(Passage(0, 14, "title"), Passage(15, 48, "abstract")),
        )
    ]


def test_documents_need_no_blank_line_between_and_keep_their_white_space() -> None:
    text = "1|t| A  title \r\n2|t|Next\r\n2|a|It\u2028is | a&amp;b\r\n2\t0\t4\tNext\tX\r\n\r\n\r\n3|t|\n"
    lines = text.split("\n")
    found = list(read_pubtator(lines, path="a.txt"))
    assert [(d.id, d.text) for d in found] == [
        ("1", " A  title "),
        ("2", "Next It\u2028is | a&amp;b"),
        ("3", ""),
    ]
    assert found[1].mentions == (Mention(0, 4, "Next", "X"),)
    assert all(document.concept_relations is None for document in found)


@given(
    st.lists(st.text("ab |\t\nÅ𝛼", max_size=5), max_size=4),
    st.text("ab Å𝛼", max_size=20),
)
def test_offsets_count_code_points_of_title_space_abstract(
    names: list[str], title: str
) -> None:
    names = [name.translate({9: None, 10: None}) for name in names]
    names = [name for name in names if name]
    abstract = "".join(names)
    start, lines = len(title) + 1, [f"9|t|{title}", f"9|a|{abstract}"]
    for name in names:
        lines.append(f"9\t{start}\t{start + len(name)}\t{name}\tX\tD1")
        start += len(name)
    [document] = read_pubtator(lines, path="a.txt")
    assert [mention.text for mention in document.mentions or ()] == names


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (
            "1\t41\t47\tulcers",
            "1\t40\t46\tulcers",
            r"B222\] a.txt, line 6, document 1: expected 'ulcers' at the characters 40-46.*found ' ulcer'",
        ),
        ("1\t41\t47\tulcers", "1\t90\t96\tulcers", r"B222.*found ''"),
        (
            "CID\tD1\tD2",
            "CID\tD1\tD9",
            r"B223\] a.txt, line 8, document 1: .*'CID'.*none of 'D9'",
        ),
        ("CID\tD1\tD2", "CID\t-1\tD9", r"B223.*'-1' and 'D9'"),
    ],
)
def test_wrong_annotation_is_refused_or_left_out_alone(
    before: str, after: str, message: str
) -> None:
    lines = ENTRY.replace(before, after).splitlines()
    with pytest.raises(SourceError, match=message):
        list(read_pubtator(lines, path="a.txt"))

    problems: list[str] = []
    [document] = read_pubtator(lines, path="a.txt", on_problem=problems.append)
    assert len(problems) == 1
    kept = len(document.mentions or ()), len(document.concept_relations or ())
    assert kept == ((3, 1) if "B222" in problems[0] else (4, 0))
    assert document.concept_relations is not None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\t0\t1\tA\tX\tD1", r"B221\] a.txt, line 1: expected a title line"),
        ("1|a|A", r"B221.*line 1"),
        (
            "1|t|A\n2|a|B",
            r"B221\] a.txt, line 2: expected the abstract of document 1, found one of document 2",
        ),
        ("1|t|A\n2\t0\t1\tA\tX\tD1", "B221.*line 2.*an annotation of document 1"),
        ("1|t|A\n1|a|B\n1|a|C", r"B220\] a.txt, line 3"),
        ("1|t|A\nO B-Disease", "B220.*line 2.*'O B-Disease'"),
        ("1|t|A\n1\t0\t1\tA", "B220.*line 2"),
        ("1|t|A\n1\tCID\tD1", "B220.*line 2"),
        ("1|t|A\n1\t0\t1\tA\tX\tD1\tA\tB", "B220.*line 2"),
        ("<xml/>", "B220.*line 1"),
    ],
)
def test_line_that_is_no_pubtator_is_refused(text: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read(text)


def test_one_relation_marks_every_document_of_the_file_as_annotated() -> None:
    second = "2|t|Nothing here.\n"
    assert [d.concept_relations for d in share_annotation(read(second + ENTRY))] == [
        (),
        (ConceptRelation("D1", "D2", "CID"),),
    ]
    assert [d.concept_relations for d in share_annotation(read(second))] == [None]


@pytest.mark.parametrize(
    ("split", "chemicals", "diseases", "relations"),
    [
        ("Training", 5_203, 4_182, 1_038),
        ("Development", 5_347, 4_244, 1_012),
        ("Test", 5_385, 4_424, 1_066),
    ],
)
def test_bc5cdr_has_its_published_counts(
    real_data: Path, split: str, chemicals: int, diseases: int, relations: int
) -> None:
    path = real_data / "bc5cdr" / f"CDR_{split}Set.PubTator.txt.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        found = share_annotation(read_pubtator(lines, path=path.name))
    labels = Counter(
        mention.label for document in found for mention in document.mentions or ()
    )
    assert len(found) == 500
    assert labels == {"Chemical": chemicals, "Disease": diseases}
    assert sum(len(document.concept_relations or ()) for document in found) == relations


@pytest.mark.parametrize(
    ("split", "n_documents", "n_mentions", "n_wrong"),
    [("train", 593, 5_145, 1), ("devel", 100, 787, 0), ("test", 100, 960, 0)],
)
def test_ncbi_disease_has_its_published_counts(
    real_data: Path, split: str, n_documents: int, n_mentions: int, n_wrong: int
) -> None:
    path = real_data / "ncbi_disease" / f"{split}.PubTator.txt.gz"
    problems: list[str] = []
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        found = list(read_pubtator(lines, path=path.name, on_problem=problems.append))
    assert len(found) == n_documents
    n_found = sum(len(document.mentions or ()) for document in found)
    assert (n_found + len(problems), len(problems)) == (n_mentions, n_wrong)
    assert len({document.id for document in found}) == min(n_documents, 592)
