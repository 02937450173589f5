import gzip
import json
import shutil
from pathlib import Path

import pytest
import torch
import typer
from click.testing import Result
from typer.testing import CliRunner

from spacy_biobert.cli.extend import extend_cli
from spacy_biobert.encoder.hub import open_pretraining_model, open_tokenizer
from spacy_biobert.pretraining.cutting import is_held_out

from .output import said

APP = typer.Typer()
APP.command()(extend_cli)
WORDS = "hepatocytes carcinoma adenocarcinoma cardiomegaly staphylococci".split()


def extend(*arguments: object) -> Result:
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    """Documents of which a tenth is held back, with a word of their own."""
    path = tmp_path / "documents.jsonl.gz"
    lines = []
    for number in range(200):
        word = (
            "oligodendrocytes" if is_held_out(str(number), 0.1) else WORDS[number % 5]
        )
        text = f"The {word} and {WORDS[number % 3]}."
        lines.append(json.dumps({"id": str(number), "text": text}))
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    return path


def test_extend_writes_an_encoder_and_reports_on_documents_held_back(
    documents: Path, tiny_encoder: Path, tmp_path: Path
) -> None:
    output = tmp_path / "new" / "extended"
    result = extend(documents, tiny_encoder, output, "--size", 262, "--held-out", 0.1)

    assert result.exit_code == 0, result.output
    assert f"262 pieces in {output}, 4 of them new, with the weights" in said(result)
    n_held_back = sum(is_held_out(str(number), 0.1) for number in range(200))
    before, after = (
        float(said(result).split(f"{name}: ")[1].split()[0])
        for name in ("Before", "After")
    )
    assert before > after > 1
    assert said(result).count(f"(on {n_held_back} documents held back)") == 2
    vocabulary = open_tokenizer(output).get_vocab()
    assert {"hepatocytes", "carcinoma"} <= vocabulary.keys()
    assert len(open_pretraining_model(output).model.cls.predictions.bias) == 262


def test_extend_learns_nothing_from_documents_held_back(
    documents: Path, tiny_encoder: Path, tmp_path: Path
) -> None:
    vocabularies = []
    for share in (0.1, 0.0):
        output = tmp_path / str(share)
        result = extend(
            documents, tiny_encoder, output, "--size", 300, "--held-out", share,
            "--min-frequency", 5,
        )  # fmt: skip
        assert result.exit_code == 0, result.output
        vocabularies.append(open_tokenizer(output).get_vocab())
    assert [("oligodendrocytes" in vocabulary) for vocabulary in vocabularies] == [
        False,
        True,
    ]
    assert "documents that it was made from" in said(result)
    assert "pieces less than --size asked for" in said(result)


def test_extend_takes_a_tokenizer_alone(
    documents: Path, tiny_encoder: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(tiny_encoder / "vocab.txt", alone)
    result = extend(documents, alone, tmp_path / "extended", "--size", 262)

    assert result.exit_code == 0, result.output
    assert "a tokenizer without weights" in said(result)
    assert len(open_tokenizer(tmp_path / "extended")) == 262
    assert not (tmp_path / "extended" / "config.json").exists()


def test_extend_names_the_heads_that_are_random(
    documents: Path, tiny_encoder: Path, tmp_path: Path
) -> None:
    old = shutil.copytree(tiny_encoder, tmp_path / "old")
    weights = open_pretraining_model(old).model.state_dict()
    body = {name: w for name, w in weights.items() if name.startswith("bert.")}
    (old / "model.safetensors").unlink()
    torch.save(body, old / "pytorch_model.bin")
    outputs = [tmp_path / "first", tmp_path / "again"]
    for seed, output in enumerate(outputs):
        with torch.random.fork_rng(devices=[]):
            # What ran before must not decide the weights.
            torch.manual_seed(seed)
            result = extend(documents, old, output, "--size", 262)
        assert "The encoder had no MLM head and NSP head; it is random" in said(result)
    first, again = (open_pretraining_model(o).model.state_dict() for o in outputs)
    assert all(torch.equal(first[name], again[name]) for name in first)


def without(encoder: Path, folder: Path, *names: str) -> Path:
    shutil.copytree(encoder, folder)
    for name in names:
        (folder / name).unlink()
    return folder


@pytest.mark.parametrize(
    ("missing", "code"),
    [
        (["model.safetensors"], "B304"),
        (["tokenizer.json", "vocab.txt"], "B303"),
        (["config.json"], "B302"),
    ],
)
def test_extend_refuses_part_of_an_encoder(
    documents: Path, tiny_encoder: Path, tmp_path: Path, missing: list[str], code: str
) -> None:
    part = without(tiny_encoder, tmp_path / "part", *missing)
    result = extend(documents, part, tmp_path / "extended", "--size", 262)

    assert result.exit_code == 1
    assert f"[{code}]" in said(result)
    assert not (tmp_path / "extended").exists()


def test_extend_refuses_a_size_below_the_published_one(
    documents: Path, tiny_encoder: Path, tmp_path: Path
) -> None:
    result = extend(documents, tiny_encoder, tmp_path / "extended", "--size", 200)

    assert result.exit_code == 1
    assert "[B104]" in said(result)
    assert "at least 259" in said(result)
    assert not (tmp_path / "extended").exists()


def test_extend_refuses_to_replace_the_published_encoder(
    documents: Path, tiny_encoder: Path
) -> None:
    before = (tiny_encoder / "vocab.txt").read_bytes()
    result = extend(documents, tiny_encoder, tiny_encoder, "--size", 262)

    assert result.exit_code == 1
    assert "[B005]" in said(result)
    assert (tiny_encoder / "vocab.txt").read_bytes() == before


def test_extend_refuses_to_replace_other_files(
    documents: Path, tiny_encoder: Path, tmp_path: Path
) -> None:
    for output in (tmp_path, documents):
        result = extend(documents, tiny_encoder, output, "--size", 262)
        assert result.exit_code == 1
        assert "[B006]" in said(result)
        assert "documents.jsonl.gz" in said(result)
    assert documents.exists()


def test_extend_names_a_missing_file(tiny_encoder: Path, tmp_path: Path) -> None:
    result = extend(
        tmp_path / "none.jsonl", tiny_encoder, tmp_path / "extended", "--size", 262
    )

    assert result.exit_code == 1
    assert "[B214]" in said(result)
    assert not list(tmp_path.iterdir())
