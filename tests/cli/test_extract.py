import gzip
import hashlib
import lzma
from pathlib import Path

import pytest

from .extractions import LINE, SAMPLE, extract, manifest, medline, records
from .output import said


def test_extract_writes_the_sample_and_its_manifest(output: Path) -> None:
    result = extract(SAMPLE / "medline", SAMPLE / "articles", output)
    assert result.exit_code == 0, result.output
    found, told = records(output), manifest(output.parent)
    assert len(found) == told["documents"] == 51
    assert told["words"] == sum(len(record["text"].split()) for record in found)
    assert told["sha256"] == hashlib.sha256(output.read_bytes()).hexdigest()
    assert sum(source["documents"] for source in told["sources"]) == 51
    revised = next(source for source in told["sources"] if "26n0001" in source["path"])
    assert revised["skipped_because"] == {"deleted": 1, "superseded": 1}
    assert (
        revised["sha256"]
        == hashlib.sha256(Path(revised["path"]).read_bytes()).hexdigest()
    )
    assert set(found[0]) == {"id", "title", "sections", "text"}
    assert not list(output.parent.glob("*.unfinished"))


def test_extract_gives_the_same_bytes_again_and_reads_them(
    output: Path, tmp_path: Path
) -> None:
    again = tmp_path / "documents.jsonl.gz"
    extract(SAMPLE / "articles", output)
    extract(SAMPLE / "articles", again)
    assert output.read_bytes() == again.read_bytes()
    assert output.read_bytes()[4:8] == bytes(4)  # gzip's time stamp
    extract(output, tmp_path / "third.jsonl")
    assert records(tmp_path / "third.jsonl") == records(output)


def test_extract_tells_formats_by_name_and_root(output: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.jsonl.xz").write_bytes(lzma.compress(LINE.encode()))
    (folder / "b.txt").write_text("A title\n\nWords.")
    (folder / "c.xml").write_text(
        "<!-- <PubmedArticleSet> --><article><body><p>Hi.</p></body></article>"
    )
    (folder / "d.xml").write_text(medline(5))
    (folder / "README.md").write_text("not a document")
    assert extract(folder, output).exit_code == 0
    assert [record["id"] for record in records(output)] == ["b", "c", "a", "5"]
    assert [source["format"] for source in manifest(output.parent)["sources"]] == [
        "text",
        "jats",
        "jsonl",
        "medline",
    ]


def test_extract_walks_medline_by_number_from_the_newest(
    output: Path, tmp_path: Path
) -> None:
    for number, pmids in ((9, (1, 2)), (10, (2, 3))):
        (tmp_path / f"pubmed26n{number}.xml").write_text(
            medline(*pmids).replace("Title of", f"File {number} of")
        )
    assert extract(tmp_path / "*.xml", output).exit_code == 0
    assert [record["title"] for record in records(output)] == [
        "File 10 of 2",
        "File 10 of 3",
        "File 9 of 1",
    ]


def broken_files(folder: Path) -> None:
    whole = medline(*range(1, 2_000)).encode()
    folder.mkdir()
    (folder / "a0001.xml").write_text(medline(5_000))
    (folder / "a0002.xml.gz").write_bytes(gzip.compress(whole)[:-3_000])
    (folder / "a0003.xml").write_bytes(whole.replace(b"Title of 3<", b"Title </of 3<"))
    (folder / "a0004.xml").write_text(
        '<!DOCTYPE PubmedArticleSet [<!ENTITY e SYSTEM "/etc/passwd">]>'
        + medline(9_000)
    )
    (folder / "a0005.xml.xz").write_bytes(b"no xz")
    (folder / "a0006.jsonl").write_text(LINE + "{")


def test_broken_files_are_reported_and_the_rest_is_kept(
    output: Path, tmp_path: Path
) -> None:
    broken_files(tmp_path / "in")
    result = extract(tmp_path / "in", output)
    assert result.exit_code == 0, result.output
    errors = {
        Path(s["path"]).name: (s["error"] or "")[:6]
        for s in manifest(output.parent)["sources"]
    }
    assert errors == {
        "a0001.xml": "",
        "a0002.xml.gz": "[B200]",
        "a0003.xml": "[B201]",
        "a0004.xml": "[B202]",
        "a0005.xml.xz": "[B200]",
        "a0006.jsonl": "[B206]",
    }
    assert all(code in result.output for code in errors.values())
    ids = [record["id"] for record in records(output)]
    assert {"a", "5000", "1", "2", "3", "4"} <= set(ids)
    assert "9000" not in ids
    assert len(ids) == len(set(ids))


def test_strict_writes_nothing_if_a_file_is_broken(
    output: Path, tmp_path: Path
) -> None:
    broken_files(tmp_path / "in")
    result = extract(tmp_path / "in", output, "--strict")
    assert result.exit_code == 1
    assert "B213" in result.output
    assert list(output.parent.iterdir()) == []


def test_nothing_found_leaves_the_old_output_alone(
    output: Path, tmp_path: Path
) -> None:
    extract(SAMPLE / "articles", output)
    before = output.read_bytes()
    (tmp_path / "empty.txt").write_text(" \n")
    result = extract(tmp_path / "empty.txt", output, "--force")
    assert result.exit_code == 1
    assert "B211" in result.output
    assert "1 empty" in result.output
    assert output.read_bytes() == before


def test_an_output_that_is_there_is_replaced_only_by_force(
    output: Path, tmp_path: Path
) -> None:
    extract(SAMPLE / "articles", output)
    before = {path: path.read_bytes() for path in output.parent.iterdir()}
    refused = extract(SAMPLE / "medline", output)
    assert refused.exit_code == 1
    assert f"[B236] {output} exists already" in said(refused)
    # The manifest of another output has the same name.
    beside = extract(SAMPLE / "medline", output.with_suffix(""))
    assert "[B236]" in said(beside)
    assert "documents.manifest.json exists already" in said(beside)
    assert {path: path.read_bytes() for path in output.parent.iterdir()} == before
    assert extract(SAMPLE / "medline", output, "--force").exit_code == 0
    assert len(records(output)) == 48


def test_an_empty_file_is_named_and_no_report_spoken_of_that_is_not_there(
    output: Path, tmp_path: Path
) -> None:
    (tmp_path / "nothing.jsonl").touch()
    bare = extract(tmp_path / "nothing.jsonl", output)
    assert bare.exit_code == 1
    assert "[B211]" in said(bare)
    assert "Nothing is in" in said(bare)
    assert "nothing.jsonl" in said(bare)
    assert "report" not in said(bare)
    assert "--" not in said(bare)

    (tmp_path / "short.jsonl").write_text(LINE)
    both = extract(
        tmp_path / "nothing.jsonl", tmp_path / "short.jsonl", output, "--min-words", 99
    )
    assert "nothing.jsonl" in said(both)
    assert "See the report above. Left out by --min-words." in said(both)
    assert "1 short" in said(both)


def test_short_and_empty_documents_are_left_out_and_counted(
    output: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.jsonl").write_text(LINE + '{"text": "one two"}\n{"text": " "}\n')
    assert extract(tmp_path / "a.jsonl", output, "--min-words", 3).exit_code == 0
    [source] = manifest(output.parent)["sources"]
    assert (source["documents"], source["skipped"]) == (1, 2)
    assert source["skipped_because"] == {"empty": 1, "short": 1}


def test_limit_stops_after_so_many_documents(output: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(LINE * 5)
    assert (
        extract(
            tmp_path / "a.jsonl", SAMPLE / "medline", output, "--limit", 2
        ).exit_code
        == 0
    )
    assert len(records(output)) == 2
    assert len(manifest(output.parent)["sources"]) == 1


def test_format_overrides_the_name(output: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.log").write_text("Some words.")
    assert "B208" in extract(tmp_path / "notes.log", output).output
    assert extract(tmp_path / "notes.log", output, "--format", "text").exit_code == 0
    assert records(output)[0]["text"] == "Some words."


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("none.xml", "documents.jsonl", "B209"),
        ("folder", "documents.jsonl", "B215"),
        ("a.jsonl", "documents.csv", "B210"),
        ("a.jsonl", "a.jsonl", "B212"),
    ],
)
def test_wrong_arguments_are_refused(
    tmp_path: Path, source: str, target: str, message: str
) -> None:
    (tmp_path / "a.jsonl").write_text(LINE)
    (tmp_path / "folder").mkdir()
    result = extract(tmp_path / source, tmp_path / target)
    assert result.exit_code == 1
    assert message in result.output
    assert (tmp_path / "a.jsonl").read_text() == LINE


def test_real_files_are_extracted(real_data: Path, output: Path) -> None:
    formats = real_data / "formats"
    assert (
        extract(formats / "*.nxml.gz", formats / "pubmed*.xml.gz", output).exit_code
        == 0
    )
    assert manifest(output.parent)["documents"] == 80
