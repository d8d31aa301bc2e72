"""Temperatures, on probabilities made to be known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from training.calibration.temperature import apply_temperature, fit_temperature

Values = NDArray[np.float32]
Codes = NDArray[np.int64]


def probabilities_of(logits: NDArray[np.float64]) -> Values:
    """Return the softmax of each row."""
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


def made_up(n: int, classes: int = 5) -> tuple[NDArray[np.float64], Codes]:
    """Make logits, and labels drawn with the probabilities that these stand for."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (n, classes))
    # The largest of logits with Gumbel noise is a draw from their softmax.
    labels = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    return logits, labels


@pytest.mark.parametrize("sharpened", [0.4, 1.0, 3.0], ids=["dulled", "as it is", "sharpened"])
def test_temperature_is_the_one_that_logits_were_sharpened_with(sharpened: float) -> None:
    logits, labels = made_up(8_000)

    found = fit_temperature(probabilities_of(sharpened * logits), labels)

    assert found == pytest.approx(sharpened, rel=0.06)


@pytest.mark.parametrize("share", [0.9, 1.0], ids=["sure", "certain"])
def test_temperature_is_finite_where_every_answer_is_right(share: float) -> None:
    labels = np.arange(12) % 3
    probabilities = np.full((12, 3), (1 - share) / 2, dtype=np.float32)
    probabilities[np.arange(12), labels] = share

    found = fit_temperature(probabilities, labels)

    assert 1 / 25 < found < 25
    after = apply_temperature(probabilities, found)
    np.testing.assert_allclose(after.sum(axis=1), 1, rtol=1e-6)
    assert (after.argmax(axis=1) == labels).all()


def test_temperature_is_finite_where_every_answer_is_certain_and_wrong() -> None:
    probabilities = np.eye(3, dtype=np.float32)

    found = fit_temperature(probabilities, np.array([1, 2, 0]))

    assert 1 < found < 25


def test_temperature_of_one_changes_nothing() -> None:
    probabilities = probabilities_of(made_up(50)[0])

    np.testing.assert_allclose(apply_temperature(probabilities, 1.0), probabilities, rtol=1e-5)


def test_temperature_divides_logits() -> None:
    logits, _ = made_up(50)

    np.testing.assert_allclose(
        apply_temperature(probabilities_of(logits), 2.5), probabilities_of(logits / 2.5), 1e-5
    )


def test_certain_probabilities_can_be_tempered() -> None:
    after = apply_temperature(np.eye(3, dtype=np.float32), 20.0)

    assert np.isfinite(after).all()
    assert (after.argmax(axis=1) == np.arange(3)).all()
