"""CatBoost's trees, also where there is nothing to learn."""

from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from catboost import CatBoostClassifier, CatBoostRegressor
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier, DummyRegressor

from training.datasets.tables import Rows

# Values, or the codes of class labels.
Truth = NDArray[Any]


def is_codes(target: Truth) -> bool:
    """Say whether targets are codes of class labels, and not values."""
    return target.dtype.kind == "i"


def boosted_trees(
    *, classes: bool, seed: int, iterations: int, threads: int, **options: Any
) -> Any:
    """Return boosted trees that are not fitted yet.

    Args:
        classes: Whether they predict probabilities of classes instead of values.
        seed: Seed of their random choices.
        iterations: Number of trees.
        threads: Number of cores to use.
        **options: Further options of CatBoost.
    """
    build = CatBoostClassifier if classes else CatBoostRegressor
    return build(
        iterations=iterations,
        random_seed=seed,
        thread_count=threads,
        verbose=0,
        allow_writing_files=False,
        **options,
    )


def fit_trees(trees: Any, features: Any, target: Truth, **options: Any) -> Any:
    """Fit boosted trees, or a constant where all features or all targets are equal.

    CatBoost refuses to learn from equal features or targets.
    """
    if np.ptp(target) and pd.DataFrame(features).nunique(dropna=False).max() > 1:
        return trees.fit(features, target, **options)
    constant = DummyRegressor if isinstance(trees, CatBoostRegressor) else DummyClassifier
    return constant().fit(features, target)


def important_columns(rows: Rows, target: Truth, *, seed: int, most: int) -> list[int]:
    """Return the number columns that quick trees use most, the most used first.

    Args:
        rows: Training rows.
        target: Their values, or the codes of their class labels.
        seed: Seed of the trees.
        most: Largest number of columns.
    """
    if rows.numbers.shape[1] == 0:
        return []
    trees = boosted_trees(classes=is_codes(target), seed=seed, iterations=100, threads=1)
    fitted = fit_trees(trees, rows.numbers, target)
    if isinstance(fitted, DummyClassifier | DummyRegressor):
        return []
    order = np.argsort(-fitted.get_feature_importance(), kind="stable")
    return [int(column) for column in order[:most]]
