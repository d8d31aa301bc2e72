"""Columns that give the target away, because they were probably made from it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata  # type: ignore[import-untyped]
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.tree import DecisionTreeRegressor

from training.progress import Advance, nothing

# A column that alone explains this share of the target was probably made from it.
_MIN_R2 = 0.99
_MIN_ROWS = 10
_MAX_ROWS = 20_000
_MAX_VALUES = 254
# Probability that a value which always occurs with the rarer of two outcomes does so by accident.
_MAX_CHANCE = 1e-9


def find_leaking_columns(
    instances: Mapping[str, NDArray[Any]],
    target: NDArray[np.float64],
    *,
    seed: int,
    advance: Advance = nothing,
) -> dict[str, str]:
    """Return the columns that give the target away, with the reason.

    Args:
        instances: Raw values of the training rows, by column name.
        target: Target of the same rows.
        seed: Seed of the choice of rows, where there are more than 20 000.
        advance: Tells that one more column has been looked at.
    """
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(target))[:_MAX_ROWS]
    leaks = {}
    for name, values in instances.items():
        reason = _leak(_as_numbers(values[rows]), target[rows])
        if reason:
            leaks[name] = reason
        advance(1)
    return leaks


def _as_numbers(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return numbers with missing ones below all others, and texts by their rank."""
    if values.dtype == object:
        texts = np.array(["" if text is None else text for text in values])
        return np.unique(texts, return_inverse=True)[1].astype(np.float64)
    numbers = values.astype(np.float64)
    known = numbers[~np.isnan(numbers)]
    lowest = known.min() - 1 if len(known) else 0.0
    return np.where(np.isnan(numbers), lowest, numbers)


def _leak(values: NDArray[np.float64], target: NDArray[np.float64]) -> str:
    """Return why a column gives the target away, or an empty text."""
    if not target.std() or not values.std() or len(target) < _MIN_ROWS:
        return ""
    explained = _explained(values, target)
    if len(np.unique(target)) > 2:
        # Ranks show what a few huge targets would hide, such as the logarithm of the target.
        explained = max(explained, _explained(values, rankdata(target)))
    if explained > _MIN_R2:
        return f"alone explains {explained:.2%} of the target"
    return _rare_outcome_leak(values, target)


def _explained(values: NDArray[np.float64], target: NDArray[np.float64]) -> float:
    """Return the R2 of a straight line, or of a tree on rows that it was not fitted on."""
    straight = np.corrcoef(values, target)[0, 1] ** 2
    tree = DecisionTreeRegressor(min_samples_leaf=2, random_state=0)
    folds = KFold(5, shuffle=True, random_state=0)
    predicted = cross_val_predict(tree, values[:, np.newaxis], target, cv=folds)
    return float(max(straight, 1 - np.mean((predicted - target) ** 2) / target.var()))


def _rare_outcome_leak(values: NDArray[np.float64], target: NDArray[np.float64]) -> str:
    """Return the reason if some value only occurs with the rarer of two outcomes."""
    outcomes, counts = np.unique(target, return_counts=True)
    if len(outcomes) != 2:
        return ""
    rare = outcomes[counts.argmin()]
    share = counts.min() / len(target)
    for value in np.unique(values)[:_MAX_VALUES]:
        with_value = target[values == value]
        if np.all(with_value == rare) and share ** len(with_value) < _MAX_CHANCE:
            return f"has a value that occurs {len(with_value)} times, always with the rarer outcome"
    return ""
