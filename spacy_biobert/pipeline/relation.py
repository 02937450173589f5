"""Find relations between entities: any number of labels for each proposed pair."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Config
from thinc.types import Floats2d

from ..errors import Errors, Warnings
from ..extensions import add_doc_relations
from ..models.losses import sigmoid_cross_entropy
from ..models.relation import PairRows, PairRowsT
from .gold_pairs import find_gold_pairs, is_annotated, make_truths
from .labelled import N_SAMPLE, LabelledPipe

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
        "positive_weight": 1.0,
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
    positive_weight: float,
    scorer: Callable[..., Any] | None,
) -> "BioBertRelation":
    """Make a component that finds relations between the entities of a doc.

    nlp (Language): The pipeline.
    name (str): The component's name in the pipeline.
    model (Model[list[Doc], PairRows]): One row per pair, one column per label. Its
        attribute "get_pairs" proposes the pairs; whether their order matters says
        `get_pairs.directed` (True if it has none).
    threshold (float): The probability from which a pair has a label, 0 to 1.
    positive_weight (float): How often a label that applies counts in the loss,
        compared with one that does not.
    scorer (Callable | None): The scoring method.
    RETURNS (BioBertRelation): The component.
    RAISES (ValueError): If threshold or positive_weight is out of range.
    """
    return BioBertRelation(
        nlp.vocab,
        model,
        name,
        threshold=threshold,
        positive_weight=positive_weight,
        scorer=scorer,
    )


class BioBertRelation(LabelledPipe):
    """Find relations between entities.

    Each label of each proposed pair has a probability of its own (sigmoid), so that
    a pair may have several labels or none. In training the pairs are those of the
    predicted doc's entities, be they gold or from a component in front.
    """

    annotation = "relations (doc.user_data, as `convert` writes them)"

    def __init__(
        self,
        vocab: Vocab,
        model: PairRowsT,
        name: str = "relation",
        *,
        threshold: float = 0.5,
        positive_weight: float = 1.0,
        scorer: Callable[..., Any] | None = None,
    ) -> None:
        self.vocab = vocab
        self.model = model
        self.name = name
        self._check("threshold", 0 <= threshold <= 1, "from 0 to 1", threshold)
        self._check("positive_weight", positive_weight > 0, "above 0", positive_weight)
        # Not in cfg: there a saved value would win over the one in the config.
        self.threshold = threshold
        self.positive_weight = positive_weight
        self.scorer = scorer
        self.cfg: dict[str, Any] = {"labels": []}
        add_doc_relations()

    def _check(self, key: str, is_right: bool, expected: str, found: float) -> None:
        if not is_right:
            raise ValueError(
                Errors.B456.format(
                    name=self.name, key=key, expected=expected, found=found
                )
            )

    @property
    def directed(self) -> bool:
        """Whether (a, b) and (b, a) are two pairs."""
        return getattr(self.model.attrs["get_pairs"], "directed", True)

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: Sequence[str] | None = None,
    ) -> None:
        """Set the labels and the widths of the model's layers.

        Warns if some of the gold relations can never be found, because their pair
        is not among the proposed ones even of the gold entities.

        get_examples (Callable): Gives the training examples; all are read.
        nlp (Language | None): The pipeline.
        labels (Sequence[str] | None): The labels, or None for those of the gold
            relations in the examples, in alphabetic order.
        RAISES (ValueError): If there is no label or no doc with tokens, if no
            relation has one of `labels`, if the stored relations are malformed, or
            if the model has another number of outputs.
        """
        validate_get_examples(get_examples, "BioBertRelation.initialize")
        gold: list[tuple[str, bool]] = []
        sample: list[Doc] = []
        for eg in get_examples():
            gold += self._find_gold(eg.reference)
            if len(eg.reference) and len(sample) < N_SAMPLE:
                sample.append(eg.reference)
        found = {label for label, _ in gold}
        self._set_labels(found, labels, sample)
        self._warn_of_missed(gold)

    def _find_gold(self, reference: Doc) -> list[tuple[str, bool]]:
        """Give each gold relation's label, and whether its pair can be proposed."""
        if not is_annotated(reference):
            return []
        pairs = self.model.attrs["get_pairs"](reference)
        gold = find_gold_pairs(reference, reference, pairs, directed=self.directed)
        return [(label, bool(is_true.any())) for label, is_true in gold]

    def _warn_of_missed(self, gold: list[tuple[str, bool]]) -> None:
        proposed = [is_proposed for label, is_proposed in gold if label in self.labels]
        if not all(proposed):
            warnings.warn(
                Warnings.B457.format(
                    name=self.name,
                    n_gold=len(proposed),
                    n_missed=proposed.count(False),
                    recall=proposed.count(True) / len(proposed),
                ),
                stacklevel=3,
            )

    def predict(self, docs: Iterable[Doc]) -> PairRows:
        """Score the labels of each proposed pair.

        docs (Iterable[Doc]): The docs, with entities; not modified.
        RETURNS (PairRows): The pairs, and one row of scores (logits) for each.
        """
        docs = list(docs)
        if not any(len(doc) for doc in docs):
            nothing = [numpy.zeros((0, 4), dtype=numpy.int32) for _ in docs]
            return PairRows(nothing, self.model.ops.alloc2f(0, len(self.labels)))
        return self.model.predict(docs)

    def set_annotations(self, docs: Iterable[Doc], scores: PairRows) -> None:
        """Write the relations whose probability reaches the threshold.

        docs (Iterable[Doc]): The docs. `doc.user_data["relations"]` is set, which
            `doc._.relations` reads.
        scores (PairRows): What `predict` gave for them.
        """
        ops = self.model.ops
        chances = ops.to_numpy(ops.sigmoid(scores.rows))  # type: ignore[no-untyped-call]
        first = 0
        for doc, pairs in zip(docs, scores.pairs, strict=True):
            of_doc = chances[first : first + len(pairs)]
            first += len(pairs)
            rows, columns = numpy.nonzero(of_doc >= self.threshold)
            doc.user_data["relations"] = [
                (*bounds, self.labels[column], chance)
                for bounds, column, chance in zip(
                    pairs[rows].tolist(),
                    columns.tolist(),
                    of_doc[rows, columns].tolist(),
                    strict=True,
                )
            ]

    def get_loss(
        self, examples: Iterable[Example], scores: PairRows
    ) -> tuple[float, Floats2d]:
        """Compare the scores with the gold relations.

        A doc that carries relations of neither kind is not annotated; its pairs
        count neither in the loss nor in the gradient. In an annotated doc each pair
        without a gold relation has none.

        examples (Iterable[Example]): The examples.
        scores (PairRows): The model's output for their predicted docs.
        RETURNS (tuple[float, Floats2d]): The sigmoid cross-entropy in nats, as the
            mean over the labels of the pairs of annotated docs, in which a label
            that applies weighs `positive_weight`; and its gradient, shaped as
            `scores.rows`.
        RAISES (ValueError): If the stored relations are malformed.
        """
        examples = list(examples)
        validate_examples(examples, "BioBertRelation.get_loss")
        truths = numpy.zeros(scores.rows.shape, dtype="f")
        weights = numpy.zeros(scores.rows.shape, dtype="f")
        first = 0
        for eg, pairs in zip(examples, scores.pairs, strict=True):
            rows = slice(first, first + len(pairs))
            first += len(pairs)
            if is_annotated(eg.reference):
                gold = find_gold_pairs(
                    eg.predicted, eg.reference, pairs, directed=self.directed
                )
                truths[rows] = make_truths(gold, self.labels, len(pairs))
                weights[rows] = 1 + (self.positive_weight - 1) * truths[rows]
        ops = self.model.ops
        arrays: tuple[Any, Any] = (truths, weights)
        return sigmoid_cross_entropy(
            ops, scores.rows, ops.asarray2f(arrays[0]), ops.asarray2f(arrays[1])
        )

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Score the annotated docs; see `spacy-biobert.relation_scorer.v1`.

        examples (Iterable[Example]): The examples.
        RETURNS (dict[str, Any]): The scores, None without any annotated doc.
        """
        return super().score(examples, **{"directed": self.directed, **kwargs})
