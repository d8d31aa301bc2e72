"""Learning curves: equal beginnings, subsets of each size, and the part that is scored."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.training.studies.conftest import (
    QUICK,
    SMALL,
    assert_holds_one_table_and_one_plot,
    read_results,
    read_table,
)
from training.errors import CannotTrain
from training.studies import learning_curve
from training.studies.data import StudyData


def curve_config(out: Path, **options: Any) -> learning_curve.LearningCurveConfig:
    config = learning_curve.LearningCurveConfig(command="x", out=out, hidden=SMALL, fitting=QUICK)
    return replace(config, **{"sizes": (12, 48), "repeats": 1, **options})


@pytest.fixture(scope="module")
def curved(points: StudyData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished learning curve."""
    return learning_curve.run(points, curve_config(tmp_path_factory.mktemp("curve")))


def test_study_leaves_one_table_and_one_plot(curved: Path) -> None:
    assert_holds_one_table_and_one_plot(curved)


def test_finished_study_runs_nothing_again(points: StudyData, curved: Path) -> None:
    runs, table = ((curved / name).read_text() for name in ("runs.jsonl", "table.csv"))

    learning_curve.run(points, curve_config(curved))

    assert (curved / "runs.jsonl").read_text() == runs
    assert (curved / "table.csv").read_text() == table


def test_networks_of_a_learning_curve_begin_alike(rent_data: StudyData, tmp_path: Path) -> None:
    still = curve_config(tmp_path / "study", fitting=replace(QUICK, learning_rate=1e-12), repeats=2)

    folder = learning_curve.run(rent_data, replace(still, sizes=(12, 84)))

    errors = [result["validation"]["rmse"] for result in read_results(folder)]
    assert len(errors) == 4
    assert errors == pytest.approx([errors[0]] * 4, rel=1e-6)


def test_learning_curve_scores_each_size(curved: Path) -> None:
    rows = read_table(curved)

    assert [row["size"] for row in rows] == ["12", "48"]
    assert 0 <= float(rows[0]["accuracy validation mean"]) <= 1
    assert float(rows[1]["log_loss train std"]) == 0


def test_test_part_is_scored_only_on_request(
    points: StudyData, curved: Path, tmp_path: Path
) -> None:
    config = curve_config(tmp_path / "study", part="test", sizes=(12,))

    (on_test,) = read_results(learning_curve.run(points, config))

    usual = read_results(curved)[0]
    assert "test" not in usual
    assert "validation" not in on_test
    assert on_test["test"] != usual["validation"]


def test_subsets_of_a_size_differ(points: StudyData, tmp_path: Path) -> None:
    config = curve_config(tmp_path / "study", sizes=(12,), repeats=2)

    first, second = read_results(learning_curve.run(points, config))

    assert first["train"] != second["train"]


def test_size_beyond_the_data_is_refused(points: StudyData, tmp_path: Path) -> None:
    with pytest.raises(CannotTrain, match=r"larger than the 60 training instances\. Received: 61"):
        learning_curve.run(points, curve_config(tmp_path / "study", sizes=(61,)))
