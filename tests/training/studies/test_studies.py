"""The four studies from end to end: what they leave, what they keep apart, how they go on."""

import csv
import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import RandomizedSearchCV

from tests.training.studies.conftest import bright_pictures
from training.architectures.hidden import Hidden
from training.columns import Overrides
from training.datasets.tables import Split, read_source, split_places
from training.datasets.targets import Task
from training.errors import CannotTrain
from training.experiments import tables
from training.fitting import Fitting
from training.studies import compare, cross_validation, learning_curve, plots, search
from training.studies.folds import make_folds
from training.studies.measures import RMSE
from training.studies.networks import Problem
from training.studies.subjects import Asked, Subject, load_subject

SMALL = Hidden(units=(8,))
QUICK = Fitting(epochs=1, batch_size=16)
LIVELY = Fitting(epochs=8, batch_size=4, learning_rate=1e-2)
PLAIN = tables.Learning(plain=tables.Plain(hidden=SMALL, fitting=Fitting(epochs=2)))
FILES = {"study.json", "runs.jsonl", "table.csv", "table.md", "plot.png"}


def read_table(folder: Path) -> list[dict[str, str]]:
    with (folder / "table.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def read_results(folder: Path) -> list[Mapping[str, Any]]:
    lines = (folder / "runs.jsonl").read_text().splitlines()
    return [json.loads(line)["result"] for line in lines]


def fold_config(out: Path) -> cross_validation.Config:
    return cross_validation.Config(command="x", out=out, folds=2)


def curve_config(out: Path, **options: Any) -> learning_curve.Config:
    config = learning_curve.Config(command="x", out=out, hidden=SMALL, fitting=QUICK)
    return replace(config, **{"sizes": (12, 48), "repeats": 1, **options})


SEARCH = search.Config(command="x", out=Path("study"), iterations=2, folds=2, epochs=2, seed=7)


@pytest.fixture(scope="module")
def curved(points: Subject, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished learning curve."""
    return learning_curve.run(points, curve_config(tmp_path_factory.mktemp("curve")))


@pytest.fixture(scope="module")
def compared(rent_subject: Subject, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished comparison of batch normalisation."""
    config = compare.Config(
        choice="batch-normalization",
        command="x",
        out=tmp_path_factory.mktemp("compare"),
        hidden=SMALL,
        fitting=replace(QUICK, epochs=2),
    )
    return compare.run(rent_subject, config)


@pytest.fixture(scope="module")
def searched(
    points: Subject, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, search.Candidate]:
    """A finished search and its best candidate."""
    return search.run(points, replace(SEARCH, out=tmp_path_factory.mktemp("search")))


@pytest.fixture(scope="module")
def validated(rents: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished cross-validation of a table."""
    asked = Asked(data=str(rents), targets=("rent",))
    folder = tmp_path_factory.mktemp("folds")
    return cross_validation.run_on_table(asked, PLAIN, fold_config(folder))


@pytest.mark.parametrize("study", ["curved", "compared", "searched", "validated"])
def test_study_leaves_one_table_and_one_plot(request: pytest.FixtureRequest, study: str) -> None:
    made = request.getfixturevalue(study)
    folder: Path = made[0] if isinstance(made, tuple) else made

    assert {path.name for path in folder.iterdir()} == FILES
    assert (folder / "plot.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "table.md").read_text().endswith("(plot.png)\n")


def test_finished_study_runs_nothing_again(points: Subject, curved: Path) -> None:
    runs, table = ((curved / name).read_text() for name in ("runs.jsonl", "table.csv"))

    learning_curve.run(points, curve_config(curved))

    assert (curved / "runs.jsonl").read_text() == runs
    assert (curved / "table.csv").read_text() == table


def test_networks_of_a_learning_curve_begin_alike(rent_subject: Subject, tmp_path: Path) -> None:
    still = curve_config(tmp_path / "study", fitting=replace(QUICK, learning_rate=1e-12), repeats=2)

    folder = learning_curve.run(rent_subject, replace(still, sizes=(12, 84)))

    errors = [result["validation"]["rmse"] for result in read_results(folder)]
    assert len(errors) == 4
    assert errors == pytest.approx([errors[0]] * 4, rel=1e-6)


def test_learning_curve_scores_each_size(curved: Path) -> None:
    rows = read_table(curved)

    assert [row["size"] for row in rows] == ["12", "48"]
    assert 0 <= float(rows[0]["accuracy validation mean"]) <= 1
    assert float(rows[1]["log_loss train std"]) == 0


def test_test_part_is_looked_at_only_when_asked(
    points: Subject, curved: Path, tmp_path: Path
) -> None:
    asked = curve_config(tmp_path / "asked", part="test", sizes=(12,))

    (looked,) = read_results(learning_curve.run(points, asked))

    usual = read_results(curved)[0]
    assert "test" not in usual
    assert "validation" not in looked
    assert looked["test"] != usual["validation"]


def test_subsets_of_a_size_differ(points: Subject, tmp_path: Path) -> None:
    config = curve_config(tmp_path / "study", sizes=(12,), repeats=2)

    first, second = read_results(learning_curve.run(points, config))

    assert first["train"] != second["train"]


def test_size_beyond_the_data_is_refused(points: Subject, tmp_path: Path) -> None:
    with pytest.raises(CannotTrain, match="60 instances train: no size may be 61"):
        learning_curve.run(points, curve_config(tmp_path / "study", sizes=(61,)))


@pytest.mark.parametrize("choice", compare.CHOICES)
def test_variants_differ_in_the_choice_alone(choice: str) -> None:
    config = compare.Config(
        choice=choice, command="x", out=Path("study"), hidden=SMALL, fitting=QUICK
    )
    fields = {
        "activations": {"activation"},
        "batch-sizes": {"batch_size"},
        "batch-normalization": {"batch_normalization"},
        "dropout": {"dropout"},
        "optimizers": {"optimizer", "learning_rate"},
    }

    variants = compare.CHOICES[choice](config).values()

    described = [{**_fields(hidden), **_fields(fitting)} for hidden, fitting in variants]
    differing = {name for name in described[0] if len({str(each[name]) for each in described}) > 1}
    assert len(described) > 1
    assert differing == fields[choice]


def _fields(value: Hidden | Fitting) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def test_given_learning_rate_holds_for_every_optimizer() -> None:
    config = compare.Config(
        choice="optimizers",
        command="x",
        out=Path("study"),
        hidden=SMALL,
        fitting=replace(QUICK, learning_rate=0.5),
        rate_given=True,
    )

    rates = {fitting.learning_rate for _, fitting in compare.CHOICES["optimizers"](config).values()}

    assert rates == {0.5}


def test_comparison_ranks_by_validation(compared: Path) -> None:
    rows = read_table(compared)

    errors = [float(row["best validation rmse"]) for row in rows]
    assert {row["variant"] for row in rows} == {"off", "on"}
    assert errors == sorted(errors)
    assert {row["at epoch"] for row in rows} <= {"1", "2"}


def test_search_is_scikit_learns_random_search(
    points: Subject, searched: tuple[Path, search.Candidate]
) -> None:
    theirs = RandomizedSearchCV(
        search.estimator(points.problem, seed=SEARCH.seed),
        search.space(SEARCH.epochs),
        n_iter=SEARCH.iterations,
        random_state=SEARCH.seed,
        cv=make_folds("multiclass", points.train.y, folds=SEARCH.folds, seed=SEARCH.seed),
        scoring="accuracy",
        refit=False,
    ).fit(points.train.x, points.train.y)

    results = read_results(searched[0])

    assert [result["parameters"] for result in results] == theirs.cv_results_["params"]
    np.testing.assert_allclose(
        [np.mean(result["scores"]["accuracy"]) for result in results],
        theirs.cv_results_["mean_test_score"],
    )


def test_search_ranks_candidates(searched: tuple[Path, search.Candidate]) -> None:
    folder, best = searched

    rows = read_table(folder)

    scores = [float(row["accuracy mean"]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert [row["rank"] for row in rows] == ["1", "2"]
    assert rows[0]["activation"] == best.hidden.activation
    assert float(rows[0]["learning_rate"]) == best.fitting.learning_rate


def test_candidate_that_did_not_converge_is_the_last() -> None:
    parameters = search.draw(replace(SEARCH, iterations=1))[0]
    found = [
        search.Candidate(parameters, {"rmse": [error]}, 1.0) for error in (3.0, np.nan, 1.0, np.inf)
    ]

    ranked = search.ranked(found, [RMSE])

    assert [each.mean(RMSE) for each in ranked[:2]] == [1.0, 3.0]


def test_label_that_no_instance_of_the_other_folds_has_is_not_told(points: Subject) -> None:
    known = points.train.take(np.flatnonzero(points.train.y != 1))
    network = search.estimator(
        points.problem, seed=0, epochs=30, batch_size=4, learning_rate=1e-2
    ).fit(known.x, known.y)

    scores = search.scorer(points.problem)(network, points.validation.x, points.validation.y)

    assert scores["accuracy"] == pytest.approx(2 / 3, abs=0.1)


def test_candidate_that_did_not_converge_is_drawn_at_the_edge(tmp_path: Path) -> None:
    found = [
        search.Candidate(parameters, {"rmse": [error]}, 1.0)
        for parameters, error in zip(
            search.draw(replace(SEARCH, iterations=3)), (1.0, 2.0, np.nan), strict=True
        )
    ]

    plots.plot_search(tmp_path / "plot.png", found, RMSE, title="Search")

    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


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
        Asked(data=str(file), targets=("total",)), PLAIN, fold_config(tmp_path / "study")
    )

    split = split_places(read_source(file, ["total"], Overrides()).targets, Split(), seed=0)
    places = np.setdiff1d(np.arange(90), split["test"])
    folds = make_folds("regression", y[places], folds=2, seed=0)
    for (training, scored), result in zip(folds, read_results(folder)[1::2], strict=True):
        trees = HistGradientBoostingRegressor(random_state=0)
        trees.fit(x[places[training]], y[places[training]])
        errors = trees.predict(x[places[scored]]) - y[places[scored]]
        rmse = np.sqrt(np.mean(errors**2))
        assert result["scores"]["rmse"] == pytest.approx(rmse, rel=1e-4)


def test_column_of_more_categories_than_trees_take_is_cross_validated(tmp_path: Path) -> None:
    lines = [f"town {row % 300},{row % 300}" for row in range(3000)]
    file = tmp_path / "towns.csv"
    file.write_text("\n".join(["town,people", *lines]))

    folder = cross_validation.run_on_table(
        Asked(data=str(file), targets=("people",)), PLAIN, fold_config(tmp_path / "study")
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
    asked = Asked(data=str(file), targets=targets, task=task)

    folder = cross_validation.run_on_table(asked, PLAIN, fold_config(tmp_path / "study"))

    rows = {row["score"]: row for row in read_table(folder)}
    assert {"accuracy", "log loss"} <= rows.keys()
    assert np.isfinite([float(row["difference"]) for row in rows.values()]).all()


def test_interrupted_cross_validation_goes_on(rents: Path, validated: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(validated, tmp_path / "study")
    file = copy / "runs.jsonl"
    kept = file.read_text().splitlines(keepends=True)[:3]
    file.write_text("".join(kept))
    asked = Asked(data=str(rents), targets=("rent",))

    cross_validation.run_on_table(asked, PLAIN, fold_config(copy))

    lines = file.read_text().splitlines(keepends=True)
    assert lines[:3] == kept
    assert json.loads(lines[3])["run"] == {"fold": 2, "model": "boosted trees"}


OTHERWISE_READ: dict[str, tuple[dict[str, Any], str]] = {
    "target": ({"targets": ("row",)}, r'its target being \["rent"\]'),
    "columns": ({"overrides": Overrides(ignored=("built",))}, r"its ignored being \[\]"),
}


@pytest.mark.parametrize(("change", "message"), OTHERWISE_READ.values(), ids=OTHERWISE_READ)
def test_study_of_a_table_read_otherwise_is_another_one(
    rents: Path, validated: Path, change: dict[str, Any], message: str
) -> None:
    asked = replace(Asked(data=str(rents), targets=("rent",)), **change)

    with pytest.raises(CannotTrain, match=message):
        cross_validation.run_on_table(asked, PLAIN, fold_config(validated))


def test_pictures_are_cross_validated_alone(tmp_path: Path) -> None:
    sample = bright_pictures(40)
    subject = Subject(
        name="bright",
        sha256="abc",
        problem=Problem(task="multiclass", classes=2),
        train=sample,
        validation=sample,
        test=sample,
    )

    folder = cross_validation.run_on_pictures(
        subject, SMALL, LIVELY, fold_config(tmp_path / "study")
    )

    row = read_table(folder)[0]
    assert row.keys() == {"score", "network mean", "network std"}
    assert float(row["network mean"]) > 0.8


def test_class_label_of_one_row_is_in_one_fold() -> None:
    y = np.array([0, 0, 0, 0, 0, 1])

    folds = make_folds("binary", y, folds=3, seed=0)

    assert sorted(place for _, scored in folds for place in scored) == list(range(6))


def test_more_folds_than_instances_are_refused() -> None:
    with pytest.raises(CannotTrain, match="5 folds need"):
        make_folds("regression", np.arange(4.0), folds=5, seed=0)


def test_embedded_table_needs_no_target() -> None:
    subject = load_subject(Asked(data="wine"))

    assert (subject.problem.task, subject.problem.classes) == ("multiclass", 3)
    assert subject.reading["target"] == ("cultivar",)
    assert sum(subject.sizes.values()) == 178


def test_file_without_target_is_refused(rents: Path) -> None:
    with pytest.raises(CannotTrain, match="--target must name the column"):
        load_subject(Asked(data=str(rents)))


def test_target_of_pictures_is_refused() -> None:
    with pytest.raises(CannotTrain, match="--target is of tables; digits8x8 is a set of pictures"):
        load_subject(Asked(data="digits8x8", targets=("digit",)))


def test_pictures_that_a_training_would_spare_validate() -> None:
    subject = load_subject(Asked(data="digits8x8", limit=480))

    assert subject.problem.classes == 10
    assert sum(subject.sizes[name] for name in ("train", "validation")) == 480
    assert subject.validation.x.shape[1:] == subject.train.x.shape[1:]
