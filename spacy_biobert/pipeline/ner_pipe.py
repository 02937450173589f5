"""Recognise entities: one tag per token, decoded into well-formed entities."""

import itertools
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example, validate_examples
from spacy.util import minibatch
from spacy.vocab import Vocab
from thinc.api import Model
from thinc.types import Floats2d

from ..errors import Errors, Warnings
from ..extensions import (
    add_span_confidence,
    copy_doc,
    get_name,
    read_annotated_labels,
)
from ..models.calibration import Calibration, fit_calibration
from ..models.decoding import Segments, decode_entities, find_candidates
from ..models.entity_likelihood import entity_cross_entropy
from ..models.judging import judge_entities
from ..models.lattice import Lattice, Sums, build_lattice, sum_paths
from ..models.tags import (
    MISSING,
    OUTSIDE,
    Scheme,
    find_tags_of_others,
    get_gold_tags,
    make_tag_names,
)
from .entity_offsets import (
    choose_offsets,
    count_entities,
    read_gold_entities,
    shift_tags,
)
from .labelled import N_TUNED, LabelledPipe
from .writing import name_confidences, write_candidates, write_entities

N_TRUSTED = 50  # entities that a number or two can be fitted by
MOST_OFFSET = 100.0  # where no chance is left


class BioBertNer(LabelledPipe):
    """Recognise entities by one tag per token.

    The scores of the tags are decoded under the grammar of the scheme, so that
    every entity is well formed and neither starts nor ends with whitespace.
    `span._.confidence` is the probability of an entity (see `decode_entities`),
    calibrated by `tune`, which also chooses how readily each label is found.
    """

    annotation = "entities (doc.ents)"
    tuned = "tuned"

    def __init__(
        self,
        vocab: Vocab,
        model: Model[list[Doc], list[Floats2d]],
        name: str = "ner",
        *,
        scheme: Scheme = "biluo",
        overwrite_ents: bool = True,
        spans_key: str | None = None,
        min_confidence: float = 0.05,
        max_candidate_tokens: int = 16,
        max_candidates: int = 100,
        scorer: Callable[..., Any] | None = None,
    ) -> None:
        self.vocab = vocab
        self.model = model
        self.name = name
        self.scheme: Scheme = scheme
        self.overwrite_ents = overwrite_ents
        self.spans_key = spans_key
        self.min_confidence = min_confidence
        self.max_candidate_tokens = max_candidate_tokens
        self.max_candidates = max_candidates
        self.scorer = scorer
        # Besides the labels what `tune` found, offsets by label.
        self.cfg: dict[str, Any] = {"labels": [], **_make_untuned()}
        self._check_settings()
        add_span_confidence()

    def _check_settings(self) -> None:
        for key, expected, is_right in (
            ("min_confidence", "above 0 and at most 1", 0 < self.min_confidence <= 1),
            ("max_candidate_tokens", "at least 1", self.max_candidate_tokens >= 1),
            ("max_candidates", "at least 1", self.max_candidates >= 1),
        ):
            if not is_right:
                found = getattr(self, key)
                raise ValueError(
                    Errors.B456.format(
                        name=self.name, key=key, expected=expected, found=found
                    )
                )

    @property
    def calibration(self) -> Calibration:
        """How the model's probability of an entity becomes its confidence."""
        return Calibration(self.cfg["temperature"], self.cfg["bias"])

    @property
    def n_outputs(self) -> int:
        """One for each tag of each label, and one for "outside"."""
        return len(make_tag_names(self.labels, self.scheme))

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: Sequence[str] | None = None,
    ) -> None:
        """Set the labels and the widths of the model's layers.

        get_examples (Callable): Gives the training examples; all are read.
        nlp (Language | None): The pipeline.
        labels (Sequence[str] | None): The labels, or None for those of the
            entities in the examples, in alphabetic order.
        RAISES (ValueError): If there is no label or no doc with tokens, if no
            entity has one of `labels`, if an entity has a label that its doc is not
            annotated with, or if the model has another number of outputs.
        WARNS: If gold entities do not begin and end with tokens of the pipeline.
        """
        found: set[str] = set()
        sample: list[Doc] = []
        n_gold, missed = 0, []
        for eg in self._read_once(get_examples, sample):
            read_annotated_labels(eg.reference)
            n_gold += len(eg.reference.ents)
            missed += _find_not_aligned(eg)
            found.update(ent.label_ for ent in eg.reference.ents)
        self._set_labels(found, labels, sample)
        self.cfg.update(_make_untuned())
        if missed:
            warnings.warn(
                Warnings.B473.format(
                    name=self.name,
                    n_missed=len(missed),
                    n_gold=n_gold,
                    text=missed[0].text,
                    document=get_name(missed[0].doc),
                ),
                stacklevel=2,
            )

    def predict(self, docs: Iterable[Doc]) -> list[Floats2d]:
        """Score the tags of each token.

        docs (Iterable[Doc]): The docs; not modified.
        RETURNS (list[Floats2d]): Per doc, the scores (logits) of each token.
        """
        docs = list(docs)
        if not any(len(doc) for doc in docs):
            n_tags = self.n_outputs
            return [self.model.ops.alloc2f(0, n_tags) for _ in docs]
        return self.model.predict(docs)

    def set_annotations(self, docs: Iterable[Doc], scores: list[Floats2d]) -> None:
        """Write the entities and their confidences.

        docs (Iterable[Doc]): The docs. `doc.ents` is set, and
            `doc.user_data["entity_confidences"]`, in which entities that stay keep
            theirs; with a `spans_key` `doc.spans[spans_key]`, in the order of the
            tokens.
        scores (list[Floats2d]): What `predict` gave for them.
        RAISES (ValueError): If a score is not finite.
        """
        docs = list(docs)
        lengths = [len(doc) for doc in docs]
        lattice, sums = self._sum_paths(docs, scores)
        hashes = [self.vocab.strings.add(label) for label in self.labels]
        best = decode_entities(lattice, sums, lengths)
        write_entities(docs, best, hashes, keep=not self.overwrite_ents)
        for doc, confidences in zip(docs, self._name(docs, best), strict=True):
            of_others = {} if self.overwrite_ents else _get_confidences(doc)
            doc.user_data["entity_confidences"] = of_others | confidences
        if self.spans_key is None:
            return
        candidates = find_candidates(
            lattice,
            sums,
            lengths,
            min_confidence=self.calibration.undo(self.min_confidence),
            max_tokens=self.max_candidate_tokens,
            n_most=self.max_candidates,
        )
        write_candidates(docs, candidates, hashes, key=self.spans_key)
        for doc, confidences in zip(docs, self._name(docs, candidates), strict=True):
            doc.user_data["entity_confidences"] |= confidences

    def _name(self, docs: list[Doc], segments: Segments) -> list[dict[str, float]]:
        confidences = self.calibration.apply(segments.confidences)
        return name_confidences(len(docs), segments, self.labels, confidences)

    def _sum_paths(
        self, docs: list[Doc], scores: list[Floats2d]
    ) -> tuple[Lattice, Sums]:
        ops = self.model.ops
        logits = ops.reshape2f(ops.flatten(scores), -1, self.n_outputs)
        rows = ops.to_numpy(logits)  # type: ignore[no-untyped-call]
        self._check_finite(rows)
        offsets = self._read_tuned("offsets", least=-MOST_OFFSET, most=MOST_OFFSET)
        lattice = build_lattice(
            rows + shift_tags(offsets, self.labels, self.scheme),
            [len(doc) for doc in docs],
            scheme=self.scheme,
            is_space=_find_spaces(docs),
            is_closed=self._find_closed(docs),
        )
        return lattice, sum_paths(lattice)

    def _find_closed(self, docs: list[Doc]) -> Any:
        """Find the tokens of entities that stay, of which no new one may take any."""
        if self.overwrite_ents:
            return numpy.zeros(sum(len(doc) for doc in docs), dtype=bool)
        iobs = [numpy.zeros(0, int), *(doc.to_array("ENT_IOB") for doc in docs)]
        return numpy.isin(numpy.concatenate(iobs), (1, 3))  # I and B

    def get_loss(
        self, examples: Iterable[Example], scores: list[Floats2d]
    ) -> tuple[float, list[Floats2d]]:
        """Compare the scores with the annotated entities.

        Tokens whose annotation is missing count neither in the loss nor in the
        gradient. Where a doc is annotated with some labels only, a token outside of
        their entities may have any tag of the others.

        examples (Iterable[Example]): The examples.
        scores (list[Floats2d]): The model's output for their predicted docs.
        RETURNS (tuple[float, list[Floats2d]]): Minus the logarithm of the chance of
            the annotated entities among all well-formed ones (see
            `entity_cross_entropy`), in nats, as the mean over the annotated tokens of
            the batch; and its gradient, shaped as `scores`.
        RAISES (ValueError): If an entity has a label that its doc is not annotated with.
        """
        examples = list(examples)
        validate_examples(examples, "BioBertNer.get_loss")
        ops = self.model.ops
        lengths = [len(rows) for rows in scores]
        tags = [get_gold_tags(eg, self.labels, self.scheme) for eg in examples]
        n_known = sum(int((row != MISSING).sum()) for row in tags)
        logits = ops.reshape2f(ops.flatten(scores), sum(lengths), self.n_outputs)
        loss, d_logits = entity_cross_entropy(
            ops.to_numpy(logits),  # type: ignore[no-untyped-call]
            lengths,
            self._find_possible(examples, tags),
            scheme=self.scheme,
            is_space=_find_spaces([eg.predicted for eg in examples]),
        )
        share = 1 / max(1, n_known)
        d_rows: Any = d_logits * share
        return loss * share, ops.unflatten(
            ops.asarray2f(d_rows), ops.asarray1i(lengths)
        )

    def _find_possible(
        self, examples: list[Example], tags: list[NDArray[numpy.int64]]
    ) -> NDArray[numpy.bool_]:
        """Mark the tags that each token of the examples may have, [N, K]."""
        every = numpy.arange(self.n_outputs)
        parts = [numpy.zeros((0, self.n_outputs), bool)]
        for eg, row in zip(examples, tags, strict=True):
            possible = (row[:, None] == every) | (row == MISSING)[:, None]
            annotated = read_annotated_labels(eg.reference)
            if annotated is not None:
                others = find_tags_of_others(self.labels, annotated, self.scheme)
                possible |= (row == OUTSIDE)[:, None] & others
            parts.append(possible)
        return numpy.concatenate(parts)

    def tune(self, examples: Iterable[Example]) -> dict[str, float]:
        """Choose how readily each label is found, and calibrate the confidences.

        Each label gets the offset (see `entity_offsets`) with which the mean F1 of all
        labels is best; one with fewer than N_TRUSTED gold entities has none. Then, of
        the entities with a confidence of 0.8 four in five are right.

        examples (Iterable[Example]): Annotated examples that the component has not
            learned from. What comes before it in the pipeline has run on their
            predicted docs, it itself has not; they are not modified.
        RETURNS (dict[str, float]): What was found: the `temperature` and the `bias`
            (see `Calibration`), and the offset of each label that has one. Empty if
            no entity was predicted where there is gold annotation, and then nothing
            is changed.
        WARNS: If fewer than N_TRUSTED were predicted, and which labels have no offset.
        """
        before = dict(self.cfg)
        self.cfg.update(_make_untuned())
        try:
            batches = list(self._score_copies(examples))
            offsets = self._choose_offsets(batches)
            self.cfg["offsets"] = offsets
            judged = self._judge(batches)
        finally:
            self.cfg.update(before)
        if not judged:
            return {}
        if len(judged) < N_TRUSTED:
            kind = "predicted entities"
            warnings.warn(
                Warnings.B476.format(name=self.name, n=len(judged), kind=kind),
                stacklevel=2,
            )
        rare = [label for label in self.labels if label not in offsets]
        if rare:
            labels = ", ".join(rare)
            warnings.warn(
                Warnings.B481.format(name=self.name, n=N_TRUSTED, labels=labels),
                stacklevel=2,
            )
        confidences, are_right = map(numpy.array, zip(*judged, strict=True))
        found = asdict(fit_calibration(confidences, are_right))
        self.cfg.update(found, offsets=offsets)
        return found | {f"offset of {label}": x for label, x in offsets.items()}

    def _score_copies(
        self, examples: Iterable[Example]
    ) -> Iterable[tuple[list[Example], list[Floats2d]]]:
        for batch in minibatch(examples, N_TUNED):  # type: ignore[no-untyped-call]
            validate_examples(batch, "BioBertNer.tune")
            copies = [Example(copy_doc(eg.predicted), eg.reference) for eg in batch]
            yield copies, self.predict([eg.predicted for eg in copies])

    def _choose_offsets(
        self, batches: list[tuple[list[Example], list[Floats2d]]]
    ) -> dict[str, float]:
        golds = [read_gold_entities(examples, self.labels) for examples, _ in batches]

        def score(offsets: Mapping[str, float]) -> float:
            self.cfg["offsets"] = dict(offsets)
            counts = numpy.zeros((3, len(self.labels)), dtype="int64")
            for (examples, scores), gold in zip(batches, golds, strict=True):
                docs = [eg.predicted for eg in examples]
                lengths = [len(doc) for doc in docs]
                found = decode_entities(*self._sum_paths(docs, scores), lengths)
                counts += count_entities(gold, found)
            n_right, n_found, n_gold = counts
            return float((2 * n_right / numpy.maximum(n_found + n_gold, 1)).mean())

        of_docs = [gold.labels for gold in golds] or [numpy.zeros(0, "int64")]
        n_gold = numpy.bincount(numpy.concatenate(of_docs), minlength=len(self.labels))
        is_trusted = n_gold >= N_TRUSTED
        return choose_offsets(score, [*itertools.compress(self.labels, is_trusted)])

    def _judge(
        self, batches: list[tuple[list[Example], list[Floats2d]]]
    ) -> list[tuple[float, bool]]:
        """Give the confidence of each entity that is found, and whether it is right."""
        judged = []
        for examples, scores in batches:
            self.set_annotations([eg.predicted for eg in examples], scores)
            for eg in examples:
                entities, _ = judge_entities(eg, read_annotated_labels(eg.reference))
                judged += [
                    (one.confidence, one.is_right)
                    for one in entities
                    if one.confidence is not None
                ]
        return judged


def _make_untuned() -> dict[str, Any]:
    return {**asdict(Calibration()), "offsets": {}}


def _find_spaces(docs: list[Doc]) -> NDArray[numpy.bool_]:
    """Find the tokens that are whitespace, of all docs."""
    spaces = [numpy.zeros(0, bool), *(doc.to_array("IS_SPACE") for doc in docs)]
    return numpy.concatenate(spaces).astype(bool)


def _get_confidences(doc: Doc) -> dict[str, float]:
    confidences: dict[str, float] = doc.user_data.get("entity_confidences", {})
    return confidences


def _find_not_aligned(eg: Example) -> list[Span]:
    """Find the gold entities that do not begin and end with tokens of the pipeline."""
    ents = eg.reference.ents
    if not ents or numpy.array_equal(
        eg.predicted.to_array("ORTH"), eg.reference.to_array("ORTH")
    ):
        return []
    return [ent for ent in ents if not eg.get_aligned_spans_y2x([ent])]
