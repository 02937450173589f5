"""Categorise documents: by exclusive categories, or by any number of them."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Config, Model
from thinc.types import Floats2d

from ..errors import Errors
from ..models.losses import sigmoid_cross_entropy, softmax_cross_entropy
from .labelled import N_SAMPLE, LabelledPipe

DEFAULT_MODEL = Config().from_str(
    """
[model]
@architectures = "spacy-biobert.TextCatModel.v1"
nO = null
hidden_width = null
use_mean = true
use_max = false

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
        "scorer": {"@scorers": "spacy.textcat_scorer.v2"},
    },
    default_score_weights=SCORE_WEIGHTS,
)
def make_textcat(
    nlp: Language,
    name: str,
    model: Model[list[Doc], Floats2d],
    scorer: Callable[..., Any] | None,
) -> "BioBertTextCat":
    """Make a component that gives each doc one of several categories.

    nlp (Language): The pipeline.
    name (str): The component's name in the pipeline.
    model (Model[list[Doc], Floats2d]): One row per doc, one column per category.
    scorer (Callable | None): The scoring method.
    RETURNS (BioBertTextCat): The component.
    """
    return BioBertTextCat(nlp.vocab, model, name, exclusive=True, scorer=scorer)


@Language.factory(
    "biobert_textcat_multilabel",
    assigns=["doc.cats"],
    default_config={
        "model": DEFAULT_MODEL,
        "threshold": 0.5,
        "scorer": {"@scorers": "spacy.textcat_multilabel_scorer.v2"},
    },
    default_score_weights=SCORE_WEIGHTS,
)
def make_textcat_multilabel(
    nlp: Language,
    name: str,
    model: Model[list[Doc], Floats2d],
    threshold: float,
    scorer: Callable[..., Any] | None,
) -> "BioBertTextCat":
    """Make a component that gives each doc any number of categories.

    nlp (Language): The pipeline.
    name (str): The component's name in the pipeline.
    model (Model[list[Doc], Floats2d]): One row per doc, one column per category.
    threshold (float): The probability from which the scorer takes a category to
        apply.
    scorer (Callable | None): The scoring method.
    RETURNS (BioBertTextCat): The component.
    """
    return BioBertTextCat(
        nlp.vocab, model, name, exclusive=False, threshold=threshold, scorer=scorer
    )


class BioBertTextCat(LabelledPipe):
    """Categorise documents.

    If categories are exclusive, their probabilities in `doc.cats` sum to one
    (softmax); if not, each has its own (sigmoid). A doc without tokens gets 0.0.
    """

    annotation = "categories (doc.cats)"

    def __init__(
        self,
        vocab: Vocab,
        model: Model[list[Doc], Floats2d],
        name: str = "textcat",
        *,
        exclusive: bool,
        threshold: float = 0.5,
        scorer: Callable[..., Any] | None = None,
    ) -> None:
        self.vocab = vocab
        self.model = model
        self.name = name
        self.exclusive = exclusive
        self.scorer = scorer
        # the scorer takes its settings from here
        self.cfg: dict[str, Any] = {
            "labels": [],
            "threshold": threshold,
            "positive_label": None,
        }

    @property
    def n_least_labels(self) -> int:
        """Categories without which there is nothing to learn."""
        return 2 if self.exclusive else 1

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: Sequence[str] | None = None,
        positive_label: str | None = None,
    ) -> None:
        """Set the categories and the widths of the model's layers.

        get_examples (Callable): Gives the training examples; all are read.
        nlp (Language | None): The pipeline.
        labels (Sequence[str] | None): The categories, or None for those of the
            examples, in alphabetic order.
        positive_label (str | None): Of two exclusive categories the one whose F is
            the score, or None for the macro average.
        RAISES (ValueError): If there are too few categories or no doc with tokens,
            if no example has one of `labels`, if an annotation is malformed, or if
            the model has another number of outputs.
        """
        validate_get_examples(get_examples, "BioBertTextCat.initialize")
        found: set[str] = set()
        sample: list[Doc] = []
        for eg in get_examples():
            self._check_cats(eg.reference)
            found.update(eg.reference.cats)
            if len(eg.reference) and len(sample) < N_SAMPLE:
                sample.append(eg.reference)
        self._set_labels(found, labels, sample)
        self._check_positive_label(positive_label)
        self.cfg["positive_label"] = positive_label

    def _check_positive_label(self, positive_label: str | None) -> None:
        if positive_label is not None and (
            positive_label not in self.labels or len(self.labels) != 2
        ):
            names = ", ".join(self.labels)
            raise ValueError(
                Errors.B412.format(name=self.name, labels=names, found=positive_label)
            )

    def _check_cats(self, doc: Doc) -> None:
        where = doc.text[:60]
        for label, value in doc.cats.items():
            if value not in (0.0, 1.0):
                raise ValueError(
                    Errors.B410.format(
                        name=self.name, document=where, label=label, found=value
                    )
                )
        n_positive = sum(doc.cats.values())
        if self.exclusive and doc.cats and n_positive != 1.0:
            raise ValueError(
                Errors.B411.format(
                    name=self.name, document=where, found=int(n_positive)
                )
            )

    def predict(self, docs: Iterable[Doc]) -> Floats2d:
        """Score the categories of each doc.

        docs (Iterable[Doc]): The docs; not modified.
        RETURNS (Floats2d): The scores (logits), one row per doc.
        """
        docs = list(docs)
        if not any(len(doc) for doc in docs):
            return self.model.ops.alloc2f(len(docs), len(self.labels))
        return self.model.predict(docs)

    def set_annotations(self, docs: Iterable[Doc], scores: Floats2d) -> None:
        """Write the probability of each category into `doc.cats`.

        docs (Iterable[Doc]): The docs.
        scores (Floats2d): What `predict` gave for them.
        """
        docs = list(docs)
        ops = self.model.ops
        to_probabilities = ops.softmax if self.exclusive else ops.sigmoid
        for doc, row in zip(docs, to_probabilities(scores).tolist(), strict=True):
            values = row if len(doc) else [0.0] * len(row)
            doc.cats.update(zip(self.labels, values, strict=True))

    def get_loss(
        self, examples: Iterable[Example], scores: Floats2d
    ) -> tuple[float, Floats2d]:
        """Compare the scores with the annotated categories.

        A doc with empty `cats` is not annotated and counts neither in the loss nor
        in the gradient. If categories are not exclusive, the same holds for each
        category that is not in `cats`.

        examples (Iterable[Example]): The examples.
        scores (Floats2d): The model's output for their predicted docs.
        RETURNS (tuple[float, Floats2d]): The cross-entropy in nats, as the mean over
            the annotated docs (exclusive) or over the annotated pairs of doc and
            category; and its gradient, shaped as `scores`.
        RAISES (ValueError): If a value is neither 0 nor 1, or if not exactly one of
            exclusive categories is 1.
        """
        examples = list(examples)
        validate_examples(examples, "BioBertTextCat.get_loss")
        cats = [eg.reference.cats for eg in examples]
        for eg in examples:
            self._check_cats(eg.reference)
        ops = self.model.ops
        truths = [[doc_cats.get(x, 0.0) for x in self.labels] for doc_cats in cats]
        if self.exclusive:
            # a doc whose category is none of the labels has nothing to teach
            classes = [row.index(1.0) if 1.0 in row else -1 for row in truths]
            return softmax_cross_entropy(ops, scores, ops.asarray1i(classes))
        known = [[float(x in doc_cats) for x in self.labels] for doc_cats in cats]
        return sigmoid_cross_entropy(
            ops, scores, ops.asarray2f(truths), ops.asarray2f(known)
        )

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Score the annotated docs; spaCy's scorer takes the others for wrong.

        examples (Iterable[Example]): The examples.
        RETURNS (dict[str, Any]): The scores, None without any annotated doc.
        """
        annotated = [eg for eg in examples if eg.reference.cats]
        scores: dict[str, Any] = super().score(annotated, **kwargs)
        return scores if annotated else dict.fromkeys(scores)
