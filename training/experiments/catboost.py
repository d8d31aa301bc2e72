"""CatBoost with its defaults, and with the hyper-parameters that the validation part chose.

References:
    Prokhorenkova et al. (2018), CatBoost: unbiased boosting with categorical features,
    arXiv:1706.09516.
    Bergstra and Bengio (2012), Random search for hyper-parameter optimization, JMLR 13.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from catboost import CatBoostRegressor
from sklearn.model_selection import ParameterSampler

from training.datasets.tables import TablePart, TableParts
from training.evaluation.scores import Values
from training.progress import console, stretch, track
from vitrine.signature import CategoryInput

HyperParameters = Mapping[str, float]

_SEARCHED = {
    "depth": [4, 5, 6, 7, 8],
    "learning_rate": [0.03, 0.05, 0.08, 0.12, 0.2],
    "l2_leaf_reg": [1.0, 2.0, 4.0, 8.0, 16.0],
    "random_strength": [0.1, 0.3, 1.0, 3.0],
    "bagging_temperature": [0.0, 0.3, 1.0, 3.0],
    "rsm": [0.6, 0.8, 1.0],
}
# Trees are added until so many in a row have not made the validation error smaller.
_MOST_TREES, _WAIT = 3000, 100


@dataclass(frozen=True, slots=True)
class CatBoost:
    """Trains CatBoost on the training part of a table whose target is a number.

    Attributes:
        parts: The table.
    """

    parts: TableParts

    def predict_with_defaults(self, scored: TablePart, *, seed: int) -> Values:
        """Train with the defaults, and predict a part.

        Shapes:
            Returns (n,).
        """
        trees = CatBoostRegressor(random_seed=seed, verbose=0, allow_writing_files=False)
        frame, y = self._frame(self.parts.train), self.parts.train.y
        with stretch(f"CatBoost learns with its defaults, seed {seed}"):
            trees.fit(frame, y, cat_features=self._categories)
        return self._predict(trees, scored)

    def predict_tuned(
        self, scored: TablePart, hyper_parameters: HyperParameters, *, seed: int
    ) -> Values:
        """Train with other hyper-parameters and as many trees as validation wants; predict a part.

        Shapes:
            Returns (n,).
        """
        with stretch(f"CatBoost learns as tuned, seed {seed}"):
            trees = self._fit_tuned(hyper_parameters, seed=seed)
        return self._predict(trees, scored)

    def search(self, candidates: int, *, seed: int) -> HyperParameters:
        """Return the hyper-parameters with the smallest validation error of random candidates."""
        drawn = list(ParameterSampler(_SEARCHED, candidates, random_state=seed))
        errors = []
        for number, candidate in enumerate(track(drawn, "candidates"), start=1):
            errors.append(self._fit_tuned(candidate, seed=seed).best_score_["validation"]["RMSE"])
            console.print(
                f"CatBoost, candidate {number} of {candidates}: validation RMSE {errors[-1]:.6g}"
            )
        return dict(drawn[int(np.argmin(errors))])

    def _fit_tuned(self, hyper_parameters: HyperParameters, *, seed: int) -> CatBoostRegressor:
        validation = self.parts.validation
        trees = CatBoostRegressor(
            **hyper_parameters,
            iterations=_MOST_TREES,
            random_seed=seed,
            verbose=0,
            allow_writing_files=False,
        )
        return trees.fit(
            self._frame(self.parts.train),
            self.parts.train.y,
            cat_features=self._categories,
            eval_set=(self._frame(validation), validation.y),
            early_stopping_rounds=_WAIT,
        )

    def _predict(self, trees: CatBoostRegressor, scored: TablePart) -> Values:
        values: Values = trees.predict(self._frame(scored)).astype(np.float32)
        return values

    @property
    def _categories(self) -> list[str]:
        return [spec.name for spec in self.parts.specs if isinstance(spec, CategoryInput)]

    def _frame(self, part: TablePart) -> pd.DataFrame:
        return pd.DataFrame(dict(part.instances)).fillna(dict.fromkeys(self._categories, ""))
