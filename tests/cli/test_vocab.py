import gzip
import json
from pathlib import Path

import pytest
import typer
from click.testing import Result
from transformers import AutoTokenizer
from typer.testing import CliRunner

from spacy_biobert.cli.vocab import vocab_cli
from spacy_biobert.pretraining.cutting import is_held_out

from .output import said

APP = typer.Typer()
APP.command()(vocab_cli)
TEXTS = ["Aspirin reduces fever in patients.", "TNF-α rose in Crohn’s disease."]


def vocab(*arguments: object) -> Result:
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    path = tmp_path / "documents.jsonl.gz"
    lines = [
        json.dumps({"id": str(i), "text": text}) for i, text in enumerate(TEXTS * 3)
    ]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    return path


@pytest.mark.parametrize("casing", ["--cased", "--uncased"])
def test_vocab_writes_a_tokenizer_that_others_open(
    documents: Path, tmp_path: Path, casing: str
) -> None:
    output = tmp_path / "new" / "tokenizer"
    result = vocab(documents, output, "--size", 120, casing)

    assert result.exit_code == 0, result.output
    tokenizer = AutoTokenizer.from_pretrained(output)
    assert f"{len(tokenizer)} pieces in {output}" in said(result)
    expected = TEXTS[0] if casing == "--cased" else TEXTS[0].lower()
    ids = tokenizer(TEXTS[0])["input_ids"]
    assert tokenizer.decode(ids, skip_special_tokens=True) == expected
    assert sorted(file.name for file in output.iterdir()) == [
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.txt",
    ]


def test_vocab_stops_at_the_limit(documents: Path, tmp_path: Path) -> None:
    result = vocab(documents, tmp_path / "tokenizer", "--size", 200, "--limit", 1)

    assert result.exit_code == 0, result.output
    assert "α" not in AutoTokenizer.from_pretrained(tmp_path / "tokenizer").get_vocab()


def test_vocab_is_measured_on_documents_held_back(tmp_path: Path) -> None:
    path = tmp_path / "documents.jsonl"
    back = [is_held_out(str(number), 0.2) for number in range(50)]
    lines = [
        json.dumps({"id": str(number), "text": "ж ab" if held else "ab ab"})
        for number, held in enumerate(back)
    ]
    path.write_text("\n".join(lines))
    result = vocab(path, tmp_path / "tokenizer", "--size", 50, "--held-out", 0.2)

    assert result.exit_code == 0, result.output
    assert "1.00 pieces a word, 50.00% unknown" in said(result)
    assert f"(on {sum(back)} documents held back)" in said(result)
    assert "ж" not in AutoTokenizer.from_pretrained(tmp_path / "tokenizer").get_vocab()
    assert "gave 40 pieces less than --size asked for" in said(result)


def test_vocab_of_few_documents_says_what_it_is_measured_on(
    documents: Path, tmp_path: Path
) -> None:
    result = vocab(documents, tmp_path / "tokenizer", "--size", 80)

    assert "(on 6 documents that it was made from)" in said(result)


def test_vocab_names_a_missing_file(tmp_path: Path) -> None:
    result = vocab(tmp_path / "none.jsonl", tmp_path / "tokenizer")

    assert result.exit_code == 1
    assert "[B214]" in said(result)
    assert "none.jsonl" in said(result)
    assert not list(tmp_path.iterdir())


def test_vocab_names_a_broken_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text('{"text": "Fever."}\n{"text": \n')
    result = vocab(path, tmp_path / "tokenizer")

    assert result.exit_code == 1
    assert "[B206]" in said(result)
    assert "broken.jsonl, line 2" in said(result)
    assert list(tmp_path.iterdir()) == [path]


def test_vocab_refuses_a_size_without_room(documents: Path, tmp_path: Path) -> None:
    result = vocab(documents, tmp_path / "tokenizer", "--size", 10)

    assert result.exit_code == 1
    assert "[B100]" in said(result)


def test_vocab_replaces_a_tokenizer_only_by_force(
    documents: Path, tmp_path: Path
) -> None:
    output = tmp_path / "tokenizer"
    vocab(documents, output, "--size", 120)
    before = {path: path.read_bytes() for path in output.iterdir()}
    refused = vocab(documents, output, "--size", 60)
    assert refused.exit_code == 1
    assert f"[B236] {output} exists already" in said(refused)
    assert {path: path.read_bytes() for path in output.iterdir()} == before
    assert vocab(documents, output, "--size", 60, "--force").exit_code == 0
    assert (output / "vocab.txt").read_bytes() != before[output / "vocab.txt"]


def test_vocab_of_what_extract_has_not_made_says_so(tmp_path: Path) -> None:
    path = tmp_path / "pubmed26n0001.xml.gz"
    path.write_bytes(gzip.compress(b'<?xml version="1.0"?>\n<PubmedArticleSet/>\n'))
    result = vocab(path, tmp_path / "tokenizer")
    assert result.exit_code == 1
    assert "[B219]" in said(result)
    assert "Make it with `spacy-biobert extract` first" in said(result)
    assert "--format" not in said(result)
    assert list(tmp_path.iterdir()) == [path]


def test_vocab_refuses_to_replace_a_folder_of_other_files(
    documents: Path, tmp_path: Path
) -> None:
    result = vocab(documents, tmp_path, "--size", 120)

    assert result.exit_code == 1
    assert "[B102]" in said(result)
    assert documents.exists()
