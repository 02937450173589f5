import gzip
import json
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import spacy
import typer
from click.testing import Result
from spacy.tokens import DocBin
from typer.testing import CliRunner

from spacy_biobert.cli.convert import convert
from spacy_biobert.cli.corpora import Policy
from spacy_biobert.cli.export import export, export_cli
from spacy_biobert.converters.faults import SourceError
from spacy_biobert.converters.from_docs import from_doc
from spacy_biobert.converters.parquet import make_table

from .output import said

APP = typer.Typer()
APP.command()(export_cli)
PUBTATOR = (
    "1|t|Aspirin trial.\n1|a|Ulcers rose.\n1\t0\t7\tAspirin\tDrug\tD1|D3\n"
    "1\t15\t21\tUlcers\tDisease\tD2\n1\tCID\tD1\tD2\n\n2|t|Nothing.\n\n"
)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "a.txt"
    path.write_text(PUBTATOR, encoding="utf-8")
    return path


@pytest.fixture
def stored(source: Path, tmp_path: Path) -> Path:
    convert([str(source)], tmp_path / "a.spacy", format="pubtator")
    return tmp_path / "a.spacy"


def test_docs_are_written_as_they_were_converted(stored: Path, tmp_path: Path) -> None:
    output = tmp_path / "b.txt"
    result = run(stored, output, "--format", "pubtator")
    assert result.exit_code == 0, result.output
    assert "Not held" not in result.output
    assert output.read_text("utf-8") == PUBTATOR


def test_stated_labels_are_counted_as_lost(source: Path, tmp_path: Path) -> None:
    convert(
        [str(source)],
        tmp_path / "a.spacy",
        format="pubtator",
        annotates=("Drug", "Disease"),
    )
    result = run(tmp_path / "a.spacy", tmp_path / "b.txt", "--format", "pubtator")
    assert result.exit_code == 0, result.output
    assert "not held: stated labels of documents" in result.output


def test_losses_are_counted_shown_and_reported(stored: Path, tmp_path: Path) -> None:
    told = tmp_path / "report.json"
    result = run(stored, tmp_path / "b", "--format", "brat", "--report", told)
    assert result.exit_code == 0, result.output
    assert "not held: concept relations" in result.output
    assert "Not held: what the inputs have" in said(result)
    counts = json.loads(told.read_text("utf-8"))
    assert counts["lost"] == {
        "concept relations": 1,
        "documents annotated without any concept relations": 1,
        "passages": 2,
    }
    assert counts["mentions"] == {"Drug": 1, "Disease": 1}
    assert counts["files"][0]["documents"] == 2
    assert sorted(p.name for p in (tmp_path / "b").iterdir()) == [
        "1.ann",
        "1.txt",
        "2.ann",
        "2.txt",
    ]


def test_any_format_becomes_any_other_compressed_to_the_same_bytes(
    source: Path, tmp_path: Path
) -> None:
    written = []
    for name in ("a.json.gz", "b.json.gz"):
        assert run(source, tmp_path / name, "--format", "bioc_json").exit_code == 0
        written.append((tmp_path / name).read_bytes())
    assert written[0] == written[1]
    assert json.loads(gzip.decompress(written[0]))["documents"][0]["id"] == "1"
    back = tmp_path / "back.txt"
    assert run(tmp_path / "a.json.gz", back, "--format", "pubtator").exit_code == 0
    assert back.read_text("utf-8") == PUBTATOR


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("b.pubtator.txt", b"1|t|"),
        ("b.PubTator", b"1|t|"),
        ("b.bioc.xml", b"<?xml"),
        ("b.bioc.json", b"{"),
        ("b.jsonl", b'{"id": "1"'),
    ],
)
def test_format_is_told_by_the_name_of_the_output(
    stored: Path, tmp_path: Path, name: str, begins: bytes
) -> None:
    assert run(stored, tmp_path / name).exit_code == 0
    assert (tmp_path / name).read_bytes().startswith(begins)
    assert run(stored, tmp_path / f"{name}.gz").exit_code == 0
    packed = (tmp_path / f"{name}.gz").read_bytes()
    assert gzip.decompress(packed) == (tmp_path / name).read_bytes()


def test_name_that_tells_no_format_is_refused_with_those_there_are(
    stored: Path, tmp_path: Path
) -> None:
    for name in ("b.txt", "b.parquet", "b.spacy"):
        result = run(stored, tmp_path / name)
        assert result.exit_code == 1
        for part in ("B509", name, ".pubtator.txt", "--format: ", "brat", "iob1"):
            assert part in said(result)
        assert "parquet," not in said(result)


def test_parquet_is_read_as_the_json_lines_with_the_same_columns(
    source: Path, tmp_path: Path
) -> None:
    lines, table = tmp_path / "a.jsonl", tmp_path / "a.parquet"
    assert run(source, lines).exit_code == 0
    records = [json.loads(line) for line in lines.read_text("utf-8").splitlines()]
    pq.write_table(make_table(records), table)
    assert records[0]["entities"]
    assert run(table, tmp_path / "again.jsonl").exit_code == 0
    assert (tmp_path / "again.jsonl").read_bytes() == lines.read_bytes()
    assert run(table, tmp_path / "b.pubtator.txt").exit_code == 0
    assert (tmp_path / "b.pubtator.txt").read_text("utf-8") == PUBTATOR
    assert "B237" in run(source, tmp_path / "c", "--format", "parquet").output


def test_output_that_exists_is_kept_unless_forced(stored: Path, tmp_path: Path) -> None:
    output = tmp_path / "b.txt"
    output.write_text("mine")
    result = run(stored, output, "--format", "pubtator")
    assert (result.exit_code, output.read_text()) == (1, "mine")
    assert "B236" in result.output
    assert run(stored, output, "--format", "pubtator", "--force").exit_code == 0
    assert output.read_text("utf-8") == PUBTATOR


def test_folder_with_other_things_is_never_replaced(
    stored: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "b"
    folder.mkdir()
    (folder / "thesis.doc").write_text("mine")
    assert "B241" in run(stored, folder, "--format", "brat", "--force").output
    assert "B241" in run(stored, folder, "--format", "iob", "--force").output
    assert "B241" in run(stored, stored, "--format", "brat", "--force").output
    assert (folder / "thesis.doc").read_text() == "mine"
    (folder / "thesis.doc").rename(folder / "old.ann")
    assert run(stored, folder, "--format", "brat", "--force").exit_code == 0
    assert not (folder / "old.ann").exists()


def test_full_disk_leaves_what_was_there(
    stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "b.txt"
    output.write_text("mine")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    result = run(stored, output, "--format", "pubtator", "--force")
    assert result.exit_code == 1
    assert "B235" in result.output
    assert "No space left" in result.output
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.spacy", "a.txt", "b.txt"]
    assert output.read_text() == "mine"


def test_wrong_inputs_leave_no_output(source: Path, tmp_path: Path) -> None:
    source.write_text(PUBTATOR.replace("0\t7\tAspirin", "1\t8\tAspirin"))
    output = tmp_path / "b.json"
    assert "B222" in run(source, output, "--format", "bioc_json").output
    assert "B232" in run(source, output, "--format", "word").output
    (tmp_path / "a.spacy").write_bytes(b"no")
    assert "B433" in run(tmp_path / "a.spacy", output, "--format", "iob").output
    assert "B209" in run(tmp_path / "c.spacy", output, "--format", "iob").output
    assert not output.exists()
    skipped = run(source, output, "--format", "bioc_json", "--on-error", "skip")
    assert skipped.exit_code == 0


def test_ids_of_variants_survive_the_docs(tmp_path: Path) -> None:
    source = tmp_path / "a.json"
    concept = "c|DEL||32%7C"
    source.write_text(
        '{"documents": [{"id": "1", "passages": [{"offset": 0, "text": "del", "annotations":'
        f' [{{"id": "0", "infons": {{"type": "V", "identifier": "{concept}"}}, "text": "del",'
        ' "locations": [{"offset": 0, "length": 3}]}]}], "relations": [{"id": "R", "infons":'
        f' {{"entity1": "{concept}", "entity2": "{concept}", "type": "r"}}}}]}}]}}'
    )
    convert([str(source)], tmp_path / "a.spacy", format="bioc_json")
    store = DocBin().from_disk(tmp_path / "a.spacy")
    [doc] = store.get_docs(spacy.blank("en").vocab)
    from collections import Counter

    document = from_doc(doc, Counter())
    assert (document.mentions or ())[0].concepts == (concept,)
    assert (document.concept_relations or ())[0].arg1 == concept
    assert doc.user_data["concept_relations"][0][0] == doc.ents[0].kb_id_


@pytest.mark.parametrize(
    ("inputs", "source_format", "format"),
    [
        ("bc5cdr/CDR_DevelopmentSet.PubTator.txt.gz", "pubtator", "pubtator"),
        ("bc5cdr/CDR_DevelopmentSet.PubTator.txt.gz", "pubtator", "bioc_json"),
        ("ncbi_disease/train.PubTator.txt.gz", "pubtator", "bioc_xml"),
        ("formats/biored_dev.bioc.xml.xz", "bioc_xml", "bioc_json"),
        ("formats/ncbi_brat", "brat", "brat"),
        ("bc2gm/devel.tsv.xz", "iob", "iob"),
        (
            "ddi2013/DDICorpus-2013.zip/DDICorpus/Test/Test for DDI Extraction task",
            "ddi",
            "ddi",
        ),
        ("coronacentral/dev.jsonl.gz", "categories", "categories"),
        ("formats/chemprot_scibert_sample.jsonl", "chemprot_jsonl", "chemprot_jsonl"),
    ],
)
def test_real_corpora_are_the_same_when_exported_and_converted_again(
    real_data: Path, tmp_path: Path, inputs: str, source_format: str, format: str
) -> None:
    first, second = tmp_path / "first.spacy", tmp_path / "second.spacy"
    output = tmp_path / "exported"
    policy = Policy(skip_wrong=True)
    convert([str(real_data / inputs)], first, format=source_format, policy=policy)
    assert export([str(first)], output, format=format)["lost"] == {}
    convert([str(output)], second, format=format)
    found = [sorted(records(path)) for path in (first, second)]
    assert found[0] == found[1]


def records(path: Path) -> list[str]:
    from collections import Counter

    docs = DocBin().from_disk(path).get_docs(spacy.blank("en").vocab)
    return [repr(from_doc(doc, Counter())) for doc in docs]


def test_format_that_is_only_read_is_refused(
    stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spacy_biobert.converters.formats import Format

    only_read = Format(read=lambda _: iter(()), write=None, holds=frozenset())
    monkeypatch.setattr("spacy_biobert.cli.export.find_format", lambda _: only_read)
    with pytest.raises(SourceError, match="B237"):
        export([str(stored)], tmp_path / "b", format="x")
