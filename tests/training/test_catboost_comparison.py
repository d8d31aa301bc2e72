"""The paired difference of two kinds of model and how sure it is."""

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.training.conftest import table_config
from tests.training.made_tables import PLAIN
from training.catboost_comparison import (
    CatBoostComparison,
    PairedErrors,
    PredictionsBySeed,
    ScoredRows,
    Tuning,
    compare_predictions,
    describe_comparison,
    read_comparison,
    write_comparison,
)
from training.errors import CannotTrain
from training.experiments import baseline, tables
from training.experiments.tables.data import read

SCORED = ScoredRows(data_sha256="abc", target="rent", part="test", trained=10, y=np.zeros(4))
TUNING = Tuning(candidates=3, hyper_parameters={"depth": 5, "learning_rate": 0.03})


def compare_errors(
    network: list[list[float]],
    *,
    defaults: list[list[float]] | None = None,
    tuned: list[list[float]] | None = None,
) -> CatBoostComparison:
    """Compare predictions of rows whose targets are 0, so that each prediction is an error."""
    arrays = [np.array(each or network, dtype=np.float32) for each in (network, defaults, tuned)]
    return compare_predictions(PredictionsBySeed(*arrays), SCORED, TUNING)


def test_difference_is_paired_by_seed() -> None:
    comparison = compare_errors([[1, 1, 1, 1], [3, 3, 3, 3]], defaults=[[2, 2, 2, 2], [4, 4, 4, 4]])

    assert comparison.network == (1.0, 3.0)
    assert comparison.defaults == PairedErrors(
        errors=(2.0, 4.0), difference=-1, error_of_rows=0, error_of_seeds=0
    )


def test_difference_of_equal_errors_on_other_rows_is_unsure() -> None:
    comparison = compare_errors([[0, 2, 0, 2]], tuned=[[2, 0, 2, 0]])

    assert comparison.tuned.difference == 0
    assert comparison.tuned.error_of_rows == pytest.approx(
        np.std([-4, 4, -4, 4], ddof=1) / 2 / (2 * np.sqrt(2))
    )


def test_description_says_which_catboost_a_difference_belongs_to() -> None:
    text = describe_comparison(
        compare_errors([[3, 3, 3, 3]], defaults=[[4, 4, 4, 4]], tuned=[[2, 2, 2, 2]])
    )

    assert "of CatBoost with its defaults is 4: the paired difference is -1 (-25.0%)" in text
    assert "of CatBoost tuned by validation is 2: the paired difference is +1 (+50.0%)" in text
    assert "from 3 random ones (depth 5, learning_rate 0.03)" in text


def test_comparison_of_other_data_is_refused(tmp_path: Path) -> None:
    write_comparison(tmp_path / "c.json", compare_errors([[1, 1, 1, 1]]))

    with pytest.raises(CannotTrain, match="compares on other data"):
        read_comparison(tmp_path / "c.json", data_sha256="abd", target="rent")


def test_file_that_is_no_comparison_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text("{}")

    with pytest.raises(CannotTrain, match="is no comparison"):
        read_comparison(tmp_path / "c.json", data_sha256="abc", target="rent")


def test_baseline_is_put_on_the_card(rents: Path, tmp_path: Path) -> None:
    config = table_config(rents, tmp_path / "models")
    file = baseline.compare(
        config, seeds=1, part="validation", out=tmp_path / "c.json", candidates=2
    )

    folder = tables.train(replace(config, comparison=file))

    comparison = read_comparison(file, data_sha256=read(config).sha256, target="rent")
    assert (comparison.trained, comparison.scored) == (84, 12)
    assert describe_comparison(comparison) in (folder / "CARD.md").read_text()


def test_error_over_seeds_is_told_only_of_several_seeds() -> None:
    of_one = describe_comparison(compare_errors([[1, 1, 1, 1]]))
    of_two = describe_comparison(compare_errors([[1, 1, 1, 1], [2, 2, 2, 2]]))

    assert "with 1 seed," in of_one
    assert "over seeds" not in of_one
    assert "over seeds" in of_two


def test_comparison_beside_another_network_is_refused(rents: Path, tmp_path: Path) -> None:
    config = table_config(rents, tmp_path / "models")
    comparison = msgspec.structs.replace(
        compare_errors([[1, 1, 1, 1]]), data_sha256=read(config).sha256
    )
    write_comparison(tmp_path / "c.json", comparison)
    beside = replace(config, comparison=tmp_path / "c.json")

    with pytest.raises(CannotTrain, match="networks of 10 training rows, and this one has 84"):
        tables.train(beside)
    with pytest.raises(CannotTrain, match="Leave out --baseline, or --hidden"):
        tables.train(replace(beside, learning=tables.LearningConfig(plain=PLAIN)))
