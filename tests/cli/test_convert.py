import gzip
import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import spacy
import typer
from click.testing import Result
from spacy.tokens import Doc, DocBin
from typer.testing import CliRunner

from spacy_biobert.cli.convert import convert_cli

from .output import said

SAMPLE = Path(__file__).parents[2] / "corpus" / "sample"
APP = typer.Typer()
APP.command()(convert_cli)
PUBTATOR = (
    "1|t|Aspirin trial.\n1|a|Ulcers rose.\n1\t0\t7\tAspirin\tDrug\tD1\n"
    "1\t15\t21\tUlcers\tDisease\tD2\n1\tCID\tD1\tD2\n\n2|t|Nothing.\n\n"
)


def convert(*arguments: object) -> Result:
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


def docs(path: Path) -> list[Doc]:
    return list(DocBin().from_disk(path).get_docs(spacy.blank("en").vocab))


def report(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "a.txt"
    path.write_text(PUBTATOR, encoding="utf-8")
    return path


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "out" / "a.spacy"


def test_convert_writes_entities_relations_and_counts(
    source: Path, output: Path
) -> None:
    told = output.with_suffix(".json")
    result = convert(source, output, "--format", "pubtator", "--report", told)
    assert result.exit_code == 0, result.output
    first, second = docs(output)
    assert [(ent.text, ent.label_, ent.kb_id_) for ent in first.ents] == [
        ("Aspirin", "Drug", "D1"),
        ("Ulcers", "Disease", "D2"),
    ]
    assert [tuple(row) for row in first.user_data["concept_relations"]] == [
        ("D1", "D2", "CID")
    ]
    assert list(second.user_data["concept_relations"]) == []
    assert second.user_data["document_id"] == "2"
    counts = report(told)
    assert counts["mentions"] == {"Drug": 1, "Disease": 1}
    assert (counts["documents"], counts["relations"]) == (2, {"CID": 1})
    for word in ("mentions: Drug", "relations: CID", "not aligned", "overlapping"):
        assert word in result.output


@pytest.mark.parametrize(
    ("options", "expected"),
    [((), "Aspirin"), (("--tokenizer", "spacy.Tokenizer.v1"), "Aspirin/5")],
)
def test_tokenizer_is_that_of_the_configs_or_the_one_named(
    source: Path, output: Path, options: tuple[str, ...], expected: str
) -> None:
    source.write_text("1|t|Aspirin/5 trial.\n1\t0\t7\tAspirin\tDrug\tD1\n")

    result = convert(source, output, "--format", "pubtator", *options)

    assert result.exit_code == 0, result.output
    [doc] = docs(output)
    assert [ent.text for ent in doc.ents] == [expected]


def test_unknown_tokenizer_is_refused_with_those_there_are(
    source: Path, output: Path
) -> None:
    options = ("--format", "pubtator", "--tokenizer", "mine")
    result = convert(source, output, *options)

    assert result.exit_code == 1
    assert "[B230]" in result.output
    assert "spacy-biobert.Tokenizer.v1" in "".join(result.output.split())
    assert not output.exists()


def test_relations_are_annotated_by_file(
    source: Path, output: Path, tmp_path: Path
) -> None:
    other = tmp_path / "b.txt.gz"
    other.write_bytes(gzip.compress(b"3|t|No relations here.\n"))
    assert convert(source, other, output, "--format", "pubtator").exit_code == 0
    assert ["concept_relations" in doc.user_data for doc in docs(output)] == [
        True,
        True,
        False,
    ]


def test_map_renames_mentions_and_relations(source: Path, output: Path) -> None:
    result = convert(
        source,
        output,
        "--format",
        "pubtator",
        "--map",
        "Drug=Chemical",
        "--map",
        "CID=causes",
    )
    assert result.exit_code == 0, result.output
    [doc, _] = docs(output)
    assert [ent.label_ for ent in doc.ents] == ["Chemical", "Disease"]
    assert doc.user_data["concept_relations"][0][2] == "causes"


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("1\t0\t7\tAspirin", "1\t1\t8\tAspirin", "B222"),
        ("CID\tD1", "CID\tD9", "B223"),
        ("2|t|Nothing.", "1|t|Another text.", "B224"),
    ],
)
def test_wrong_annotation_fails_or_is_skipped_and_counted(
    source: Path, output: Path, before: str, after: str, code: str
) -> None:
    source.write_text(
        PUBTATOR.replace("1\tCID\tD1\tD2\n", "").replace(before, after)
        if code == "B222"
        else PUBTATOR.replace(before, after)
    )
    result = convert(source, output, "--format", "pubtator")
    assert result.exit_code == 1
    assert code in result.output
    assert not output.exists()

    told = output.with_suffix(".json")
    result = convert(
        source, output, "--format", "pubtator", "--on-error", "skip", "--report", told
    )
    assert result.exit_code == 0, result.output
    assert report(told)["skipped"] == {code: 1}
    assert code in report(told)["problems"][0]


def test_repeated_and_empty_documents_are_left_out_and_counted(
    source: Path, output: Path
) -> None:
    source.write_text(PUBTATOR + PUBTATOR + "9|t|\n9|a|\n")
    told = output.with_suffix(".json")
    assert (
        convert(source, output, "--format", "pubtator", "--report", told).exit_code == 0
    )
    assert len(docs(output)) == 2
    assert report(told)["skipped"] == {"empty documents": 1, "repeated documents": 2}


def test_overlapping_entities_are_counted(source: Path, output: Path) -> None:
    source.write_text(
        PUBTATOR.replace("\n\n2|t", "\n1\t0\t13\tAspirin trial\tTrial\tT1\n\n2|t")
    )
    told = output.with_suffix(".json")
    assert (
        convert(source, output, "--format", "pubtator", "--report", told).exit_code == 0
    )
    assert (report(told)["overlapping"], report(told)["relations_without_entity"]) == (
        1,
        1,
    )
    assert docs(output)[0].ents[0].text == "Aspirin trial"
    shown = said(convert(source, output, "--format", "pubtator", "--force"))
    assert "Overlapping: mentions that overlap a longer one, left out." in shown
    assert "Not aligned:" not in shown


def test_categories_take_their_labels_from_file_or_data(
    output: Path, tmp_path: Path
) -> None:
    data, labels = tmp_path / "a.jsonl", tmp_path / "labels.json"
    data.write_text(
        '{"text": "x", "labels": ["b"]}\n{"text": "y", "labels": ["a", "b"]}\n'
    )
    labels.write_text('["c", "b", "a"]')
    assert convert(data, output, "--format", "categories").exit_code == 0
    assert docs(output)[0].cats == {"a": 0.0, "b": 1.0}
    options = ("--labels", labels, "--map", "c=d", "--force")
    assert convert(data, output, "--format", "categories", *options).exit_code == 0
    assert [doc.cats for doc in docs(output)] == [
        {"d": 0.0, "b": 1.0, "a": 0.0},
        {"d": 0.0, "b": 1.0, "a": 1.0},
    ]
    assert {token.ent_iob for doc in docs(output) for token in doc} == {0}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--map", "Drug"], "B225"),
        (["--map", "Gene=Protein"], "B226"),
        (["--format", "categories"], "B206"),
    ],
)
def test_wrong_options_are_refused(
    source: Path, output: Path, options: list[str], message: str
) -> None:
    result = convert(source, output, "--format", "pubtator", *options)
    assert result.exit_code == 1
    assert message in result.output
    assert not output.exists()


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
    assert "Name the format with --format, such as iob for columns." in said(result)
    assert "B232" in convert(source, output, "--format", "conll").output


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


def test_output_that_cannot_be_written_is_said(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = convert(source, tmp_path / "file" / "a.spacy", "--format", "pubtator")
    assert result.exit_code == 1
    assert "B008" in result.output


def test_the_same_input_gives_the_same_bytes(source: Path, output: Path) -> None:
    convert(source, output, "--format", "pubtator")
    before = output.read_bytes()
    convert(source, output, "--format", "pubtator")
    assert output.read_bytes() == before


def test_sample_converts_whole(output: Path) -> None:
    told = output.with_suffix(".json")
    result = convert(
        SAMPLE / "pubtator", output, "--format", "pubtator", "--report", told
    )
    assert result.exit_code == 0, result.output
    counts = report(told)
    assert counts["mentions"] == {"GENE": 281, "DISEASE": 292, "CHEMICAL": 301}
    assert sum(counts["relations"].values()) == 153
    assert counts["not_aligned"] == counts["overlapping"] == 0


def test_bc5cdr_converts_with_every_mention_accounted_for(
    real_data: Path, output: Path
) -> None:
    told = output.with_suffix(".json")
    source = real_data / "bc5cdr" / "CDR_TrainingSet.PubTator.txt*"
    assert (
        convert(source, output, "--format", "pubtator", "--report", told).exit_code == 0
    )
    counts = report(told)
    assert counts["documents"] == 500
    assert sum(counts["mentions"].values()) + counts["overlapping"] == 9_385
    assert counts["relations"] == {"CID": 1_038}
    assert counts["unplaced"] == counts["relations_without_entity"] == 0
    assert counts["not_aligned"] == 0


def test_a_label_set_for_a_format_without_topics_is_refused(
    source: Path, output: Path, tmp_path: Path
) -> None:
    labels = tmp_path / "labels.json"
    labels.write_text('["a"]')

    result = convert(source, output, "--format", "pubtator", "--labels", labels)

    assert result.exit_code == 1
    assert "[B011]" in result.output
    assert not output.exists()


def test_annotates_states_the_labels_of_annotated_documents(
    source: Path, output: Path, tmp_path: Path
) -> None:
    result = convert(source, output, "--annotates", "Drug, Disease,Gene")
    assert result.exit_code == 0, result.output
    for doc in docs(output):
        assert [*doc.user_data["annotated_labels"]] == ["Drug", "Disease", "Gene"]
    assert convert(source, output, "--force").exit_code == 0
    assert all("annotated_labels" not in doc.user_data for doc in docs(output))
    renamed = ("--map", "Drug=Chemical", "--annotates", "Chemical,Disease", "--force")
    assert convert(source, output, *renamed).exit_code == 0
    topics = tmp_path / "topics.jsonl"
    topics.write_text('{"id": "1", "text": "Rest.", "labels": ["a"]}\n')
    options = ("--format", "categories", "--annotates", "Drug", "--force")
    result = convert(topics, output, *options)
    assert result.exit_code == 0, result.output
    assert "annotated_labels" not in docs(output)[0].user_data


def test_annotates_refuses_labels_that_it_lacks(source: Path, output: Path) -> None:
    result = convert(source, output, "--annotates", "Disease")
    shown = " ".join(result.output.split())
    assert result.exit_code == 1
    for part in ("[B251]", "a.txt", "document 1", "(Disease)", "found Drug", "--map"):
        assert part in shown
    assert not output.exists()
    result = convert(source, output, "--annotates", "Disease,,Drug")
    assert "[B250]" in result.output
