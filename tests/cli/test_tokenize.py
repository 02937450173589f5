import hashlib
import json
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from spacy_biobert.cli.tokenize import tokenize_cli
from spacy_biobert.pretraining.cutting import is_held_out
from spacy_biobert.pretraining.store import open_store, tokenizer_checksum
from spacy_biobert.pretraining.vocabulary import save_tokenizer, train_vocabulary

from ..full_disk import no_file_beyond
from .output import said

APP = typer.Typer()
APP.command()(tokenize_cli)
TEXTS = ["Aspirin reduces fever. It helps.", "TNF-α rose in Crohn’s disease."]


def tokenize(*arguments: object) -> Result:
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def tokenizer_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenize") / "tokenizer"
    tokenizer = train_vocabulary(TEXTS * 3, size=120, cased=True)
    save_tokenizer(tokenizer, folder, cased=True)
    return folder


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    path = tmp_path / "documents.jsonl"
    lines = [json.dumps({"id": str(i), "text": text}) for i, text in enumerate(TEXTS)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(("share", "warned"), [(0, False), (0.01, True)])
def test_tokenize_says_if_a_share_holds_no_document_out(
    documents: Path, tokenizer_folder: Path, tmp_path: Path, share: float, warned: bool
) -> None:
    output = tmp_path / "store"
    result = tokenize(documents, tokenizer_folder, output, "--held-out", share)

    assert ("No document is held out" in said(result)) == warned


@pytest.mark.parametrize("file", ["", "tokenizer.json"])
def test_tokenize_writes_a_store_that_opens(
    documents: Path, tokenizer_folder: Path, tmp_path: Path, file: str
) -> None:
    output = tmp_path / "store"
    result = tokenize(documents, tokenizer_folder / file, output, "--held-out", 0)

    assert result.exit_code == 0, result.output
    assert "2 documents (0 held out) as 2 texts (0 held out), 3 sent" in said(result)
    store = open_store(output)
    store.verify()
    found = store.documents("train")
    tokenizer = train_vocabulary(TEXTS * 3, size=120, cased=True)
    assert (
        tokenizer.decode(found.pieces(0).tolist()) == "Aspirin reduces fever. It helps."
    )
    assert len(found.bounds(0)) == 3
    store.check_tokenizer(tokenizer_checksum(tokenizer))
    sha256 = hashlib.sha256(documents.read_bytes()).hexdigest()
    assert store.manifest["sources"] == [{"path": str(documents), "sha256": sha256}]


def test_tokenize_names_a_missing_file(tokenizer_folder: Path, tmp_path: Path) -> None:
    result = tokenize(tmp_path / "none.jsonl", tokenizer_folder, tmp_path / "store")

    assert result.exit_code == 1
    assert "[B214]" in said(result)
    assert "none.jsonl" in said(result)
    assert not list(tmp_path.iterdir())


def test_tokenize_names_a_broken_line_and_leaves_nothing(
    documents: Path, tokenizer_folder: Path, tmp_path: Path
) -> None:
    with documents.open("a") as file:
        file.write("\n{broken")
    result = tokenize(documents, tokenizer_folder, tmp_path / "store")

    assert result.exit_code == 1
    assert "[B206]" in said(result)
    assert "documents.jsonl, line 3" in said(result)
    assert list(tmp_path.iterdir()) == [documents]


def test_tokenize_names_a_missing_tokenizer(documents: Path, tmp_path: Path) -> None:
    result = tokenize(
        documents, tmp_path / "no" / "such" / "folder", tmp_path / "store"
    )

    assert result.exit_code == 1
    assert "[B300]" in said(result)


def test_tokenize_takes_a_name_on_the_hub(
    documents: Path,
    tokenizer_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def fetch(name: str, **_: object) -> str:
        asked.append(name)
        return str(tokenizer_folder)

    monkeypatch.setattr("spacy_biobert.encoder.folder.snapshot_download", fetch)
    result = tokenize(documents, "somebody/some-bert", tmp_path / "store")

    assert result.exit_code == 0, result.output
    assert asked == ["somebody/some-bert"]


@pytest.mark.parametrize("text", ["hello", '"model"', '{"model": "bert"}', "[1]"])
def test_tokenize_names_a_file_that_is_no_tokenizer(
    documents: Path, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "some.json"
    path.write_text(text)
    result = tokenize(documents, path, tmp_path / "store")

    assert result.exit_code == 1
    assert "[B117]" in said(result)
    assert "some.json" in said(result)


def test_tokenize_refuses_to_replace_a_folder_of_other_files(
    documents: Path, tokenizer_folder: Path, tmp_path: Path
) -> None:
    result = tokenize(documents, tokenizer_folder, tmp_path)

    assert result.exit_code == 1
    assert "[B121]" in said(result)
    assert documents.exists()


def test_tokenize_replaces_a_store_only_by_force(
    documents: Path, tokenizer_folder: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    tokenize(documents, tokenizer_folder, store, "--held-out", 0)
    before = {path: path.read_bytes() for path in store.iterdir()}
    new = tmp_path / "new.jsonl"
    new.write_text('{"id": "9", "text": "It helps."}', encoding="utf-8")
    refused = tokenize(new, tokenizer_folder, store)
    assert refused.exit_code == 1
    assert f"[B127] {store}: a store is here already" in said(refused)
    both = tokenize(new, tokenizer_folder, store, "--append", "--force")
    assert both.exit_code == 1
    assert "[B128]" in said(both)
    assert {path: path.read_bytes() for path in store.iterdir()} == before
    replaced = tokenize(new, tokenizer_folder, store, "--force")
    assert replaced.exit_code == 0, replaced.output
    assert open_store(store).n_documents("train") == 1


def test_tokenize_counts_an_article_as_one_document_of_many_texts(
    documents: Path, tokenizer_folder: Path, tmp_path: Path
) -> None:
    sections = [{"label": "", "text": "Aspirin reduces fever. " * 200}] * 3
    with documents.open("a") as file:
        file.write("\n" + json.dumps({"id": "PMC1", "sections": sections}))
    result = tokenize(documents, tokenizer_folder, tmp_path / "store", "--held-out", 0)
    assert "3 documents (0 held out) as 5 texts (0 held out)" in said(result)
    half = tokenize(documents, tokenizer_folder, tmp_path / "half", "--held-out", 0.5)
    kept = [is_held_out(name, 0.5) for name in ("0", "1", "PMC1")]
    n_texts = kept[0] + kept[1] + 3 * kept[2]
    assert kept[2]
    assert (
        f"3 documents ({sum(kept)} held out) as 5 texts ({n_texts} held out)"
        in said(half)
    )


def test_tokenize_names_the_tokenizer_that_a_store_needs(
    documents: Path, tokenizer_folder: Path, tmp_path: Path
) -> None:
    store, other = tmp_path / "store", tmp_path / "other"
    tokenize(documents, tokenizer_folder, store, "--held-out", 0)
    save_tokenizer(train_vocabulary(TEXTS, size=70, cased=True), other, cased=True)
    refused = tokenize(documents, other, store, "--held-out", 0, "--append")
    assert refused.exit_code == 1
    size = len((tokenizer_folder / "vocab.txt").read_text().splitlines())
    assert f"{tokenizer_folder} with {size} pieces, SHA-256" in said(refused)

    # As stores were before they had the name.
    path = store / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["tokenizer"], manifest["tokenizer_pieces"]
    path.write_text(json.dumps(manifest))
    refused = tokenize(documents, other, store, "--held-out", 0, "--append")
    sha256 = manifest["tokenizer_sha256"][:12]
    assert f"this store was made with, SHA-256 {sha256}, found" in said(refused)


def test_tokenize_appends_what_is_new(
    documents: Path, tokenizer_folder: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    tokenize(documents, tokenizer_folder, store, "--held-out", 0)
    again = tokenize(documents, tokenizer_folder, store, "--held-out", 0, "--append")
    assert again.exit_code == 1
    assert "[B123]" in said(again)

    new = tmp_path / "new.jsonl"
    new.write_text('{"id": "9", "text": "It helps."}', encoding="utf-8")
    other = tokenize(new, tokenizer_folder, store, "--append")
    assert other.exit_code == 1
    assert "[B122]" in said(other)
    assert "--held-out 0" in said(other)

    result = tokenize(
        *(new, tokenizer_folder, store, "--held-out", 0, "--append", "--workers", 2)
    )
    assert result.exit_code == 0, result.output
    assert "1 documents (0 held out) as 1 texts (0 held out), 1 sent" in said(result)
    assert "added to" in said(result)
    found = open_store(store)
    found.verify()
    assert len(found.documents("train")) == 3
    assert [Path(source["path"]) for source in found.manifest["sources"]] == [
        documents,
        new,
    ]


@pytest.mark.parametrize("options", [["--force"], ["--append"]])
def test_tokenize_on_a_full_disk_says_so_and_leaves_the_store_as_it_was(
    documents: Path, tokenizer_folder: Path, tmp_path: Path, options: list[str]
) -> None:
    store = tmp_path / "store"
    tokenize(documents, tokenizer_folder, store, "--held-out", 0)
    before = {path: path.read_bytes() for path in store.iterdir()}
    new = tmp_path / "new.jsonl"
    new.write_text(json.dumps({"id": "9", "text": f"{TEXTS[0]} " * 9}))
    with no_file_beyond(400):
        result = tokenize(new, tokenizer_folder, store, "--held-out", 0, *options)

    assert result.exit_code == 1
    assert "[B126]" in said(result)
    assert "shard-0000" in said(result)
    assert "too large" in said(result)
    assert "Make room" in said(result)
    assert {path: path.read_bytes() for path in store.iterdir()} == before
    assert sorted(tmp_path.iterdir()) == [documents, new, store]
    open_store(store).verify()
    again = tokenize(new, tokenizer_folder, store, "--held-out", 0, *options)
    assert again.exit_code == 0, again.output
