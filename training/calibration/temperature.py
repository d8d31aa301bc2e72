"""The number that logits are divided by, so that probabilities mean what they say.

References:
    Guo, Pleiss, Sun, Weinberger (2017), On calibration of modern neural networks, arXiv:1706.04599.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import optimize  # type: ignore[import-untyped]

Probabilities = NDArray[np.float32]
Codes = NDArray[np.int64]

_LEAST_PROBABILITY = 1e-38  # the smallest that a float32 holds with all its digits


def fit_temperature(probabilities: Probabilities, y: Codes) -> float:
    """Find the temperature that gives the true labels the highest likelihood.

    Where every most probable label is right, the likelihood is highest at a temperature near 0,
    which would turn every probability into certainty. The temperature is then 1 at least.

    Shapes:
        probabilities: (n, classes); y: (n,), codes of the true labels.
    """
    logits = _logits(probabilities)
    truth = np.arange(len(y)), y

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        scaled -= scaled.max(axis=1, keepdims=True)
        return float(np.mean(np.log(np.exp(scaled).sum(axis=1)) - scaled[truth]))

    is_faultless = bool((probabilities.argmax(axis=1) == y).all())
    # Bounds of the logarithm: the temperature is at most twentyfold, either way.
    bounds = (0.0 if is_faultless else -3.0, 3.0)
    optimum = optimize.minimize_scalar(loss, bounds=bounds, method="bounded")
    return float(np.exp(optimum.x))


def apply_temperature(probabilities: Probabilities, temperature: float) -> Probabilities:
    """Return the probabilities after their logits are divided by a temperature.

    Shapes:
        probabilities and result: (n, classes).
    """
    logits = _logits(probabilities) / temperature
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares = weights / weights.sum(axis=1, keepdims=True)
    return np.asarray(shares, dtype=np.float32)


def _logits(probabilities: Probabilities) -> NDArray[np.float64]:
    logits: NDArray[np.float64] = np.log(
        np.maximum(probabilities.astype(np.float64), _LEAST_PROBABILITY)
    )
    return logits
