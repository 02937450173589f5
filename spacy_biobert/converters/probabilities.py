"""What probabilities mean, and how they are written."""

# A category applies from this probability on; gold ones have 1.0 or 0.0.
APPLIES = 0.5
# The attribute of a mention that holds its probability.
CONFIDENCE = "confidence"
# Digits after the point: float32 has no more to say.
DIGITS = 6
