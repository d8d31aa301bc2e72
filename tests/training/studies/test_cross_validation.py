"""Cross-validation: folds of a table or of pictures, and how a study continues."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from tests.training.studies.conftest import (
    SMALL,
    assert_holds_one_table_and_one_plot,
    bright_pictures,
    read_results,
    read_table,
)
from training.datasets.column_kinds import Overrides
from training.datasets.table_splits import Split, split_rows
from training.datasets.tables import read_table_data
from training.datasets.targets import Task
from training.errors import CannotTrain
from training.experiments import tables
from training.fitting import Fitting
from training.studies import cross_validation
from training.studies.data import DataSelection, StudyData
from training.studies.folds import make_folds
from training.studies.networks import LearningTask

LIVELY = Fitting(epochs=8, batch_size=4, learning_rate=1e-2)


PLAIN = tables.LearningConfig(plain=tables.PlainNetwork(hidden=SMALL, fitting=Fitting(epochs=2)))


def fold_config(out: Path) -> cross_validation.CrossValidationConfig:
    return cross_validation.CrossValidationConfig(command="x", out=out, folds=2)


@pytest.fixture(scope="module")
def validated(rents: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished cross-validation of a table."""
    selection = DataSelection(data=str(rents), targets=("rent",))
    folder = tmp_path_factory.mktemp("folds")
    return cross_validation.run_on_table(selection, PLAIN, fold_config(folder))


def test_study_leaves_one_table_and_one_plot(validated: Path) -> None:
    assert_holds_one_table_and_one_plot(validated)


def test_cross_validation_sets_boosted_trees_beside_the_network(validated: Path) -> None:
    rows = {row["score"]: row for row in read_table(validated)}

    names = ("network mean", "boosted trees mean", "difference")
    of_network, of_trees, difference = (float(rows["RMSE"][name]) for name in names)
    assert rows.keys() == {"RMSE", "MAE", "R2"}
    assert difference == pytest.approx(of_network - of_trees)
    assert of_trees < 400


def test_boosted_trees_learn_all_rows_of_the_other_folds(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(90, 2)).round(3)
    y = (x @ [3, 1]).round(3)
    file = tmp_path / "sums.csv"
    lines = (f"{first},{second},{total}" for (first, second), total in zip(x, y, strict=True))
    file.write_text("\n".join(["first,second,total", *lines]))

    folder = cross_validation.run_on_table(
        DataSelection(data=str(file), targets=("total",)), PLAIN, fold_config(tmp_path / "study")
    )

    split = split_rows(read_table_data(file, ["total"], Overrides()).targets, Split(), seed=0)
    rows = np.setdiff1d(np.arange(90), split["test"])
    folds = make_folds("regression", y[rows], folds=2, seed=0)
    for (training, scored), result in zip(folds, read_results(folder)[1::2], strict=True):
        trees = HistGradientBoostingRegressor(random_state=0)
        trees.fit(x[rows[training]], y[rows[training]])
        errors = trees.predict(x[rows[scored]]) - y[rows[scored]]
        rmse = np.sqrt(np.mean(errors**2))
        assert result["scores"]["rmse"] == pytest.approx(rmse, rel=1e-4)


def test_column_of_more_categories_than_trees_take_is_cross_validated(tmp_path: Path) -> None:
    lines = [f"town {row % 300},{row % 300}" for row in range(3000)]
    file = tmp_path / "towns.csv"
    file.write_text("\n".join(["town,people", *lines]))

    folder = cross_validation.run_on_table(
        DataSelection(data=str(file), targets=("people",)), PLAIN, fold_config(tmp_path / "study")
    )

    assert len(read_results(folder)) == 4


@pytest.mark.parametrize("task", ["multiclass", "multilabel"])
def test_every_kind_of_label_is_cross_validated(task: Task, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lines = ["size,colour,first,second"]
    for _ in range(48):
        size, colour = rng.normal(), rng.choice(["red", "blue"])
        lines.append(f"{size:.3f},{colour},{int(size > 0)},{int(colour == 'red')}")
    file = tmp_path / "labels.csv"
    file.write_text("\n".join(lines))
    targets = ("first",) if task == "multiclass" else ("first", "second")
    selection = DataSelection(data=str(file), targets=targets, task=task)

    folder = cross_validation.run_on_table(selection, PLAIN, fold_config(tmp_path / "study"))

    rows = {row["score"]: row for row in read_table(folder)}
    assert {"accuracy", "log loss"} <= rows.keys()
    assert np.isfinite([float(row["difference"]) for row in rows.values()]).all()


def test_interrupted_cross_validation_goes_on(rents: Path, validated: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(validated, tmp_path / "study")
    file = copy / "runs.jsonl"
    kept = file.read_text().splitlines(keepends=True)[:3]
    file.write_text("".join(kept))
    selection = DataSelection(data=str(rents), targets=("rent",))

    cross_validation.run_on_table(selection, PLAIN, fold_config(copy))

    lines = file.read_text().splitlines(keepends=True)
    assert lines[:3] == kept
    assert json.loads(lines[3])["run"] == {"fold": 2, "model": "boosted trees"}


OTHERWISE_READ: dict[str, tuple[dict[str, Any], str]] = {
    "target": ({"targets": ("row",)}, r'made with target \["rent"\]'),
    "columns": ({"overrides": Overrides(ignored=("built",))}, r"made with ignored \[\]"),
}


@pytest.mark.parametrize(("change", "message"), OTHERWISE_READ.values(), ids=OTHERWISE_READ)
def test_study_of_a_table_read_otherwise_is_another_one(
    rents: Path, validated: Path, change: dict[str, Any], message: str
) -> None:
    selection = replace(DataSelection(data=str(rents), targets=("rent",)), **change)

    with pytest.raises(CannotTrain, match=message):
        cross_validation.run_on_table(selection, PLAIN, fold_config(validated))


def test_pictures_are_cross_validated_alone(tmp_path: Path) -> None:
    sample = bright_pictures(40)
    data = StudyData(
        name="bright",
        sha256="abc",
        learning_task=LearningTask(task="multiclass", classes=2),
        train=sample,
        validation=sample,
        test=sample,
    )

    folder = cross_validation.run_on_pictures(data, SMALL, LIVELY, fold_config(tmp_path / "study"))

    row = read_table(folder)[0]
    assert row.keys() == {"score", "network mean", "network std"}
    assert float(row["network mean"]) > 0.8
