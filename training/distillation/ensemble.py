"""Boosted trees, randomised trees and a linear model, which teach a network together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from numpy.typing import NDArray
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from training.datasets.tables import Rows
from training.distillation.boosted_trees import Truth, boosted_trees, fit_trees
from training.distillation.features import Features
from training.progress import Advance, nothing

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

MEMBERS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DistillationConfig:
    """How large the ensemble is, and how many rows it labels.

    Attributes:
        boosted_trees: Number of boosted trees for values; a third as many for classes.
        random_trees: Number of randomised trees.
        synthetic_rows: Largest number of rows that are labelled; there are 40 for each true row,
            but at least 20 000.
    """

    boosted_trees: int = 1500
    random_trees: int = 200
    synthetic_rows: int = 400_000


# Shares of the time that a fold takes, for the bar: boosted trees, the other members, predictions.
_BOOSTED_SHARE, _OTHERS_SHARE, PREDICTED_SHARE = 0.6, 0.15, 0.25


class _AfterTree:
    """Tells after every boosted tree how much more is done."""

    def __init__(self, advance: Advance, amount: float) -> None:
        self._advance, self._amount = advance, amount

    def after_iteration(self, _info: Any) -> bool:
        """Return whether to go on: CatBoost would catch the exception of an interruption."""
        try:
            self._advance(self._amount)
        except KeyboardInterrupt:
            return False
        return True


class Ensemble:
    """Boosted trees, randomised trees and a linear model.

    Args:
        features: Computes the features that the trees learn from.
        outputs: 1 for values; the number of classes for probabilities.
        config: Numbers of trees.
        seed: Seed of their random choices.
        threads: Number of cores to use.
    """

    def __init__(
        self,
        features: Features,
        outputs: int,
        config: DistillationConfig,
        *,
        seed: int,
        threads: int = 1,
    ) -> None:
        self._features, self._outputs = features, outputs
        self._is_value = outputs == 1
        # For classes CatBoost chooses the rate itself, by rows and trees, so fewer trees suffice.
        self._iterations = (
            config.boosted_trees if self._is_value else config.boosted_trees // 3 or 1
        )
        self._trees = self._new_trees(seed=seed, threads=threads)
        forest = ExtraTreesRegressor if self._is_value else ExtraTreesClassifier
        self._forest = forest(
            config.random_trees,
            min_samples_leaf=2,
            max_features=0.5,
            n_jobs=threads,
            random_state=seed,
        )

    def _new_trees(self, *, seed: int, threads: int) -> Any:
        options: dict[str, Any] = {"learning_rate": 0.06} if self._is_value else {}
        return boosted_trees(
            classes=not self._is_value,
            seed=seed,
            iterations=self._iterations,
            threads=threads,
            rsm=0.5,
            **options,
        )

    def fit(self, rows: Rows, target: Truth, *, advance: Advance = nothing) -> "Ensemble":
        """Learn from the training rows that the features remember.

        Args:
            rows: Training rows.
            target: Their values, or the codes of their class labels.
            advance: Tells how much more of a fold is done, three quarters in all.
        """
        flat = self._flatten(rows, known=True)
        width = flat.shape[1]
        self._category_columns = list(range(width - rows.categories.shape[1], width))
        # The boosted trees know which columns are categories; the others take them as numbers.
        self._trees = fit_trees(
            self._trees,
            self._frame(flat),
            target,
            cat_features=self._category_columns,
            callbacks=[_AfterTree(advance, _BOOSTED_SHARE / self._iterations)],
        )
        self._forest.fit(flat, target)
        # The linear model sees the raw columns: it cannot use neighbours or rotated pairs well.
        self._linear = _linear_model(rows, target, is_value=self._is_value)
        self._linear.fit(_raw_columns(rows), target)
        advance(_OTHERS_SHARE)
        return self

    def predict(self, rows: Rows) -> Doubles:
        """Return the prediction of each member.

        Shapes:
            (n, 3, outputs): boosted trees, randomised trees, linear model.
        """
        flat = self._flatten(rows, known=False)
        predictions = [
            self._predict_one(self._trees, self._frame(flat)),
            self._predict_one(self._forest, flat),
            self._predict_one(self._linear, _raw_columns(rows)),
        ]
        return np.stack(predictions, axis=1)

    def _predict_one(self, member: Any, features: Any) -> Doubles:
        if self._is_value:
            return np.asarray(member.predict(features))[:, np.newaxis]
        # The training rows may lack a class, which the member then does not know.
        probabilities = np.zeros((len(features), self._outputs))
        classes = np.ravel(member.classes_).astype(int)
        probabilities[:, classes] = member.predict_proba(features)
        return probabilities

    def _flatten(self, rows: Rows, *, known: bool) -> Floats:
        features = self._features.compute(rows, known=known)
        return np.hstack([features, rows.categories]).astype(np.float32)

    def _frame(self, flat: Floats) -> Any:
        """Wrap the columns so that categories are integers, as CatBoost requires."""
        return pd.DataFrame(flat).astype(dict.fromkeys(self._category_columns, np.int32))


def _raw_columns(rows: Rows) -> NDArray[Any]:
    return np.hstack([rows.numbers, rows.categories])


def _linear_model(rows: Rows, target: Truth, *, is_value: bool) -> Any:
    if not is_value and not np.ptp(target):
        return DummyClassifier()
    numbers = rows.numbers.shape[1]
    everything = numbers + rows.categories.shape[1]
    last = RidgeCV(np.logspace(-2, 4, 13)) if is_value else LogisticRegression(max_iter=1000)
    return make_pipeline(_preparation(range(numbers), range(numbers, everything)), last)


def _preparation(numbers: Sequence[int], categories: Sequence[int]) -> Any:
    scale = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())
    one_hot = OneHotEncoder(handle_unknown="ignore")
    return make_column_transformer((scale, list(numbers)), (one_hot, list(categories)))
