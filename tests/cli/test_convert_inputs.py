"""The files that `convert` is given: their formats, archives, faults and reports."""

import gzip
from pathlib import Path
from zipfile import ZipFile

import pytest

from .converting import PUBTATOR, convert, docs, report
from .output import said


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "out" / "a.spacy"


def test_wrong_files_are_refused(source: Path, output: Path, tmp_path: Path) -> None:
    assert "B210" in convert(source, tmp_path / "a.json", "--format", "pubtator").output
    assert "B209" in convert(tmp_path / "no", output, "--format", "pubtator").output
    source.write_text("\n")
    refused = convert(source, output, "--format", "pubtator")
    assert "B229" in refused.output
    assert str(source) in "".join(refused.output.split())
    cut = tmp_path / "cut.txt.gz"
    cut.write_bytes(gzip.compress(PUBTATOR.encode() * 200)[:-20])
    assert "B200" in convert(cut, output, "--format", "pubtator").output
    cut.write_bytes(gzip.compress("1|t|naïve".encode("latin1")))
    assert "B205" in convert(cut, output, "--format", "pubtator").output
    assert not output.exists()


def test_report_says_what_each_file_has(
    source: Path, output: Path, tmp_path: Path
) -> None:
    other = tmp_path / "b.txt"
    other.write_bytes(
        b"\xef\xbb\xbf3|t|Rats \xf0\x9d\x9b\xbc ate.\r\n3\t5\t6\t\xf0\x9d\x9b\xbc\tX\t-1"
    )
    told = output.with_suffix(".json")
    assert convert(source, other, output, "--report", told).exit_code == 0
    [first, second] = report(told)["files"]
    assert (first["path"], first["documents"]) == (str(source), 2)
    assert first["mentions"] == {"Drug": 1, "Disease": 1}
    assert (first["relations"], first["sentences"]) == ({"CID": 1}, 3)
    assert second["mentions"] == {"X": 1}
    assert second["notes"] == report(told)["notes"] == {"mentions without a concept": 1}
    assert report(told)["sentences"] == 4


def test_format_that_cannot_be_told_is_asked_for(tmp_path: Path, output: Path) -> None:
    source = tmp_path / "a.tsv"
    source.write_text("Rats\tO\n")
    result = convert(source, output)
    assert result.exit_code == 1
    assert "B234" in result.output
    assert "Name the format with --format, such as iob for columns, or" in said(result)
    assert "B232" in convert(source, output, "--format", "conll").output


def test_annotation_without_its_texts_is_told(tmp_path: Path, output: Path) -> None:
    (tmp_path / "a.ann").write_text("T1\tX 0 4\tRats\n")
    result = convert(tmp_path, output)
    assert result.exit_code == 1
    assert "B215" in result.output
    assert "*.txt, with the annotation beside them" in said(result)


@pytest.mark.parametrize("named", ["bioc_xml", "ddi", "bioc_json", "iob"])
def test_file_of_another_format_than_named_is_told(
    source: Path, output: Path, named: str
) -> None:
    shown = said(convert(source, output, "--format", named))
    assert "begins as a file of the format 'pubtator' does" in shown
    assert "try --format pubtator" in shown
    xml = named in ("bioc_xml", "ddi")
    assert ("B243" in shown) is xml
    source.write_text("Rats.")
    shown = said(convert(source, output, "--format", named))
    assert "begins as a file of" not in shown
    assert ("expected XML, found something else" in shown) is xml
    assert not output.exists()


def test_wrong_annotation_in_the_format_that_was_named_raises_no_doubt(
    source: Path, output: Path
) -> None:
    source.write_text(PUBTATOR.replace("0\t7\tAspirin", "1\t8\tAspirin"))
    shown = said(convert(source, output, "--format", "pubtator"))
    assert "B222" in shown
    assert "begins as" not in shown


def test_file_that_is_named_twice_is_read_once_and_counted(
    source: Path, output: Path, tmp_path: Path
) -> None:
    other = tmp_path / "b.txt"
    other.write_text("3|t|Rest.\n\n")
    told = output.with_suffix(".json")
    result = convert(
        source, other, source, f"{tmp_path}/*.txt", output, "--report", told
    )
    assert result.exit_code == 0, result.output
    assert "skipped: repeated files 3" in said(result)
    assert len(docs(output)) == 3
    first, second = report(told)["files"]
    assert (first["path"], first["skipped"]) == (str(source), {"repeated files": 2})
    assert (second["path"], second["skipped"]) == (str(other), {"repeated files": 1})


def test_zip_archives_are_read_as_folders_are(tmp_path: Path, output: Path) -> None:
    archive = tmp_path / "a.zip"
    with ZipFile(archive, "w") as file:
        file.writestr("x/train/a.txt", "Rats.")
        file.writestr("x/train/a.ann", "T1\tX 0 4\tRats\n")
        file.writestr("x/test/b.txt", "Mice.")
        file.writestr("__MACOSX/x/train/._a.txt", "no")
    assert convert(archive / "x/train", output, "--format", "brat").exit_code == 0
    assert [doc.ents[0].text for doc in docs(output)] == ["Rats"]
    refused = convert(archive, output, "--format", "brat")
    assert refused.exit_code == 1
    assert "B236" in refused.output
    assert [doc.ents[0].text for doc in docs(output)] == ["Rats"]
    assert convert(archive, output, "--format", "brat", "--force").exit_code == 0
    assert sorted(doc.user_data["document_id"] for doc in docs(output)) == ["a", "b"]
    missing = convert(archive / "y", output, "--format", "brat", "--force")
    assert "B238" in missing.output


def test_folder_of_brat_counts_as_annotated_with_relations_if_one_text_is(
    tmp_path: Path, output: Path
) -> None:
    for name, more in (("a", "R1\tr Arg1:T1 Arg2:T2\n"), ("b", "")):
        (tmp_path / f"{name}.txt").write_text("Rats ate.")
        (tmp_path / f"{name}.ann").write_text(
            f"T1\tX 0 4\tRats\nT2\tY 5 8\tate\n{more}"
        )
    assert convert(tmp_path, output, "--format", "brat").exit_code == 0
    assert [len(doc.user_data["relations"]) for doc in docs(output)] == [1, 0]
