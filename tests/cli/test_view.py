import json
import os
import zipfile
from pathlib import Path

import lxml.html
import pyarrow.parquet as pq
import pytest
import spacy
import typer
from click.testing import Result
from spacy.tokens import Doc, DocBin, Span
from typer.testing import CliRunner

from spacy_biobert.cli.view import view_cli
from spacy_biobert.converters.parquet import make_table

from .output import said

APP = typer.Typer()
APP.command()(view_cli)
SAMPLE = Path(__file__).parents[2] / "corpus" / "sample"
PUBTATOR = SAMPLE / "pubtator" / "test.pubtator.txt"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


def read(page: Path) -> lxml.html.HtmlElement:
    return lxml.html.document_fromstring(page.read_bytes())


def ids(page: Path) -> list[str]:
    return [heading.text_content() for heading in read(page).iter("h2")]


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """Three documents of a pipeline, in a folder below a folder."""
    nlp = spacy.blank("en")
    docs = DocBin(store_user_data=True)
    for number in range(3):
        doc: Doc = nlp("Aspirin causes ulcers.")
        doc.ents = [Span(doc, 0, 1, "Chemical"), Span(doc, 2, 3, "Disease")]
        doc.user_data["document_id"] = f"doc {number}"
        doc.user_data["entity_confidences"] = {"0:1:Chemical": 0.125}
        doc.user_data["relations"] = [(0, 1, 2, 3, "causes", 0.75)]
        docs.add(doc)
    path = tmp_path / "found" / "by" / "a.spacy"
    path.parent.mkdir(parents=True)
    docs.to_disk(path)
    return path


@pytest.mark.parametrize("what", ["file", "folder", "glob"])
def test_docs_are_shown_with_what_the_pipeline_was_sure_of(
    stored: Path, tmp_path: Path, what: str
) -> None:
    given = {
        "file": stored,
        "folder": tmp_path / "found",
        "glob": f"{stored.parent}/*.spacy",
    }
    output = tmp_path / "page.html"
    result = run(given[what], output)
    assert result.exit_code == 0, result.output
    assert "3 documents in" in said(result)
    assert ids(output) == ["doc 0", "doc 1", "doc 2"]
    article = read(output).find(".//article")
    assert [mark.get("data-c") for mark in article.iter("mark")] == ["0.125", None]
    assert article.find(".//td[4]").text == "0.75"


def test_corpus_is_shown_whose_format_is_told_by_it(tmp_path: Path) -> None:
    output = tmp_path / "page.html"
    result = run(PUBTATOR, output, "--title", "The sample")
    assert result.exit_code == 0, result.output
    tree = read(output)
    lines = PUBTATOR.read_text("utf-8").splitlines()
    assert len(ids(output)) == sum("|t|" in line for line in lines)
    assert len(list(tree.iter("mark"))) == sum(line.count("\t") == 5 for line in lines)
    assert tree.findtext("head/title") == "The sample"
    assert "From test.pubtator.txt." in tree.find(".//header").text_content()


def test_categories_are_shown_with_all_labels_of_the_corpus(tmp_path: Path) -> None:
    output = tmp_path / "page.html"
    topics = SAMPLE / "topics" / "test.jsonl"
    result = run(topics, output, "--from", "categories")
    assert result.exit_code == 0, result.output
    bars = read(output).find(".//article").findall(".//li")
    assert {bar.findtext("span[2]") for bar in bars} == {"1.00", "0.00"}
    assert len(bars) == 6


def test_overlapping_mentions_of_a_corpus_all_are_shown(tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text(
        "1|t|Peptic ulcers.\n1|a|x\n1\t0\t13\tPeptic ulcers\tDisease\tD1\n"
        "1\t7\t13\tulcers\tDisease\tD2\n\n"
    )
    assert run(source, tmp_path / "page.html").exit_code == 0
    marks = list(read(tmp_path / "page.html").iter("mark"))
    assert [mark.get("data-k") for mark in marks] == ["D1", "D2"]
    assert marks[1].getparent() is marks[0]


def test_wrong_annotation_is_left_out_if_told_and_the_page_says_so(
    tmp_path: Path,
) -> None:
    corpus, page = tmp_path / "c.pubtator.txt", tmp_path / "c.html"
    corpus.write_text(
        "1|t|Aspirin\n1|a|It causes pain .\n1\t0\t7\tAspirin\tDrug\tD1\n"
        "1\t9\t12\tpain\tDisease\tD2\n\n"
    )

    result = run(corpus, page)
    assert result.exit_code == 1
    assert "--on-error skip" in said(result)

    result = run(corpus, page, "--on-error", "skip")
    assert result.exit_code == 0, result.output
    assert len(list(read(page).iter("mark"))) == 1
    assert "Left out: 1 wrong annotation." in page.read_text()


def test_archive_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(PUBTATOR, "corpus/test.txt")
    result = run(tmp_path / "a.zip", tmp_path / "page.html", "--from", "pubtator")
    assert result.exit_code == 0, result.output
    assert len(ids(tmp_path / "page.html")) == 8


@pytest.mark.parametrize(("limit", "shown", "more"), [(2, 2, True), (3, 3, False)])
def test_limit_is_said_in_the_page_where_there_is_more(
    stored: Path, tmp_path: Path, limit: int, shown: int, more: bool
) -> None:
    output = tmp_path / "page.html"
    result = run(stored, output, "--limit", limit)
    assert len(ids(output)) == shown
    told = read(output).find(".//header").text_content()
    assert ("The first 2 documents: there are more." in told) is more
    assert ("see --limit" in said(result)) is more


def test_output_that_exists_is_kept_unless_forced(stored: Path, tmp_path: Path) -> None:
    output = tmp_path / "page.html"
    output.write_text("mine")
    result = run(stored, output)
    assert (result.exit_code, output.read_text()) == (1, "mine")
    assert "B236" in result.output
    assert run(stored, output, "--force").exit_code == 0
    assert len(ids(output)) == 3


@pytest.mark.parametrize(
    ("output", "code"), [("page.spacy", "B210"), ("page.html", "B241")]
)
def test_output_that_is_no_page_is_refused(
    stored: Path, tmp_path: Path, output: str, code: str
) -> None:
    (tmp_path / "page.html").mkdir()
    result = run(stored, tmp_path / output, "--force")
    assert result.exit_code == 1
    assert code in result.output


def test_parquet_is_shown_as_the_json_lines_with_the_same_columns(
    tmp_path: Path,
) -> None:
    record = {
        "id": "7",
        "text": "Aspirin causes ulcers.",
        "entities": [
            {"start": 0, "end": 7, "label": "Drug", "confidence": 0.125},
            {"start": 15, "end": 21, "label": "Disease"},
        ],
        "relations": [{"arg1": 0, "arg2": 1, "label": "causes", "score": 0.75}],
        "categories": {"review": 1.0},
    }
    (tmp_path / "a.jsonl").write_text(json.dumps(record) + "\n")
    pq.write_table(make_table([record]), tmp_path / "a.parquet")
    for name in ("jsonl", "parquet"):
        page = tmp_path / f"{name}.html"
        result = run(tmp_path / f"a.{name}", page, "--title", "x")
        assert result.exit_code == 0, result.output
    shown = (tmp_path / "parquet.html").read_text("utf-8")
    assert [mark.get("data-c") for mark in read(page).iter("mark")] == ["0.125", None]
    assert read(page).find(".//article").find(".//td[4]").text == "0.75"
    assert shown.replace("a.parquet", "a.jsonl") == (tmp_path / "jsonl.html").read_text(
        "utf-8"
    )


def test_input_of_another_kind_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.spacy").write_bytes(b"no DocBin")
    (tmp_path / "b.txt").write_text("no format")
    (tmp_path / "c.spacy").write_bytes(DocBin().to_bytes())
    (tmp_path / "d.txt").write_bytes(b"")
    (tmp_path / "e.txt").write_bytes("Naïve rats".encode("latin-1"))
    (tmp_path / "empty").mkdir()
    for name, code in (
        ("a.spacy", "B433"),
        ("b.txt", "B234"),
        ("c.spacy", "B229"),
        ("d.txt", "B229"),
        ("e.txt", "B205"),
        ("empty", "B215"),
        ("nowhere", "B209"),
    ):
        result = run(tmp_path / name, tmp_path / "page.html")
        assert result.exit_code == 1, name
        assert code in result.output
        assert name in said(result)
    assert not (tmp_path / "page.html").exists()
    assert "Name the format with --from," in said(
        run(tmp_path / "b.txt", tmp_path / "page.html")
    )
    assert "spacy convert" not in said(run(tmp_path / "a.spacy", tmp_path / "p.html"))


def test_full_disk_leaves_what_was_there(
    stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "page.html"
    output.write_text("mine")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    result = run(stored, output, "--force")
    assert result.exit_code == 1
    assert "B235" in result.output
    assert output.read_text() == "mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["found", "page.html"]
