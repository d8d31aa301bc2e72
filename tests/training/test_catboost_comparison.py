"""The paired difference of two kinds of model and how sure it is."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.conftest import table_config
from training.catboost_comparison import (
    ScoredRows,
    compare_predictions,
    describe_comparison,
    read_comparison,
    write_comparison,
)
from training.errors import CannotTrain
from training.experiments import baseline, tables
from training.experiments.tables.data import read

ONES = np.ones((1, 4), dtype=np.float32)
SCORED = ScoredRows(data_sha256="abc", target="rent", part="test", trained=10, y=np.zeros(4))


def test_difference_is_paired_by_seed() -> None:
    network = np.array([[1, 1, 1, 1], [3, 3, 3, 3]], dtype=np.float32)
    catboost = np.array([[2, 2, 2, 2], [4, 4, 4, 4]], dtype=np.float32)

    comparison = compare_predictions(network, catboost, SCORED)

    assert (comparison.network, comparison.catboost) == ((1.0, 3.0), (2.0, 4.0))
    assert comparison.difference == -1
    assert comparison.error_of_seeds == 0
    assert comparison.error_of_rows == 0


def test_difference_of_equal_errors_on_other_rows_is_unsure() -> None:
    network = np.array([[0, 2, 0, 2]], dtype=np.float32)
    catboost = np.array([[2, 0, 2, 0]], dtype=np.float32)

    comparison = compare_predictions(network, catboost, SCORED)

    assert comparison.difference == 0
    assert comparison.error_of_rows == pytest.approx(
        np.std([-4, 4, -4, 4], ddof=1) / 2 / (2 * np.sqrt(2))
    )


def test_comparison_of_other_data_is_refused(tmp_path: Path) -> None:
    write_comparison(tmp_path / "c.json", compare_predictions(ONES, ONES, SCORED))

    with pytest.raises(CannotTrain, match="compares on other data"):
        read_comparison(tmp_path / "c.json", data_sha256="abd", target="rent")


def test_file_that_is_no_comparison_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text("{}")

    with pytest.raises(CannotTrain, match="is no comparison"):
        read_comparison(tmp_path / "c.json", data_sha256="abc", target="rent")


def test_baseline_is_put_on_the_card(rents: Path, tmp_path: Path) -> None:
    config = table_config(rents, tmp_path / "models")
    file = baseline.compare(config, seeds=1, part="validation", out=tmp_path / "c.json")

    folder = tables.train(replace(config, comparison=file))

    comparison = read_comparison(file, data_sha256=read(config).sha256, target="rent")
    assert (comparison.trained, comparison.scored) == (84, 12)
    assert describe_comparison(comparison) in (folder / "CARD.md").read_text()
