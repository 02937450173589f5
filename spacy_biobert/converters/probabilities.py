"""What probabilities mean, and how they are written."""

from collections.abc import Sequence

# A category applies from this probability on; gold ones have 1.0 or 0.0.
APPLIES = 0.5
# The attribute of a mention that holds its probability.
CONFIDENCE = "confidence"
# Digits after the point: float32 has no more to say.
DIGITS = 6


def split_confidence(
    attributes: Sequence[str],
) -> tuple[float | None, tuple[str, ...]]:
    """Take the probability of a mention from its attributes.

    attributes (Sequence[str]): "Name" or "Name=value"; the probability is the last one
        if it is there, as Python writes it.
    RETURNS (tuple): The probability, None if there is none; and the other attributes.
    """
    name, _, value = attributes[-1].partition("=") if attributes else ("", "", "")
    if name != CONFIDENCE or not _is_probability(value):
        return None, tuple(attributes)
    return float(value), tuple(attributes[:-1])


def _is_probability(text: str) -> bool:
    try:
        return repr(float(text)) == text and 0 <= float(text) <= 1
    except ValueError:
        return False
