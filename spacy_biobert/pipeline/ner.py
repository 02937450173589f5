"""Recognise entities: one tag per token, decoded into well-formed entities."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Config, Model
from thinc.types import Floats2d

from ..extensions import add_span_confidence
from ..models.decoding import decode_entities
from ..models.losses import softmax_cross_entropy
from ..models.tags import Scheme, get_gold_tags, make_tag_names
from .labelled import N_SAMPLE, LabelledPipe

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
        "scheme": "bio",
        "overwrite_ents": True,
        "scorer": {"@scorers": "spacy.ner_scorer.v1"},
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
    scorer: Callable[..., Any] | None,
) -> "BioBertNer":
    """Make a component that recognises entities.

    nlp (Language): The pipeline.
    name (str): The component's name in the pipeline.
    model (Model[list[Doc], list[Floats2d]]): Per doc, one row per token, one
        column per tag.
    scheme (str): How entities are written as tags, "bio" or "biluo".
    overwrite_ents (bool): Whether to replace the entities that a doc already has.
        If False they stay, and new ones are found around them.
    scorer (Callable | None): The scoring method.
    RETURNS (BioBertNer): The component.
    """
    return BioBertNer(
        nlp.vocab,
        model,
        name,
        scheme=scheme,
        overwrite_ents=overwrite_ents,
        scorer=scorer,
    )


class BioBertNer(LabelledPipe):
    """Recognise entities by one tag per token.

    The scores of the tags are decoded under the grammar of the scheme, so that
    every entity is well formed and neither starts nor ends with whitespace.
    `span._.confidence` is the probability of an entity (see `decode_entities`).
    """

    annotation = "entities (doc.ents)"

    def __init__(
        self,
        vocab: Vocab,
        model: Model[list[Doc], list[Floats2d]],
        name: str = "ner",
        *,
        scheme: Scheme = "bio",
        overwrite_ents: bool = True,
        scorer: Callable[..., Any] | None = None,
    ) -> None:
        self.vocab = vocab
        self.model = model
        self.name = name
        self.scheme: Scheme = scheme
        self.overwrite_ents = overwrite_ents
        self.scorer = scorer
        self.cfg: dict[str, Any] = {"labels": []}
        add_span_confidence()

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
            entity has one of `labels`, or if the model has another number of
            outputs.
        """
        validate_get_examples(get_examples, "BioBertNer.initialize")
        found: set[str] = set()
        sample: list[Doc] = []
        for eg in get_examples():
            found.update(ent.label_ for ent in eg.reference.ents)
            if len(eg.reference) and len(sample) < N_SAMPLE:
                sample.append(eg.reference)
        self._set_labels(found, labels, sample)

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
            `doc.user_data["entity_confidences"]`.
        scores (list[Floats2d]): What `predict` gave for them.
        """
        docs = list(docs)
        ops = self.model.ops
        spaces = [numpy.zeros(0, bool), *(doc.to_array("IS_SPACE") for doc in docs)]
        logits = ops.reshape2f(ops.flatten(scores), -1, self.n_outputs)
        segments = decode_entities(
            ops.to_numpy(logits),  # type: ignore[no-untyped-call]
            [len(doc) for doc in docs],
            scheme=self.scheme,
            is_space=numpy.concatenate(spaces).astype(bool),
            is_closed=self._find_closed(docs),
        )
        ents: list[list[Span]] = [[] for _ in docs]
        confidences: list[dict[str, float]] = [{} for _ in docs]
        for i, start, end, label_id, confidence in zip(
            segments.docs.tolist(),
            segments.starts.tolist(),
            segments.ends.tolist(),
            segments.labels.tolist(),
            segments.confidences.tolist(),
            strict=True,
        ):
            label = self.labels[label_id]
            ents[i].append(Span(docs[i], start, end, label=label))
            confidences[i][f"{start}:{end}:{label}"] = confidence
        for doc, new, chances in zip(docs, ents, confidences, strict=True):
            kept = [] if self.overwrite_ents else list(doc.ents)
            doc.set_ents([*kept, *new])
            doc.user_data["entity_confidences"] = chances

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
        gradient.

        examples (Iterable[Example]): The examples.
        scores (list[Floats2d]): The model's output for their predicted docs.
        RETURNS (tuple[float, list[Floats2d]]): The softmax cross-entropy, in nats,
            as the mean over the annotated tokens of the batch; and its gradient,
            shaped as `scores`.
        """
        examples = list(examples)
        validate_examples(examples, "BioBertNer.get_loss")
        ops = self.model.ops
        n_tokens = ops.asarray1i([len(rows) for rows in scores])
        tags = [get_gold_tags(eg, self.labels, self.scheme) for eg in examples]
        classes = ops.asarray1i([tag for row in tags for tag in row.tolist()])
        logits = ops.reshape2f(ops.flatten(scores), len(classes), self.n_outputs)
        loss, d_logits = softmax_cross_entropy(ops, logits, classes)
        return loss, ops.unflatten(d_logits, n_tokens)
