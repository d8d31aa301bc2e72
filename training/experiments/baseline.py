"""The table network beside CatBoost with its defaults: on the same rows, with several seeds.

References:
    Prokhorenkova et al. (2018), CatBoost: unbiased boosting with categorical features,
    arXiv:1706.09516.
"""

from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from catboost import CatBoostRegressor
from numpy.typing import NDArray

from training.architectures.table_inputs import predict
from training.catboost_comparison import (
    CatBoostComparison,
    Part,
    ScoredRows,
    compare_predictions,
    describe_comparison,
    write_comparison,
)
from training.datasets.tables import TablePart, TableParts
from training.errors import CannotTrain
from training.evaluation.scores import Values
from training.experiments.tables import TableConfig
from training.experiments.tables.data import describe_table, read
from training.experiments.tables.learn import learn
from training.progress import console
from vitrine.signature import CategoryInput


def compare(config: TableConfig, *, seeds: int, part: Part, out: Path) -> Path:
    """Train both models with several seeds on the same rows, and write their scores.

    The split is that of the config's seed. The network uses the validation part to stop;
    CatBoost's defaults do not use it.

    Args:
        config: What the network is trained with.
        seeds: Number of seeds.
        part: Part that is scored.
        out: File to write.

    Returns:
        The written file.

    Raises:
        CannotTrain: The data does not allow it.
    """
    parts = read(config)
    describe_table(parts, {})
    _require_regression(parts)
    scored: TablePart = getattr(parts, part)
    network, catboost = [], []
    for seed in range(config.seed, config.seed + seeds):
        fitted = learn(parts, config.learning, seed=seed).network
        network.append(predict(fitted, scored.rows)["value"])
        catboost.append(_predict_by_catboost(parts, scored, seed=seed))
        console.print(
            f"seed {seed}: network {_rmse(network[-1], scored.y):.6g}, "
            f"CatBoost {_rmse(catboost[-1], scored.y):.6g}"
        )
    comparison = _compare(network, catboost, parts, part)
    write_comparison(out, comparison)
    console.print(describe_comparison(comparison))
    return out


def _require_regression(parts: TableParts) -> None:
    if parts.target.task != "regression":
        raise CannotTrain(
            "A comparison with CatBoost needs a numeric target. For class labels use "
            "cross-validate, which compares with scikit-learn's boosted trees."
        )


def _compare(
    network: list[Values], catboost: list[Values], parts: TableParts, part: Part
) -> CatBoostComparison:
    scored = ScoredRows(
        data_sha256=parts.sha256,
        target=parts.target.name,
        part=part,
        trained=len(parts.train),
        y=getattr(parts, part).y,
    )
    return compare_predictions(np.stack(network), np.stack(catboost), scored)


def _predict_by_catboost(parts: TableParts, scored: TablePart, *, seed: int) -> Values:
    categories = [spec.name for spec in parts.specs if isinstance(spec, CategoryInput)]
    training, test = (
        pd.DataFrame(dict(part.instances)).fillna(dict.fromkeys(categories, ""))
        for part in (parts.train, scored)
    )
    trees = CatBoostRegressor(random_seed=seed, verbose=0, allow_writing_files=False)
    trees.fit(training, parts.train.y, cat_features=categories)
    values: Values = trees.predict(test).astype(np.float32)
    return values


def _rmse(values: NDArray[np.floating], y: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean((values - y) ** 2)))
