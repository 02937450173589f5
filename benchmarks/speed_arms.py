"""The pipelines whose speeds are compared, and the encoders in them."""

import copy
from pathlib import Path
from typing import Any, cast

import spacy
import torch
from spacy.language import Language

from spacy_biobert.encoder.hub import BertConfig, BertModel
from spacy_biobert.encoder.precision import fast_in_bfloat16

from .stock_encoder import (
    our_architecture,
    stock_architecture,
    stock_joint,
    transformer_alone,
)

Arms = dict[str, Language]
# Of a BERT-Base.
N_POSITIONS = 512
# The stock encoder as it comes, and as it is nearest to ours.
SPANS: dict[str, dict[str, Any]] = {
    "stock, strided spans": {
        "@span_getters": "spacy-transformers.strided_spans.v1",
        "window": 128,
        "stride": 96,
    },
    "stock, whole documents": {"@span_getters": "spacy-transformers.doc_spans.v1"},
}
WHOLE = "stock, whole documents"


def precisions() -> dict[str, str]:
    """Name the arms of ours that this machine has, with their precision."""
    found = {"ours, float32": "fp32"}
    if fast_in_bfloat16(torch.device("cpu")):
        found["ours, bfloat16"] = "bf16"
    return found


def encoders_alone(folder: str) -> Arms:
    """Make pipelines of nothing but an encoder.

    folder (str): Hugging Face folder.
    RETURNS (dict[str, Language]): By name; ours first.
    """
    ours = {
        name: transformer_alone(our_architecture(folder, precision))
        for name, precision in precisions().items()
    }
    stock = {
        name: transformer_alone(stock_architecture(folder, spans))
        for name, spans in SPANS.items()
    }
    return ours | stock


def joint_pipelines(trained: Path, folder: str) -> Arms:
    """Make joint pipelines with the same heads.

    trained (Path): A joint pipeline with our encoder.
    folder (str): Its encoder as a Hugging Face folder.
    RETURNS (dict[str, Language]): By name; ours first.
    """
    where = "components.transformer.model"
    ours = {
        name: spacy.load(
            trained,
            config={f"{where}.precision": precision, f"{where}.max_batch_pieces": None},
        )
        for name, precision in precisions().items()
    }
    nlp = next(iter(ours.values()))
    return ours | {
        name: stock_joint(nlp, folder, spans) for name, spans in SPANS.items()
    }


def save_with_positions(folder: str, network: Any, tokenizer: Any) -> None:
    """Write an encoder, its positions repeated up to those of a BERT-Base.

    The stock encoder cuts what is longer, and would be measured on less text than ours.
    """
    weights = dict(network.state_dict())
    key = "embeddings.position_embeddings.weight"
    n_times = -(-N_POSITIONS // len(weights[key]))
    weights[key] = weights[key].repeat(n_times, 1)[:N_POSITIONS]
    config = BertConfig.from_dict(
        network.config.to_dict() | {"max_position_embeddings": N_POSITIONS}
    )
    longer = _new_bert(config)
    longer.load_state_dict(weights, strict=False)  # but for the pooler, which is random
    longer.save_pretrained(folder)
    _save_tokenizer(folder, tokenizer)


def save_base(folder: str, tokenizer: Any) -> None:
    """Write a BERT-Base with random weights and the vocabulary of a tokenizer."""
    torch.manual_seed(0)
    config = BertConfig.from_dict({"vocab_size": len(tokenizer)})
    _new_bert(config).save_pretrained(folder)
    _save_tokenizer(folder, tokenizer)


def _new_bert(config: Any) -> Any:
    return cast(Any, BertModel)(config)


def _save_tokenizer(folder: str, tokenizer: Any) -> None:
    own = copy.deepcopy(tokenizer)
    own.model_max_length = N_POSITIONS
    own.save_pretrained(folder)
