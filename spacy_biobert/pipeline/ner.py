"""Make the component that recognises entities."""

from collections.abc import Callable
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Config, Model
from thinc.types import Floats2d

from ..models.tags import Scheme
from .ner_pipe import BioBertNer

DEFAULT_MODEL = Config().from_str(
    """
[model]
@architectures = "spacy-biobert.TaggingModel.v1"
nO = null

[model.tok2vec]
@architectures = "spacy-transformers.TransformerListener.v1"
grad_factor = 1.0
pooling = {"@layers":"reduce_mean.v1"}
upstream = "*"
"""
)["model"]


@Language.factory(
    "biobert_ner",
    assigns=["doc.ents", "token.ent_iob", "token.ent_type"],
    default_config={
        "model": DEFAULT_MODEL,
        "scheme": "biluo",
        "overwrite_ents": True,
        "spans_key": None,
        "min_confidence": 0.05,
        "max_candidate_tokens": 16,
        "max_candidates": 100,
        "scorer": {"@scorers": "spacy-biobert.entity_scorer.v1"},
    },
    default_score_weights={
        "ents_f": 1.0,
        "ents_p": 0.0,
        "ents_r": 0.0,
        "ents_per_type": None,
    },
)
def make_ner(
    nlp: Language,
    name: str,
    model: Model[list[Doc], list[Floats2d]],
    scheme: Scheme,
    overwrite_ents: bool,
    spans_key: str | None,
    min_confidence: float,
    max_candidate_tokens: int,
    max_candidates: int,
    scorer: Callable[..., Any] | None,
) -> BioBertNer:
    """Make a component that recognises entities.

    nlp (Language): The pipeline.
    name (str): The component's name in the pipeline.
    model (Model[list[Doc], list[Floats2d]]): Per doc, one row per token, one
        column per tag.
    scheme (str): How entities are written as tags, "bio" or "biluo".
    overwrite_ents (bool): Whether to replace the entities that a doc already has.
        If False they stay, and new ones are found around them.
    spans_key (str | None): Where candidates go, in `doc.spans`: all entities that
        are probable enough, those of `doc.ents` and others, which may overlap. None
        for no candidates.
    min_confidence (float): The least confidence of a candidate, above 0.
    max_candidate_tokens (int): The most tokens of a candidate.
    max_candidates (int): The most candidates of a doc; the most probable are kept.
    scorer (Callable | None): The scoring method.
    RETURNS (BioBertNer): The component.
    """
    return BioBertNer(
        nlp.vocab,
        model,
        name,
        scheme=scheme,
        overwrite_ents=overwrite_ents,
        spans_key=spans_key,
        min_confidence=min_confidence,
        max_candidate_tokens=max_candidate_tokens,
        max_candidates=max_candidates,
        scorer=scorer,
    )
