"""CatBoost with its defaults, and tuned by the validation part."""

from pathlib import Path

import numpy as np

from tests.training.conftest import table_config
from training.experiments.catboost import CatBoost
from training.experiments.tables.data import read


def rmse(values: np.ndarray, y: np.ndarray) -> float:
    return float(np.sqrt(np.mean((values - y) ** 2)))


def test_search_chooses_the_candidate_with_the_smallest_validation_error(
    rents: Path, tmp_path: Path
) -> None:
    parts = read(table_config(rents, tmp_path))
    catboost = CatBoost(parts)

    chosen = catboost.search(3, seed=0)

    first = catboost.search(1, seed=0)
    errors = [
        rmse(catboost.predict_tuned(parts.validation, each, seed=0), parts.validation.y)
        for each in (chosen, first)
    ]
    assert chosen != first
    assert errors[0] < errors[1]


def test_defaults_of_catboost_learn_the_rows(rents: Path, tmp_path: Path) -> None:
    parts = read(table_config(rents, tmp_path))

    values = CatBoost(parts).predict_with_defaults(parts.test, seed=0)

    assert rmse(values, parts.test.y) < 0.5 * parts.test.y.std()
