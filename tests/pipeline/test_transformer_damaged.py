"""A pipeline whose encoder is damaged, or is none of ours."""

import shutil
from pathlib import Path

import pytest
import spacy
import torch
from safetensors.torch import load_file, save_file

from ..joint import make_joint


@pytest.fixture(scope="module")
def saved(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pipeline") / "model"
    make_joint(tiny_encoder).to_disk(path)
    return path


@pytest.fixture
def own(saved: Path, tmp_path: Path) -> Path:
    """A copy of the saved pipeline, to be damaged."""
    return Path(shutil.copytree(saved, tmp_path / "model"))


def remove(name: str):
    return lambda folder: (folder / name).unlink()


def cut(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def replace_text(old: str, new: str):
    def change(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(path.read_text().replace(old, new))

    return change


def swap_weights(folder: Path) -> None:
    save_file({"other": torch.zeros(1)}, folder / "model.safetensors", {"format": "pt"})


def pickled(folder: Path) -> None:
    weights = folder / "model.safetensors"
    torch.save(load_file(weights), folder / "pytorch_model.bin")
    weights.unlink()


def to_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_bytes(b"msgpack")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (shutil.rmtree, "B353.*transformer/model.*found nothing"),
        (to_file, "B353.*found a file.*factory 'transformer'"),
        (remove("model.safetensors"), "B304.*model.safetensors, found none"),
        (pickled, "B304.*model.safetensors, found none"),
        (remove("config.json"), "B302"),
        (lambda folder: [(folder / f).unlink() for f in ("vocab.txt", "tokenizer.json")],
         "B303"),
        (cut, "B354.*model.safetensors.*cut"),
        (replace_text('"bert"', '"roberta"'), "B306.*found model_type 'roberta'"),
        (replace_text('"intermediate_size": 32', '"intermediate_size": 8'),
         r"B308.* 6 are missing or of another shape "
         r"\(encoder.layer.0.intermediate.dense.bias is not \(8,\);.*"
         r"encoder.layer.1.output.dense.weight is not \(16, 8\)\)"),
        (swap_weights, r"B308.* 37 are missing .*word_embeddings.weight is missing.*27 more"),
    ],
)  # fmt: skip
def test_damaged_folder_is_refused(own: Path, damage, message: str) -> None:
    damage(own / "transformer" / "model")

    with pytest.raises((ValueError, OSError), match=message):
        spacy.load(own)


def test_batch_of_no_token_is_refused(tiny_encoder: Path) -> None:
    model = {
        "@architectures": "spacy-biobert.BioBertModel.v1",
        "name": str(tiny_encoder),
    }
    config = {"model": model, "max_batch_items": 0}
    with pytest.raises(ValueError, match="B467.*'encoder'.*found 0"):
        spacy.blank("en").add_pipe("biobert_transformer", name="encoder", config=config)


def test_another_architecture_is_refused() -> None:
    with pytest.raises(ValueError, match="B460.*components.encoder.model"):
        spacy.blank("en").add_pipe(
            "biobert_transformer",
            name="encoder",
            config={
                "model": {
                    "@architectures": "spacy-transformers.TransformerModel.v3",
                    "name": "none",
                    "get_spans": {"@span_getters": "spacy-transformers.doc_spans.v1"},
                }
            },
        )
