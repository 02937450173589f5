"""Make the confidence of an entity the share of such entities that are right.

The model's own probability p becomes sigmoid(logit(p) / temperature + bias). A
temperature alone moves all chances towards one half or away from it; the bias is for
chances that are too high at every height, as those of a whole entity are, because the
model takes the errors of its tokens for independent. The order stays as it is.
"""

from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray
from scipy.optimize import minimize

Floats = NDArray[numpy.float64]

# Chances nearer to 0 and 1 have no logit that could be trusted.
NEAREST = 1e-9
# No corpus is so odd that its best fit lies outside.
LIMITS = ((0.05, 20.0), (-10.0, 10.0))


@dataclass(frozen=True, slots=True)
class Calibration:
    """How chances are changed; as it is here, not at all."""

    temperature: float = 1.0
    bias: float = 0.0

    def apply(self, chances: Floats) -> Floats:
        """Change the model's own chances, 0-1, into calibrated ones, 0-1."""
        if self == Calibration():
            return chances
        return _sigmoid(_logit(chances) / self.temperature + self.bias)

    def undo(self, chance: float) -> float:
        """Give the model's own chance that becomes the calibrated one."""
        if self == Calibration():
            return chance
        logit = _logit(numpy.array(chance))
        return float(_sigmoid((logit - self.bias) * self.temperature))


def fit_calibration(chances: Floats, are_right: NDArray[numpy.bool_]) -> Calibration:
    """Find the calibration under which what is right is most probable.

    chances (NDArray): The model's own, 0-1, [N], at least one.
    are_right (NDArray): Whether each was right, bool, [N].
    RETURNS (Calibration): The best one.
    SOURCE: Platt (1999), section 2.2, with its targets a little inside of 0 and 1;
        Guo et al. (2017), section 4.2, https://arxiv.org/abs/1706.04599
    """
    n_right = int(are_right.sum())
    n_wrong = len(are_right) - n_right
    targets = numpy.where(are_right, (n_right + 1) / (n_right + 2), 1 / (n_wrong + 2))
    logits = _logit(chances)

    def loss(weights: Floats) -> tuple[float, Any]:
        z = weights[0] * logits + weights[1]
        slope = _sigmoid(z) - targets
        value = (numpy.logaddexp(0.0, z) - targets * z).mean()
        return value, numpy.array([(slope * logits).mean(), slope.mean()])

    found = minimize(loss, [1.0, 0.0], jac=True, method="L-BFGS-B", bounds=LIMITS)
    return Calibration(temperature=float(1 / found.x[0]), bias=float(found.x[1]))


def _logit(chances: Floats) -> Floats:
    p = numpy.clip(chances, NEAREST, 1 - NEAREST)
    return numpy.log(p / (1 - p))


def _sigmoid(z: Floats) -> Floats:
    return 1 / (1 + numpy.exp(-z))
