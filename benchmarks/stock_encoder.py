"""spacy-transformers' own encoder with given weights, to measure beside ours."""

import copy
from collections.abc import Callable
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import load_model_from_config, registry
from spacy_transformers.align import get_alignment_via_offset_mapping
from spacy_transformers.data_classes import WordpieceBatch
from spacy_transformers.layers.transformer_model import huggingface_tokenize
from spacy_transformers.util import batch_by_length

# What the stock component has for `max_batch_items`.
BATCH_ITEMS = 4096
LISTENER = {
    "@architectures": "spacy-transformers.TransformerListener.v1",
    "grad_factor": 1.0,
    "pooling": {"@layers": "reduce_mean.v1"},
}


def stock_architecture(folder: str, spans: dict[str, Any]) -> dict[str, Any]:
    """Give the block of the stock encoder."""
    return {
        "@architectures": "spacy-transformers.TransformerModel.v3",
        "name": folder,
        "get_spans": spans,
        "tokenizer_config": {"use_fast": True},
    }


def our_architecture(folder: str, precision: str) -> dict[str, Any]:
    """Give the block of our encoder."""
    return {
        "@architectures": "spacy-biobert.BioBertModel.v1",
        "name": folder,
        "precision": precision,
    }


def transformer_alone(architecture: dict[str, Any]) -> Language:
    """Build a pipeline that has an encoder and nothing else."""
    nlp = spacy.blank("en")
    nlp.add_pipe("transformer", config={"model": architecture})
    nlp.initialize()
    return nlp


def stock_joint(trained: Language, folder: str, spans: dict[str, Any]) -> Language:
    """Put the stock encoder under the trained heads for entities and relations.

    The topics, whose head of ours wants [CLS] on top of the tokens, get spaCy's own
    head, untrained: scores are not asked for.

    trained (Language): A joint pipeline with our encoder.
    folder (str): Its encoder as a Hugging Face folder.
    spans (dict): The block of a span getter.
    RETURNS (Language): The pipeline.
    """
    config = copy.deepcopy(trained.config)
    config["components"]["transformer"] = {
        "factory": "transformer",
        "max_batch_items": BATCH_ITEMS,
        "model": stock_architecture(folder, spans),
    }
    config["components"]["textcat"] = {
        "factory": "textcat_multilabel",
        "model": {
            "@architectures": "spacy.TextCatReduce.v1",
            "exclusive_classes": False,
            "use_reduce_first": True,
            "use_reduce_last": False,
            "use_reduce_max": False,
            "use_reduce_mean": True,
            "tok2vec": LISTENER,
        },
    }
    nlp = load_model_from_config(config, auto_fill=True)
    doc = Doc(nlp.vocab, words=["a"])
    doc.cats = dict.fromkeys(_pipe(trained, "textcat").labels, 0.0)
    examples = [Example(Doc(nlp.vocab, words=["a"]), doc)]
    _pipe(nlp, "transformer").initialize(lambda: examples, nlp=nlp)
    _pipe(nlp, "textcat").initialize(lambda: examples, nlp=nlp)
    for name in ("ner", "relation"):
        _pipe(nlp, name).from_bytes(_pipe(trained, name).to_bytes())
    return nlp


def _pipe(nlp: Language, name: str) -> Any:
    return nlp.get_pipe(name)


def stock_pieces(tokenizer: Any, spans: dict[str, Any]) -> Callable[[list[Doc]], None]:
    """Give what the stock encoder does before its network runs, in its batches."""
    get_spans = registry.resolve({"spans": spans})["spans"]

    def make_pieces(docs: list[Doc]) -> None:
        for batch in batch_by_length(docs, BATCH_ITEMS):
            flat = [s for found in get_spans([docs[i] for i in batch]) for s in found]
            encoding = huggingface_tokenize(tokenizer, [span.text for span in flat])
            WordpieceBatch.from_batch_encoding(encoding)
            get_alignment_via_offset_mapping(flat, encoding["offset_mapping"])

    return make_pieces
