import subprocess
import sys
from importlib.metadata import entry_points

import pytest
import spacy
from spacy.cli.package import get_third_party_dependencies
from spacy.util import registry

from spacy_biobert.converters.formats import DETAILS, KINDS, Format
from spacy_biobert.viewing.label_colours import LABEL_COLOURS

FORMATS = entry_points(group="spacy_biobert_formats")
OURS = [
    point
    for group in (
        "spacy_factories",
        "spacy_tokenizers",
        "spacy_architectures",
        "spacy_misc",
        "spacy_readers",
        "spacy_scorers",
        "spacy_cli",
    )
    for point in entry_points(group=group)
    if point.value.startswith("spacy_biobert")
]


@pytest.mark.parametrize("point", OURS, ids=lambda point: point.name)
def test_entry_point_loads(point) -> None:
    assert callable(point.load())


@pytest.mark.parametrize("point", FORMATS, ids=lambda point: point.name)
def test_format_loads_and_can_be_written_but_for_parquet(point) -> None:
    loaded = point.load()
    assert isinstance(loaded, Format)
    assert (loaded.write is None) is (point.name == "parquet")
    assert loaded.holds <= {*KINDS, *DETAILS}


def test_colours_are_found_by_displacy() -> None:
    found = registry.displacy_colors.get_all()
    assert found["biobert"]["CHEMICAL"] == LABEL_COLOURS["CHEMICAL"]


def test_entry_points_are_found_by_spacy() -> None:
    assert "biobert_ner" in registry.factories.get_all()
    assert registry.architectures.get("spacy-biobert.BioBertModel.v1") is not None
    assert len(OURS) >= 15


def test_spacy_finds_our_requirement_for_a_package() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("biobert_ner", name="ner")

    found = get_third_party_dependencies(nlp.config)

    assert any(name.startswith("spacy-biobert") for name in found)


def test_spacy_finds_our_requirement_for_the_tokenizer_alone() -> None:
    tokenizer = {"@tokenizers": "spacy-biobert.Tokenizer.v1"}
    nlp = spacy.blank("en", config={"nlp": {"tokenizer": tokenizer}})

    found = get_third_party_dependencies(nlp.config)

    assert any(name.startswith("spacy-biobert") for name in found)


def test_blank_pipeline_does_not_load_transformers_for_us() -> None:
    code = (
        "import sys; import spacy_biobert.pipeline.ner, spacy_biobert.pipeline.relation,"
        " spacy_biobert.pipeline.textcat; print('spacy_transformers' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "False"
