import subprocess
import sys

import pytest


def loaded_by(statement: str) -> set[str]:
    """The names of the top packages that a fresh Python has after a statement."""
    code = f"{statement}; import sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return set(found.stdout.split())


def test_package_import_loads_nothing_heavy() -> None:
    assert not loaded_by("import spacy_biobert") & {
        "spacy",
        "torch",
        "thinc",
        "transformers",
    }


@pytest.mark.parametrize(
    "module",
    [
        *("pubmed", "jats", "plaintext", "jsonl", "pubtator", "bioc_xml", "bioc_json"),
        *("brat", "iob", "biobert_ner", "ddi", "drugprot", "biobert_re"),
        *("chemprot_jsonl", "categories", "categories_tsv", "losses"),
        *("annotated_jsonl", "parquet", "passages", "targets"),
    ],
)
def test_parsers_load_neither_spacy_nor_torch(module: str) -> None:
    assert not loaded_by(f"import spacy_biobert.converters.{module}") & {
        "spacy",
        "torch",
    }


def test_colours_for_displacy_load_nothing_heavy() -> None:
    loaded = loaded_by("import spacy_biobert.viewing.label_colours")
    assert not loaded & {"spacy", "torch", "thinc", "matplotlib"}


def test_metrics_load_neither_spacy_nor_torch() -> None:
    assert not loaded_by("import spacy_biobert.evaluation.metrics") & {"spacy", "torch"}


@pytest.mark.parametrize(
    "module", ["encoder.hub", "pretraining.train", "pretraining.store"]
)
def test_torch_half_does_not_load_spacy(module: str) -> None:
    assert not loaded_by(f"import spacy_biobert.{module}") & {"spacy", "thinc"}


def test_command_line_does_not_load_transformers() -> None:
    assert "transformers" not in loaded_by("import spacy_biobert.cli.main")
