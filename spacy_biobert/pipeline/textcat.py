"""Make the components that categorise documents."""

from collections.abc import Callable
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Config, Model
from thinc.types import Floats2d

from .textcat_pipe import BioBertTextCat, ClassWeightsT

DEFAULT_MODEL = Config().from_str(
    """
[model]
@architectures = "spacy-biobert.TextCatModel.v1"
nO = null
hidden_width = null
pooling = ["cls","mean"]

[model.tok2vec]
@architectures = "spacy-biobert.BioBertListener.v1"
grad_factor = 1.0
upstream = "*"
"""
)["model"]

SCORE_WEIGHTS = {
    "cats_score": 1.0,
    "cats_score_desc": None,
    "cats_micro_p": None,
    "cats_micro_r": None,
    "cats_micro_f": None,
    "cats_macro_p": None,
    "cats_macro_r": None,
    "cats_macro_f": None,
    "cats_macro_auc": None,
    "cats_f_per_type": None,
    "cats_auc_per_type": None,
}


@Language.factory(
    "biobert_textcat",
    assigns=["doc.cats"],
    default_config={
        "model": DEFAULT_MODEL,
        "class_weights": None,
        "scorer": {"@scorers": "spacy.textcat_scorer.v2"},
    },
    default_score_weights=SCORE_WEIGHTS,
)
def make_textcat(
    nlp: Language,
    name: str,
    model: Model[list[Doc], Floats2d],
    class_weights: ClassWeightsT,
    scorer: Callable[..., Any] | None,
) -> BioBertTextCat:
    """Make a component that gives each doc one of several categories.

    nlp (Language): The pipeline.
    name (str): The component's name in the pipeline.
    model (Model[list[Doc], Floats2d]): One row per doc, one column per category.
    class_weights (str | list[list[Any]] | None): How much the docs of a
        category count in the loss: pairs of category and weight, 1 for the others;
        "balanced" for weights that let all categories count the same; None for 1.
    scorer (Callable | None): The scoring method.
    RETURNS (BioBertTextCat): The component.
    RAISES (ValueError): If class_weights is something else.
    """
    return BioBertTextCat(
        nlp.vocab,
        model,
        name,
        exclusive=True,
        class_weights=class_weights,
        scorer=scorer,
    )


@Language.factory(
    "biobert_textcat_multilabel",
    assigns=["doc.cats"],
    default_config={
        "model": DEFAULT_MODEL,
        "threshold": 0.5,
        "class_weights": None,
        "scorer": {"@scorers": "spacy.textcat_multilabel_scorer.v2"},
    },
    default_score_weights=SCORE_WEIGHTS,
)
def make_textcat_multilabel(
    nlp: Language,
    name: str,
    model: Model[list[Doc], Floats2d],
    threshold: float,
    class_weights: ClassWeightsT,
    scorer: Callable[..., Any] | None,
) -> BioBertTextCat:
    """Make a component that gives each doc any number of categories.

    nlp (Language): The pipeline.
    name (str): The component's name in the pipeline.
    model (Model[list[Doc], Floats2d]): One row per doc, one column per category.
    threshold (float): The probability from which the scorer takes a category to
        apply; 0.5 once the component is tuned.
    class_weights (str | list[list[Any]] | None): How much more a category
        counts in the loss where it applies than where it does not: pairs of category
        and weight, 1 for the others; "balanced" for weights that let both count the
        same; None for 1.
    scorer (Callable | None): The scoring method.
    RETURNS (BioBertTextCat): The component.
    RAISES (ValueError): If class_weights is something else.
    """
    return BioBertTextCat(
        nlp.vocab,
        model,
        name,
        exclusive=False,
        threshold=threshold,
        class_weights=class_weights,
        scorer=scorer,
    )
