from pathlib import Path

import pytest
from spacy.util import load_config, load_model_from_config
from thinc.api import Config

from spacy_biobert.cli.convert import TOKENIZER

CONFIGS = Path(__file__).parent.parent / "configs"
PIPELINES = ["ner", "relation", "relation_blinded", "textcat", "en_biobert"]


@pytest.mark.parametrize("name", PIPELINES)
def test_config_has_every_value_written_out(name: str) -> None:
    config = load_config(CONFIGS / f"{name}.cfg", interpolate=False)

    nlp = load_model_from_config(config.copy(), auto_fill=True, validate=False)

    filled = Config().from_str(nlp.config.to_str(), interpolate=False)
    # spaCy adds paths of its own, which nothing here reads.
    del filled["paths"], config["paths"]
    assert dict(filled) == dict(config)


@pytest.mark.parametrize("name", PIPELINES)
def test_config_cuts_text_into_the_tokens_of_converted_corpora(name: str) -> None:
    config = load_config(CONFIGS / f"{name}.cfg")

    assert config["nlp"]["tokenizer"] == {"@tokenizers": TOKENIZER}


@pytest.mark.parametrize("name", PIPELINES)
def test_config_is_valid(name: str) -> None:
    config = load_config(CONFIGS / f"{name}.cfg")

    nlp = load_model_from_config(config, auto_fill=False, validate=True)

    assert nlp.pipe_names == config["nlp"]["pipeline"]


@pytest.mark.parametrize("name", PIPELINES)
def test_config_has_no_comment_behind_a_value(name: str) -> None:
    lines = (CONFIGS / f"{name}.cfg").read_text().splitlines()

    assert not [
        line for line in lines if "=" in line and " #" in line and line[0] != "#"
    ]
