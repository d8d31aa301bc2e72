"""The table network beside CatBoost's defaults: same rows, several seeds, paired.

References:
    Prokhorenkova et al. (2018), CatBoost: unbiased boosting with categorical features,
    arXiv:1706.09516.
"""

from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from catboost import CatBoostRegressor
from numpy.typing import NDArray

from training.architectures.tables import predict
from training.catboost_comparison import (
    Part,
    ScoredRows,
    compare_predictions,
    describe_comparison,
    write_comparison,
)
from training.datasets.tables import TablePart, TableParts
from training.errors import CannotTrain
from training.evaluation.scores import Values
from training.experiments.tables import Config, learn, read, tell
from training.progress import console
from vitrine.signature import CategoryInput


def compare(config: Config, *, seeds: int, part: Part, out: Path) -> Path:
    """Train both with several seeds on the same rows and write what they score.

    The split is that of the config's seed throughout; the network stops by the validation part,
    which CatBoost's defaults have no use for.

    Returns:
        The written file.

    Raises:
        CannotTrain: The data does not allow it.
    """
    parts = read(config)
    tell(parts, {})
    if parts.target.task != "regression":
        raise CannotTrain(
            "A comparison with CatBoost needs a numeric target; of class labels, use "
            "cross-validate, which compares with scikit-learn's boosted trees."
        )
    scored: TablePart = getattr(parts, part)
    network, catboost = [], []
    for seed in range(config.seed, config.seed + seeds):
        network.append(
            predict(learn(parts, config.learning, seed=seed).network, scored.rows)["value"]
        )
        catboost.append(_catboost(parts, scored, seed=seed))
        console.print(
            f"seed {seed}: network {_rmse(network[-1], scored.y):.6g}, "
            f"CatBoost {_rmse(catboost[-1], scored.y):.6g}"
        )
    comparison = compare_predictions(
        np.stack(network),
        np.stack(catboost),
        ScoredRows(
            data_sha256=parts.sha256,
            target=parts.target.name,
            part=part,
            trained=len(parts.train),
            y=scored.y,
        ),
    )
    write_comparison(out, comparison)
    console.print(describe_comparison(comparison))
    return out


def _catboost(parts: TableParts, scored: TablePart, *, seed: int) -> Values:
    texts = [spec.name for spec in parts.specs if isinstance(spec, CategoryInput)]
    frames = [
        pd.DataFrame(dict(part.instances)).fillna(dict.fromkeys(texts, ""))
        for part in (parts.train, scored)
    ]
    trees = CatBoostRegressor(random_seed=seed, verbose=0, allow_writing_files=False)
    trees.fit(frames[0], parts.train.y, cat_features=texts)
    values: Values = trees.predict(frames[1]).astype(np.float32)
    return values


def _rmse(values: NDArray[np.floating], y: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean((values - y) ** 2)))
