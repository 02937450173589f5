"""The attributes that the library adds to spaCy's Doc and Span."""

from spacy.tokens import Span


def add_span_confidence() -> None:
    """Add `span._.confidence`: the probability of an entity, or None if unknown."""
    if not Span.has_extension("confidence"):
        Span.set_extension("confidence", getter=_get_confidence)


def _get_confidence(span: Span) -> float | None:
    confidences = span.doc.user_data.get("entity_confidences", {})
    confidence: float | None = confidences.get(f"{span.start}:{span.end}:{span.label_}")
    return confidence
