import gzip
import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from wasabi.printer import Printer

from spacy_biobert.annotation.annotating import Counts
from spacy_biobert.annotation.running import Totals
from spacy_biobert.cli.annotate import _make_report
from spacy_biobert.cli.corpora import Policy, find_corpus, read_corpus
from spacy_biobert.readers import read_docs
from spacy_biobert.types import AnnotatedDocument

from ..annotators import (
    BLOCK,
    N_DOCUMENTS,
    annotate,
    records,
    text,
    write_documents,
)
from .extractions import SAMPLE
from .output import said

Found = dict[str, Any]


def expected(model: Path, numbers: range) -> list[Found]:
    """What the pipeline itself says of the documents."""
    nlp = spacy.load(model)
    found = []
    for number in numbers:
        doc = nlp(f"Title {number}. {text(number)}")
        starts = {ent.start: i for i, ent in enumerate(doc.ents)}
        found.append(
            {
                "id": f"d{number}",
                "entities": [
                    (e.start_char, e.end_char, e.text, e.label_, e._.confidence)
                    for e in doc.ents
                ],
                "relations": [
                    (starts[r.arg1.start], starts[r.arg2.start], r.label, r.score)
                    for r in doc._.relations
                ],
                "categories": doc.cats,
            }
        )
    return found


def named(document: AnnotatedDocument) -> Found:
    """The entities and relations of a document, without probabilities."""
    mentions = document.mentions or ()
    return {
        "id": document.id,
        "text": document.text,
        "entities": [(m.start, m.end, m.text, m.label) for m in mentions],
        "relations": {
            (mentions[r.arg1].start, mentions[r.arg2].start, r.label)
            for r in document.mention_relations or ()
        },
    }


def named_record(record: Found) -> Found:
    entities = record["entities"]
    return {
        "id": record["id"],
        "text": record["text"],
        "entities": [(e["start"], e["end"], e["text"], e["label"]) for e in entities],
        "relations": {
            (entities[r["arg1"]]["start"], entities[r["arg2"]]["start"], r["label"])
            for r in record["relations"]
        },
    }


def read_format(path: Path, format: str) -> list[AnnotatedDocument]:
    corpus = find_corpus([str(path)], format, Policy())
    return [d for _, documents in read_corpus(corpus) for d in documents]


def test_json_lines_have_what_the_pipeline_finds(
    annotator: Path, documents: Path, tmp_path: Path
) -> None:
    output = tmp_path / "found.jsonl.gz"

    result = annotate(documents, output, "--model", annotator)

    assert result.exit_code == 0, result.output
    found, wanted = records(output), expected(annotator, range(N_DOCUMENTS))
    assert sum(len(one["entities"]) for one in wanted) > N_DOCUMENTS
    assert sum(len(one["relations"]) for one in wanted) > N_DOCUMENTS
    for record, one in zip(found, wanted, strict=True):
        assert record["id"] == one["id"]
        assert [tuple(e.values())[:4] for e in record["entities"]] == [
            e[:4] for e in one["entities"]
        ]
        assert [e["confidence"] for e in record["entities"]] == pytest.approx(
            [e[4] for e in one["entities"]], abs=1e-5
        )
        assert [tuple(r.values())[:3] for r in record["relations"]] == [
            r[:3] for r in one["relations"]
        ]
        assert [r["score"] for r in record["relations"]] == pytest.approx(
            [r[3] for r in one["relations"]], abs=1e-5
        )
        assert record["categories"] == pytest.approx(one["categories"], abs=1e-5)
        title = record["divisions"][0]
        assert (
            record["text"][title["start"] : title["end"]] == f"Title {one['id'][1:]}."
        )
        assert record["model_version"] == "0.0.0"
    told = json.loads((tmp_path / "found.jsonl.gz.manifest.json").read_text())
    assert told["documents"] == N_DOCUMENTS
    assert told["model_sha256"] == found[0]["model_sha256"]
    assert sum(told["mentions"].values()) == sum(len(o["entities"]) for o in wanted)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "documents.jsonl",
        "found.jsonl.gz",
        "found.jsonl.gz.manifest.json",
    ]


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("o.jsonl", "jsonl"),
        ("o.jsonl.xz", "jsonl"),
        ("o.bioc.xml", "bioc_xml"),
        ("o.bioc.json.gz", "bioc_json"),
        ("brat", "brat"),
        ("o.pubtator.txt", "pubtator"),
        ("o.parquet", "parquet"),
        ("o.spacy", "spacy"),
        ("folder", "spacy"),
    ],
)
def test_every_format_reads_back_the_same(
    annotator: Path, documents: Path, tmp_path: Path, name: str, format: str
) -> None:
    plain = tmp_path / "plain.jsonl"
    assert annotate(documents, plain, "-m", annotator).exit_code == 0
    wanted = {record["id"]: named_record(record) for record in records(plain)}
    output = tmp_path / name

    result = annotate(documents, output, "-m", annotator, "--format", format)

    assert result.exit_code == 0, result.output
    if format == "parquet":
        assert pq.read_schema(output).metadata[b"model_name"] == b"en_pipeline"
    if format == "spacy":
        from collections import Counter

        from spacy_biobert.converters.from_docs import from_doc

        files = sorted(output.iterdir()) if output.is_dir() else [output]
        assert len(files) == (-(-N_DOCUMENTS // BLOCK) if output.is_dir() else 1)
        docs = [d for f in files for d in read_docs(f, spacy.blank("en").vocab)]
        assert all(doc.user_data["model_name"] == "en_pipeline" for doc in docs)
        read = [from_doc(doc, Counter()) for doc in docs]
    else:
        read = read_format(output, format)
    found = {document.id: named(document) for document in read}
    if format == "pubtator":
        assert "not held: mention relations" in said(result)
        for one in wanted.values():
            one["relations"] = set()
    assert found == wanted
    if format.startswith("bioc"):
        scored = {d.id: [r.score for r in d.mention_relations or ()] for d in read}
        assert scored == {
            record["id"]: [r["score"] for r in record["relations"]]
            for record in records(plain)
        }


def test_the_number_of_processes_changes_nothing(
    annotator: Path, documents: Path, tmp_path: Path
) -> None:
    one, two = tmp_path / "1" / "o.jsonl", tmp_path / "2" / "o.jsonl"
    assert annotate(documents, one, "-m", annotator).exit_code == 0

    result = annotate(documents, two, "-m", annotator, "--processes", 2)

    assert result.exit_code == 0, result.output
    for path in one.parent.iterdir():
        assert (two.parent / path.name).read_bytes() == path.read_bytes()


@Language.component("fails_on_failure")
def fails_on_failure(doc: Doc) -> Doc:
    if "failure" in doc.text:
        raise LookupError("no failure, please")
    return doc


def test_documents_that_fail_are_set_aside_and_the_others_are_as_ever(
    annotator: Path, tmp_path: Path
) -> None:
    nlp = spacy.load(annotator)
    nlp.add_pipe("fails_on_failure", last=True)
    nlp.to_disk(tmp_path / "model")
    documents = write_documents(tmp_path / "documents.jsonl", range(N_DOCUMENTS))
    output, plain = tmp_path / "o.jsonl", tmp_path / "plain.jsonl"
    annotate(documents, plain, "-m", annotator)

    result = annotate(documents, output, "-m", tmp_path / "model")

    failing = {f"d{n}" for n in range(N_DOCUMENTS) if "failure" in text(n)}
    assert 0 < len(failing) < N_DOCUMENTS
    assert f"{len(failing)} set aside" in said(result)
    rows = (tmp_path / "o.jsonl.errors.tsv").read_text("utf-8").splitlines()
    assert {row.split("\t")[0] for row in rows[1:]} == failing
    assert all("B508" in row and "no failure, please" in row for row in rows[1:])
    assert [named_record(r) for r in records(output)] == [
        named_record(r) for r in records(plain) if r["id"] not in failing
    ]


def test_broken_documents_are_set_aside_with_their_reasons(
    annotator: Path, tmp_path: Path
) -> None:
    source = tmp_path / "documents.jsonl"
    source.write_bytes(
        b"\xef\xbb\xbf"
        + b'{"id": "1", "title": "Aspirin", "text": "Aspirin caused headache"}\r\n'
        + b"{broken\r\n"
        + b'{"id": "2", "text": "na\xefve patients"}\n'
        + b'{"id": "1", "text": "another"}\n\n'
        + b'{"id": "3", "text": 5}\n'
        + b'{"id": "4", "text": "' + b"liver " * 20 + b'"}\n'
        + b'{"id": "5", "text": " "}\n'
        + b'{"id": "6", "text": "half \\ud83d"}\n'
        + b'{"text": "in the liver"}'
    )  # fmt: skip
    output = tmp_path / "o.jsonl"

    result = annotate(source, output, "-m", annotator, "--max-length", 100)

    assert result.exit_code == 0, result.output
    assert [(r["id"], r["text"]) for r in records(output)] == [
        ("1", "Aspirin Aspirin caused headache"),
        ("10", "in the liver"),
    ]
    rows = (tmp_path / "o.jsonl.errors.tsv").read_text("utf-8").splitlines()
    assert [(row.split("\t")[0], row.split("\t")[2][:6]) for row in rows[1:]] == [
        ("", "[B206]"), ("2", "[B507]"), ("1", "[B506]"), ("", "[B207]"),
        ("4", "[B505]"), ("5", "[B516]"), ("6", "[B507]"),
    ]  # fmt: skip


def test_inputs_of_all_kinds_are_read(annotator: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.txt").write_bytes(b"\xef\xbb\xbfA title\r\n\r\nThe liver\r\n")
    (folder / "b.jsonl.gz").write_bytes(gzip.compress(b'{"id": "b", "text": "Drug"}'))
    table = pa.table({"id": [7], "title": ["Aspirin"], "text": ["in the liver"]})
    pq.write_table(table, folder / "c.parquet")
    (folder / "d.txt").write_text("9|t|Aspirin\n9|a|The liver\n9\t5\t6\twrong\tDrug\n")
    shutil.copy(SAMPLE / "articles" / "PMC99000001.nxml", folder)
    shutil.copy(SAMPLE / "medline" / "sample26n0002.xml.gz", folder)
    (folder / "broken.xml").write_text("<PubmedArticleSet><PubmedArticle>")
    (folder / "README.md").write_text("no document")
    output = tmp_path / "o.jsonl"

    result = annotate(folder, output, "-m", annotator, "--max-length", 100_000)

    assert result.exit_code == 0, result.output
    found = {record["id"]: record["text"] for record in records(output)}
    assert found["a"] == "A title The liver"
    assert found["b"] == "Drug"
    assert found["7"] == "Aspirin in the liver"
    assert found["9"] == "Aspirin The liver"
    assert "PMC99000001" in found
    assert len(found) > 6
    errors = (tmp_path / "o.jsonl.errors.tsv").read_text("utf-8")
    assert "broken.xml" in errors
    assert "B201" in errors
    for other, kind in (
        ("o.spacy", "spacy"),
        ("o.json", "bioc_json"),
        ("brat", "brat"),
    ):
        first, again = tmp_path / other, tmp_path / f"again.{kind}.jsonl"
        annotate(folder, first, "-m", annotator, "--format", kind)
        made = annotate(first, again, "-m", annotator, "--from", kind)
        assert made.exit_code == 0, made.output
        assert {r["id"]: r["text"] for r in records(again)} == found


def test_what_cannot_be_done_is_said_and_nothing_is_written(
    annotator: Path, documents: Path, tmp_path: Path
) -> None:
    spacy.blank("en").to_disk(tmp_path / "blank")
    (tmp_path / "empty.jsonl").write_text("")
    (tmp_path / "file").write_text("in the way")
    before = sorted(path.name for path in tmp_path.iterdir())
    output = tmp_path / "o.jsonl"
    for code, arguments in (
        ("B503", (documents, output, "-m", "en_no_such_package")),
        ("B503", (documents, output, "-m", tmp_path)),
        ("B504", (documents, output, "-m", tmp_path / "blank")),
        ("B513", (tmp_path / "empty.jsonl", output, "-m", annotator)),
        ("B209", (tmp_path / "missing.jsonl", output, "-m", annotator)),
        ("B509", (documents, tmp_path / "o.doc", "-m", annotator)),
        ("B232", (documents, output, "-m", annotator, "--format", "word")),
        ("B232", (documents, output, "-m", annotator, "--from", "word")),
        ("B212", (documents, documents, "-m", annotator, "--force")),
        ("B008", (documents, tmp_path / "file" / "o.jsonl", "-m", annotator)),
        ("B241", (documents, tmp_path, "-m", annotator, "--format", "brat", "--force")),
    ):
        result = annotate(*arguments)
        assert result.exit_code == 1, arguments
        assert code in said(result), (code, result.output)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_inputs_without_a_document_are_named_and_the_reasons_listed(
    annotator: Path, documents: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("")
    (tmp_path / "b.jsonl").write_text("{no\n")
    pq.write_table(pa.table({"abstract": ["a"]}), tmp_path / "c.parquet")
    errors = tmp_path / "o.jsonl.errors.tsv"
    for names, codes in (
        (["a.txt"], ["B516"]),
        (["b.jsonl", "c.parquet"], ["B206", "B515"]),
    ):
        inputs = [tmp_path / name for name in names]

        result = annotate(*inputs, tmp_path / "o.jsonl", "-m", annotator)

        assert result.exit_code == 1
        joined = "".join(result.output.split())
        for part in ("[B513]", *map(str, inputs), str(errors), codes[0]):
            assert part in joined, part
        rows = errors.read_text("utf-8").splitlines()[1:]
        assert [row.split("\t")[1] for row in rows] == [str(path) for path in inputs]
        assert all(code in row for code, row in zip(codes, rows, strict=True))
        assert not (tmp_path / "o.jsonl").exists()
        assert not (tmp_path / "o.jsonl.parts").exists()
    assert annotate(documents, tmp_path / "o.jsonl", "-m", annotator).exit_code == 0
    assert not errors.exists()


def test_format_is_told_by_the_name_of_the_output(
    annotator: Path, documents: Path, tmp_path: Path
) -> None:
    told, named = tmp_path / "o.pubtator.txt", tmp_path / "o.txt"
    result = annotate(documents, told, "-m", annotator)
    assert result.exit_code == 0, result.output
    assert "Not held: what the inputs have" in said(result)
    annotate(documents, named, "-m", annotator, "--format", "pubtator")
    assert told.read_bytes() == named.read_bytes()
    refused = said(annotate(documents, tmp_path / "o.doc", "-m", annotator))
    for part in (
        ".parquet, .spacy",
        ".pubtator.txt",
        "--format: parquet, spacy",
        "iob1",
    ):
        assert part in refused


@pytest.mark.parametrize(("limit", "left"), [(0, "10 min"), (220, "4 min")])
def test_progress_is_by_the_speed_of_this_try_and_what_is_left_of_all(
    limit: int, left: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    clock = SimpleNamespace(monotonic=iter((100.0, 102.0, 110.0)).__next__)
    monkeypatch.setattr("spacy_biobert.cli.annotate.time", clock)
    report = _make_report(limit, Printer())
    totals = Totals(annotated=5, share=0.25, counts=Counts(documents=100))

    report(totals)
    assert not capsys.readouterr().out
    report(totals)

    assert f"100 documents, 0.5 a second, {left} left" in capsys.readouterr().out
