"""A plugin of pytest that lets the tests of spacy-transformers meet our encoder.

`test_spacy_transformers.py` runs them with it. What their configs and calls have in
another form than ours is translated here, and what cannot apply is skipped, with the
reason.
"""

import os
from typing import Any

import pytest
import spacy
from spacy import registry
from spacy.language import Language
from thinc.api import Model

from spacy_biobert.models.encoder import (
    build_biobert_model_v1,
    build_biobert_tok2vec_v1,
)

ENCODER = os.environ["PEERS_ENCODER"]  # a folder, in place of every name on the hub

_THEIR_OWN = "a function of spacy-transformers that is not used with our architecture"
_DUMMY = "a dummy of theirs in place of any architecture, under their own component"
_LAYERS = "reads what the layers inside of their inline architecture give each other"

CANNOT_APPLY = {
    "test_alignment.py": _THEIR_OWN,
    "test_data_classes.py": _THEIR_OWN,
    "test_deprecations.py": _THEIR_OWN,
    "test_model_sequence_classification.py": _THEIR_OWN,
    "test_spanners.py": _THEIR_OWN,
    "test_truncation.py": _THEIR_OWN,
    "test_pipeline_component.py::test_init": _DUMMY,
    "test_pipeline_component.py::test_listeners": _DUMMY,
    "test_pipeline_component.py::test_predict": _DUMMY,
    "test_pipeline_component.py::test_set_annotations": _DUMMY,
    "test_pipeline_component.py::test_set_extra_annotations": _DUMMY,
    "test_tok2vectransformer.py::test_transformer_pipeline_tagger_internal": _LAYERS,
}


def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Skip what cannot apply; an entry that fits no test is a mistake."""
    unused = set(CANNOT_APPLY)
    for item in items:
        file = item.path.name
        for key in (file, f"{file}::{item.originalname}"):
            if key in CANNOT_APPLY:
                item.add_marker(pytest.mark.skip(reason=CANNOT_APPLY[key]))
                unused.discard(key)
    if unused:
        raise pytest.UsageError(f"not among the tests: {sorted(unused)}")


def pytest_configure() -> None:
    """Let components without an architecture in their config have ours."""
    spacy.blank("en")  # finds the factories of all packages
    model = {"@architectures": "spacy-biobert.BioBertModel.v1", "name": ENCODER}
    for factory in ("biobert_transformer", "transformer"):
        Language.get_factory_meta(factory).default_config["model"] = model


@registry.architectures("peers.InlineEncoder.v1")
def inline_encoder(
    name: str,
    get_spans: Any,
    tokenizer_config: dict[str, Any],
    pooling: Model[Any, Any],
    grad_factor: float = 1.0,
    transformer_config: dict[str, Any] | None = None,
) -> Model[Any, Any]:
    """Take what their inline architecture takes; ours has the encoder as a block."""
    encoder = build_biobert_model_v1(
        name=name,
        get_spans=get_spans,
        tokenizer_config=tokenizer_config,
        transformer_config=transformer_config,
    )
    return build_biobert_tok2vec_v1(
        encoder=encoder, grad_factor=grad_factor, pooling=pooling
    )


def make_model(
    name: str,
    get_spans: Any,
    tokenizer_config: dict[str, Any],
    transformer_config: dict[str, Any],
) -> Model[Any, Any]:
    """Take what their class takes by place; ours is called with names."""
    return build_biobert_model_v1(
        name=name,
        get_spans=get_spans,
        tokenizer_config=tokenizer_config,
        transformer_config=transformer_config,
    )
