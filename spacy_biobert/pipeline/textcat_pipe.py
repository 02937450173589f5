"""Categorise documents: by exclusive categories, or by any number of them."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example, validate_examples
from spacy.util import minibatch
from spacy.vocab import Vocab
from thinc.api import Model
from thinc.types import Floats2d

from ..errors import Errors, Warnings
from ..models.class_weights import balance_exclusive, balance_independent
from ..models.losses import sigmoid_cross_entropy, softmax_cross_entropy
from .category_thresholds import APPLIES, find_thresholds, log_odds
from .labelled import N_TUNED, LabelledPipe

# Pairs of category and weight, not a dict: a config's keys take no colon.
ClassWeightsT = str | list[list[Any]] | None


class BioBertTextCat(LabelledPipe):
    """Categorise documents.

    If categories are exclusive, their probabilities in `doc.cats` sum to one
    (softmax); if not, each has its own (sigmoid). A doc without tokens gets 0.0.

    `tune` finds the threshold of each category that is not exclusive, and
    `doc.cats` is then shifted by it, so that all apply from 0.5 on: whoever reads
    `doc.cats`, be it spaCy's scorer, needs one number.
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
        class_weights: ClassWeightsT = None,
        scorer: Callable[..., Any] | None = None,
    ) -> None:
        self.vocab = vocab
        self.model = model
        self.name = name
        self.exclusive = exclusive
        self.threshold = threshold
        self.class_weights = class_weights
        self._check_class_weights()
        self.scorer = scorer
        # The scorer takes its settings from here. Both dicts are by category, and
        # what they lack is 1.0 and 0.5.
        self.cfg: dict[str, Any] = {
            "labels": [],
            "threshold": threshold,
            "positive_label": None,
            "class_weights": {},
            "thresholds": {},
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
            if no example has one of `labels`, if an annotation is malformed, if
            class_weights has another category, or if the model has another number
            of outputs.
        """
        n_with: Counter[str] = Counter()
        n_without: Counter[str] = Counter()
        sample: list[Doc] = []
        for eg in self._read_once(get_examples, sample):
            self._check_cats(eg.reference)
            for label, value in eg.reference.cats.items():
                (n_with if value else n_without)[label] += 1
        self._set_labels({*n_with, *n_without}, labels, sample)
        self._check_positive_label(positive_label)
        self._check_class_weights(self.labels)
        self.cfg["positive_label"] = positive_label
        self.cfg["class_weights"] = self._weigh(n_with, n_without)
        self.cfg["thresholds"] = {}
        self.cfg["threshold"] = self.threshold

    def _check_class_weights(self, labels: Sequence[str] | None = None) -> None:
        """Check what the config says; the categories are known once there are labels."""
        if self.class_weights in (None, "balanced"):
            return
        if not isinstance(self.class_weights, list) or not all(
            len(pair) == 2
            and (labels is None or pair[0] in labels)
            and isinstance(pair[1], int | float)
            and pair[1] > 0
            for pair in self.class_weights
        ):
            raise ValueError(
                Errors.B414.format(
                    name=self.name,
                    labels=", ".join(labels or ["from the training documents"]),
                    example=(labels or ["review"])[0],
                    found=self.class_weights,
                )
            )

    def _weigh(self, n_with: Counter[str], n_without: Counter[str]) -> dict[str, float]:
        if self.class_weights is None:
            return {}
        if isinstance(self.class_weights, list):
            return {label: float(weight) for label, weight in self.class_weights}
        n_of_labels = {label: n_with[label] for label in self.labels}
        if self.exclusive:
            return balance_exclusive(n_of_labels)
        return balance_independent(n_of_labels, n_without)

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

        Nothing applies to a doc of white space alone. In a tuned component its log odds
        are less those of the category's threshold: the probability that it would be if
        the category were that much rarer or more frequent.

        docs (Iterable[Doc]): The docs.
        scores (Floats2d): What `predict` gave for them.
        RAISES (ValueError): If a score is not finite.
        """
        docs = list(docs)
        self._check_finite(scores)
        ops = self.model.ops
        if self.exclusive:
            chances = ops.softmax(scores)
        else:
            thresholds = self._read_tuned("thresholds", least=0.0, most=1.0)
            shifts: Any = log_odds(thresholds, self.labels)
            chances = ops.sigmoid(scores - ops.asarray1f(shifts))
        for doc, row in zip(docs, chances.tolist(), strict=True):
            values = [0.0] * len(row) if _is_blank(doc) else row
            doc.cats.update(zip(self.labels, values, strict=True))

    def tune(self, examples: Iterable[Example]) -> dict[str, float]:
        """Find for each category the threshold with the best F1 (see `find_thresholds`).

        From then on every category applies from 0.5 on: that is the scorer's
        threshold, and `doc.cats` is shifted for it. Exclusive categories have no
        threshold, because the largest probability wins.

        examples (Iterable[Example]): Annotated examples that the component has not
            learned from; what comes before it in the pipeline has run on their
            predicted docs.
        RETURNS (dict[str, float]): By category the probability that becomes 0.5.
            Categories that apply to none of the docs are not in it, and keep the
            threshold that they have. If it is empty, nothing is changed.
        RAISES (ValueError): If a score is not finite.
        """
        if self.exclusive:
            return {}
        ops = self.model.ops
        tuned: list[Example] = []
        parts: list[NDArray[numpy.float32]] = []
        for batch in minibatch(examples, N_TUNED):  # type: ignore[no-untyped-call]
            validate_examples(batch, "BioBertTextCat.tune")
            scores = self.predict([eg.predicted for eg in batch])
            self._check_finite(scores)
            parts.append(ops.to_numpy(ops.sigmoid(scores)))  # type: ignore[no-untyped-call]
            tuned += batch
        if not tuned:
            return {}
        found = find_thresholds(tuned, numpy.concatenate(parts), self.labels)
        if not found:
            return {}
        if left := [repr(label) for label in self.labels if label not in found]:
            warnings.warn(
                Warnings.B477.format(name=self.name, labels=", ".join(left)),
                stacklevel=2,
            )
        had, configured = self.cfg["thresholds"], self.cfg["threshold"]
        self.cfg["thresholds"] = {
            label: found.get(label, had.get(label, configured)) for label in self.labels
        }
        self.cfg["threshold"] = APPLIES
        return found

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
            category, weighted by `class_weights`; and its gradient, shaped as
            `scores`.
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
        weights = [self.cfg["class_weights"].get(x, 1.0) for x in self.labels]
        if self.exclusive:
            # a doc whose category is none of the labels has nothing to teach
            classes = [row.index(1.0) if 1.0 in row else -1 for row in truths]
            of_docs: Any = [weights[i] if i >= 0 else 0.0 for i in classes]
            return softmax_cross_entropy(
                ops, scores, ops.asarray1i(classes), weights=ops.asarray1f(of_docs)
            )
        known = [
            [
                (weight if doc_cats[x] else 1.0) if x in doc_cats else 0.0
                for x, weight in zip(self.labels, weights, strict=True)
            ]
            for doc_cats in cats
        ]
        return sigmoid_cross_entropy(
            ops, scores, ops.asarray2f(truths), ops.asarray2f(known)
        )

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Score the annotated docs; spaCy's scorer takes the others for wrong.

        examples (Iterable[Example]): The examples.
        RETURNS (dict[str, Any]): The scores, None without any annotated doc. By label
            also `gold`, how many docs have the category.
        """
        annotated = [eg for eg in examples if eg.reference.cats]
        scores: dict[str, Any] = super().score(annotated, **kwargs)
        for label, found in (scores.get("cats_f_per_type") or {}).items():
            found["gold"] = sum(
                eg.reference.cats.get(label, 0.0) > 0 for eg in annotated
            )
        return scores if annotated else dict.fromkeys(scores)


def _is_blank(doc: Doc) -> bool:
    return all(token.is_space for token in doc)
