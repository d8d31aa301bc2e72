"""Random search: the candidates of scikit-learn, their scores and their order."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import RandomizedSearchCV

from tests.training.studies.conftest import (
    assert_holds_one_table_and_one_plot,
    read_results,
    read_table,
)
from training.studies import search
from training.studies.data import StudyData
from training.studies.folds import make_folds
from training.studies.metrics import RMSE
from training.studies.results import Candidate

SEARCH = search.SearchConfig(
    command="x", out=Path("study"), iterations=2, folds=2, epochs=2, seed=7
)


@pytest.fixture(scope="module")
def searched(points: StudyData, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Candidate]:
    """A finished search and its best candidate."""
    return search.run(points, replace(SEARCH, out=tmp_path_factory.mktemp("search")))


def test_study_leaves_one_table_and_one_plot(searched: tuple[Path, Candidate]) -> None:
    assert_holds_one_table_and_one_plot(searched[0])


def test_search_is_scikit_learns_random_search(
    points: StudyData, searched: tuple[Path, Candidate]
) -> None:
    theirs = RandomizedSearchCV(
        search.make_estimator(points.learning_task, seed=SEARCH.seed),
        search.parameter_distributions(SEARCH.epochs),
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


def test_search_ranks_candidates(searched: tuple[Path, Candidate]) -> None:
    folder, best = searched

    rows = read_table(folder)

    scores = [float(row["accuracy mean"]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert [row["rank"] for row in rows] == ["1", "2"]
    assert rows[0]["activation"] == best.hidden.activation
    assert float(rows[0]["learning_rate"]) == best.fitting.learning_rate


def test_candidate_that_did_not_converge_is_the_last() -> None:
    parameters = search.draw_candidates(replace(SEARCH, iterations=1))[0]
    found = [Candidate(parameters, {"rmse": [error]}, 1.0) for error in (3.0, np.nan, 1.0, np.inf)]

    ranked = search.rank_candidates(found, [RMSE])

    assert [each.mean(RMSE) for each in ranked[:2]] == [1.0, 3.0]


def test_label_that_is_missing_from_the_other_folds_is_not_predicted(points: StudyData) -> None:
    known = points.train.take(np.flatnonzero(points.train.y != 1))
    network = search.make_estimator(
        points.learning_task, seed=0, epochs=30, batch_size=4, learning_rate=1e-2
    ).fit(known.x, known.y)

    scores = search.make_scorer(points.learning_task)(
        network, points.validation.x, points.validation.y
    )

    assert scores["accuracy"] == pytest.approx(2 / 3, abs=0.1)
