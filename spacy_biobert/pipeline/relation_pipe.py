"""The component of relations: labels, thresholds, learning and tuning."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import numpy
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example, validate_examples
from spacy.util import minibatch
from spacy.vocab import Vocab
from thinc.api import Optimizer, set_dropout_rate
from thinc.types import Floats2d

from ..errors import Errors, Warnings
from ..extensions import add_doc_relations
from ..models.candidates import PairedDocs, PairsT, list_pairs
from ..models.grouping import GroupPooling
from ..models.pair_vectors import PairRows, PairRowsT
from .gold_pairs import is_annotated
from .labelled import N_TUNED, LabelledPipe
from .pair_chances import find_chances
from .pair_loss import compare
from .pair_survey import PairSurvey, tell_of_surprises
from .relation_calibration import calibrate, calibrate_items, fit_calibrations
from .relation_tuning import choose_thresholds, join_items, score_items
from .targets import Targets, make_targets, sample_negatives, weigh

PositiveWeight = float | dict[str, float] | Literal["balanced"]
# Of one doc; as many take some ten seconds and half a gigabyte.
MANY_PAIRS = 200_000
NO_PAIRS: PairsT = numpy.zeros((0, 4), dtype=numpy.int32)


class BioBertRelation(LabelledPipe):
    """Find relations between entities.

    Each label of each proposed pair has a probability of its own (sigmoid), so that
    a pair may have several labels or none; or, if exclusive, they share one with
    "none" (softmax), and the likeliest label is written if it reaches its threshold.
    In training the pairs are those of the predicted doc's entities, be they gold or
    from a component in front.

    With `pool_concepts` the labels are those of pairs of concepts (`ent.kb_id_`, or
    the text of an entity without one): each of their mentions' pairs is written,
    with the probability of the concepts.
    """

    annotation = "relations (doc.user_data, as `convert` writes them)"

    def __init__(
        self,
        vocab: Vocab,
        model: PairRowsT,
        name: str = "relation",
        *,
        threshold: float = 0.5,
        exclusive: bool = False,
        positive_weight: PositiveWeight = 1.0,
        negative_rate: float = 1.0,
        pool_concepts: GroupPooling | None = None,
        seed: int = 0,
        scorer: Callable[..., Any] | None = None,
    ) -> None:
        self.vocab = vocab
        self.model = model
        self.name = name
        self._check("threshold", 0 <= threshold <= 1, "from 0 to 1", threshold)
        self._check(
            "negative_rate",
            0 < negative_rate <= 1,
            "above 0 and at most 1",
            negative_rate,
        )
        numbers = (
            positive_weight.values()
            if isinstance(positive_weight, dict)
            else [1.0 if positive_weight == "balanced" else positive_weight]
        )
        for number in numbers:
            self._check("positive_weight", float(number) > 0, "above 0", float(number))
        # Not in cfg: there a saved value would win over the one in the config.
        self.threshold = threshold
        self.exclusive = exclusive
        self.positive_weight = positive_weight
        self.negative_rate = negative_rate
        self.pool_concepts = pool_concepts
        self.scorer = scorer
        self._generator = numpy.random.default_rng(seed)
        # By label: what `tune` found, and the weights of "balanced".
        self.cfg: dict[str, Any] = {
            "labels": [],
            "calibrations": {},
            "thresholds": {},
            "weights": {},
        }
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

    @property
    def n_outputs(self) -> int:
        """One for each label, after one for "none" if exclusive."""
        return len(self.labels) + self.exclusive

    @property
    def thresholds(self) -> NDArray[numpy.float64]:
        """The threshold of each label: its own if it was tuned, or `threshold`."""
        tuned = self._read_tuned("thresholds", least=0.0, most=1.0)
        return numpy.array([tuned.get(label, self.threshold) for label in self.labels])

    @property
    def weights(self) -> NDArray[numpy.float32]:
        """How often each label counts where it applies."""
        given = self.positive_weight
        if given == "balanced":
            given = self.cfg["weights"]
        if isinstance(given, dict):
            return numpy.array([given.get(label, 1.0) for label in self.labels], "f")
        return numpy.full(len(self.labels), given, "f")

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: Sequence[str] | None = None,
    ) -> None:
        """Set the labels and the widths of the model's layers.

        Warns if some of the gold relations can never be found, because their pair
        is not among the proposed ones even of the gold entities; and if relations
        between mentions are learned for more of them, because concepts are pooled.

        get_examples (Callable): Gives the training examples; all are read.
        nlp (Language | None): The pipeline.
        labels (Sequence[str] | None): The labels, or None for those of the gold
            relations in the examples, in alphabetic order.
        RAISES (ValueError): If there is no label or no doc with tokens, if no
            relation of a proposed pair has one of `labels`, if `positive_weight`
            names others, if the stored relations are malformed, if the model has
            another number of outputs, or if exclusive and the gold relations give a
            proposed pair several labels.
        """
        survey = PairSurvey()
        sample: list[Doc] = []
        for eg in self._read_once(get_examples, sample):
            survey.add(
                eg,
                self.model.attrs["get_pairs"],
                directed=self.directed,
                pooled=self.pool_concepts is not None,
                labels=labels,
                exclusive_name=self.name if self.exclusive else None,
            )
        self._set_labels(set(survey.n_gold), labels, sample)
        self._set_weights(survey)
        self.cfg.update(calibrations={}, thresholds={})
        tell_of_surprises(survey, self.name, self.labels)

    def _set_weights(self, survey: PairSurvey) -> None:
        given = self.positive_weight
        if isinstance(given, dict) and not set(given) <= set(self.labels):
            names = ", ".join(self.labels)
            found = ", ".join(sorted(set(given) - set(self.labels)))
            raise ValueError(
                Errors.B465.format(name=self.name, labels=names, found=found)
            )
        if given == "balanced":
            self.cfg["weights"] = {
                label: survey.balance(label, exclusive=self.exclusive)
                for label in self.labels
            }

    def predict(self, docs: Iterable[Doc]) -> PairRows:
        """Score the labels of each proposed pair.

        docs (Iterable[Doc]): The docs, with entities; not modified.
        RETURNS (PairRows): The pairs, and one row of scores (logits) for each.
        WARNS: If a doc has more than MANY_PAIRS pairs.
        """
        docs = list(docs)
        if not any(len(doc) for doc in docs):
            nothing = [NO_PAIRS for _ in docs]
            return PairRows(nothing, self.model.ops.alloc2f(0, self.n_outputs))
        pairs = list_pairs(self.model.attrs["get_pairs"], docs)
        for doc, of_doc in zip(docs, pairs, strict=True):
            if len(of_doc) > MANY_PAIRS:
                counts = {"n_ents": len(doc.ents), "n_pairs": len(of_doc)}
                warnings.warn(
                    Warnings.B484.format(name=self.name, **counts), stacklevel=2
                )
        return self.model.predict(PairedDocs(docs, pairs))

    def set_annotations(self, docs: Iterable[Doc], scores: PairRows) -> None:
        """Write the relations whose probability reaches the threshold.

        docs (Iterable[Doc]): The docs. `doc.user_data["relations"]` is set, which
            `doc._.relations` reads.
        scores (PairRows): What `predict` gave for them.
        RAISES (ValueError): If a score is not finite.
        """
        docs = list(docs)
        thresholds = self.thresholds
        for doc, pairs, of_doc in zip(
            docs, scores.pairs, self._find_chances(docs, scores), strict=True
        ):
            of_doc = calibrate(of_doc, self.cfg["calibrations"], self.labels)
            # Below 0 is what can be no label, at any threshold.
            rows, columns = numpy.nonzero((of_doc >= thresholds) & (of_doc >= 0))
            doc.user_data["relations"] = [
                (*bounds, self.labels[column], chance)
                for bounds, column, chance in zip(
                    pairs[rows].tolist(),
                    columns.tolist(),
                    of_doc[rows, columns].tolist(),
                    strict=True,
                )
            ]

    def _find_chances(
        self, docs: list[Doc], scores: PairRows
    ) -> list[NDArray[numpy.float32]]:
        self._check_finite(scores.rows)
        return find_chances(
            self.model.ops,
            docs,
            scores,
            exclusive=self.exclusive,
            pooling=self.pool_concepts,
            directed=self.directed,
        )

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from a batch.

        The model scores only pairs that are learned from: those of annotated docs,
        and of the ones without a label the share `negative_rate`.

        examples (Iterable[Example]): The examples.
        drop (float): The rate of dropout.
        sgd (Optimizer | None): Takes the step; None to keep the gradients.
        losses (dict[str, float] | None): The loss is added under the name.
        RETURNS (dict[str, float]): The same losses.
        RAISES (ValueError): If the stored relations are malformed, or if exclusive
            and there are several labels for one pair.
        """
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, "BioBertRelation.update")
        docs = [eg.predicted for eg in examples]
        if not any(len(doc) for doc in docs):
            return losses
        get_pairs = self.model.attrs["get_pairs"]
        pairs = [
            get_pairs(eg.predicted) if is_annotated(eg.reference) else NO_PAIRS
            for eg in examples
        ]
        targets = self._make_targets(examples, pairs)
        total = float(weigh(targets, self.weights, exclusive=self.exclusive).sum())
        targets = sample_negatives(targets, self.negative_rate, self._generator)
        set_dropout_rate(self.model, drop)
        scores, backprop = self.model.begin_update(PairedDocs(docs, targets.pairs))
        # The gradient is that of the rows alone.
        d_rows: Any
        loss, d_rows = self._compare(scores.rows, targets, total)
        backprop(d_rows)
        if sgd is not None:
            self.finish_update(sgd)
        losses[self.name] += loss
        return losses

    def get_loss(
        self, examples: Iterable[Example], scores: PairRows
    ) -> tuple[float, Floats2d]:
        """Compare the scores with the gold relations.

        A doc that carries relations of neither kind is not annotated; its pairs
        count neither in the loss nor in the gradient. In an annotated doc each pair
        without a gold relation has none. If exclusive, concepts that the predicted
        doc does not tell apart do not count either where they have several labels.

        examples (Iterable[Example]): The examples.
        scores (PairRows): The model's output for their predicted docs.
        RETURNS (tuple[float, Floats2d]): The cross-entropy in nats, as the mean over
            the labels of the pairs of annotated docs (over the pairs if exclusive),
            in which a label that applies weighs `positive_weight`; and its
            gradient, shaped as `scores.rows`.
        RAISES (ValueError): If the stored relations are malformed, or if exclusive
            and there are several labels for one pair.
        """
        examples = list(examples)
        validate_examples(examples, "BioBertRelation.get_loss")
        targets = self._make_targets(examples, scores.pairs)
        total = float(weigh(targets, self.weights, exclusive=self.exclusive).sum())
        return self._compare(scores.rows, targets, total)

    def _make_targets(self, examples: list[Example], pairs: list[PairsT]) -> Targets:
        return make_targets(
            examples,
            pairs,
            self.labels,
            directed=self.directed,
            pooled=self.pool_concepts is not None,
            exclusive_name=self.name if self.exclusive else None,
        )

    def _compare(
        self, rows: Floats2d, targets: Targets, total: float
    ) -> tuple[float, Floats2d]:
        return compare(
            self.model.ops,
            rows,
            targets,
            weights=self.weights,
            total=total,
            exclusive=self.exclusive,
            pooling=self.pool_concepts,
        )

    def tune(self, examples: Iterable[Example]) -> dict[str, float]:
        """Calibrate the scores of each label, and set the threshold that has the best F1.

        After it, of the relations with a score of 0.3 three in ten are right, be they
        between mentions or concepts. Every threshold that makes a difference is tried.
        Relations are counted as the scorer counts them, so that one whose pair is not
        proposed is missed at any. Both are saved with the component, in
        `cfg["calibrations"]` and `cfg["thresholds"]`; a label of which nothing is right
        at any threshold keeps those that it has.

        examples (Iterable[Example]): Examples to tune on, not those of training. The
            predicted docs have gone through the components in front.
        RETURNS (dict[str, float]): The thresholds that were set, by label. Empty if
            no doc is annotated with relations.
        RAISES (ValueError): If the stored relations are malformed, or a score is not
            finite.
        """
        parts = []
        for batch in minibatch(examples, N_TUNED):  # type: ignore[no-untyped-call]
            docs = [eg.predicted for eg in batch]
            scores = self.predict(docs)
            chances = self._find_chances(docs, scores)
            for eg, pairs, of_doc in zip(batch, scores.pairs, chances, strict=True):
                parts += score_items(
                    eg.predicted,
                    eg.reference,
                    pairs,
                    of_doc,
                    labels=self.labels,
                    directed=self.directed,
                )
        if not parts:
            return {}
        items = join_items(parts)
        calibrations = self.cfg["calibrations"] | fit_calibrations(items, self.labels)
        found = choose_thresholds(
            calibrate_items(items, calibrations, self.labels), self.labels
        )
        self.cfg["calibrations"] = calibrations
        self.cfg["thresholds"].update(found)
        return found

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Score the annotated docs; see `spacy-biobert.relation_scorer.v1`.

        examples (Iterable[Example]): The examples.
        RETURNS (dict[str, Any]): The scores, None without any annotated doc.
        """
        return super().score(examples, **{"directed": self.directed, **kwargs})
