"""Make the component that finds relations between entities."""

from collections.abc import Callable
from typing import Any, Literal

from spacy.language import Language
from thinc.api import Config

from ..models.pair_vectors import PairRowsT
from .relation_pipe import BioBertRelation

DEFAULT_MODEL = Config().from_str(
    """
[model]
@architectures = "spacy-biobert.RelationModel.v1"
nO = null
hidden_width = 256
depth = 1
pooling = {"@layers":"reduce_mean.v1"}

[model.get_pairs]
@misc = "spacy-biobert.entity_pairs.v1"
max_distance = null
types = null
directed = true
max_sentences = null

[model.tok2vec]
@architectures = "spacy-transformers.TransformerListener.v1"
grad_factor = 1.0
pooling = {"@layers":"reduce_mean.v1"}
upstream = "*"
"""
)["model"]


@Language.factory(
    "biobert_relation",
    requires=["doc.ents"],
    assigns=["doc._.relations"],
    default_config={
        "model": DEFAULT_MODEL,
        "threshold": 0.5,
        "exclusive": False,
        "positive_weight": 1.0,
        "negative_rate": 1.0,
        "pool_concepts": None,
        "seed": 0,
        "scorer": {"@scorers": "spacy-biobert.relation_scorer.v1"},
    },
    default_score_weights={
        "rel_micro_f": 1.0,
        "rel_micro_p": 0.0,
        "rel_micro_r": 0.0,
        "rel_macro_f": 0.0,
        "rel_per_type": None,
    },
)
def make_relation(
    nlp: Language,
    name: str,
    model: PairRowsT,
    threshold: float,
    exclusive: bool,
    positive_weight: float | dict[str, float] | Literal["balanced"],
    negative_rate: float,
    pool_concepts: Literal["logsumexp", "max"] | None,
    seed: int,
    scorer: Callable[..., Any] | None,
) -> BioBertRelation:
    """Make a component that finds relations between the entities of a doc.

    nlp (Language): The pipeline.
    name (str): The component's name in the pipeline.
    model (Model[list[Doc], PairRows]): One row per pair, one column per label,
        after one for "none" if exclusive. Its attribute "get_pairs" proposes the
        pairs, but for `PairedDocs`; whether their order matters says
        `get_pairs.directed` (True if it has none).
    threshold (float): The probability from which a pair has a label, 0 to 1. A label
        that was tuned (see `tune`) has one of its own.
    exclusive (bool): Whether a pair has one label or none (softmax), and not any
        number of them (sigmoid).
    positive_weight (float | dict | Literal): How often a label that applies counts
        in the loss, compared with one that does not: a number, a number by label (1
        for the others), or "balanced" for what makes both count the same in all.
    negative_rate (float): Share of the pairs without a label that a step learns
        from, above 0, at most 1. They count for the others, so that the loss is the
        same on average; the model does not read the others.
    pool_concepts (Literal | None): None if each pair of mentions has its labels.
        "logsumexp" or "max" if a pair of concepts has them, by the pooled scores of
        all its mentions in the doc.
    seed (int): For the draw of the pairs without a label.
    scorer (Callable | None): The scoring method.
    RETURNS (BioBertRelation): The component.
    RAISES (ValueError): If threshold, positive_weight or negative_rate is out of
        range.
    """
    return BioBertRelation(
        nlp.vocab,
        model,
        name,
        threshold=threshold,
        exclusive=exclusive,
        positive_weight=positive_weight,
        negative_rate=negative_rate,
        pool_concepts=pool_concepts,
        seed=seed,
        scorer=scorer,
    )
