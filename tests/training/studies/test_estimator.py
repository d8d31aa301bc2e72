"""Our networks as scikit-learn sees them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils import estimator_checks

from tests.training.studies.conftest import blobs, bright_pictures
from training.studies.data import StudyData
from training.studies.estimator import NetworkClassifier, NetworkRegressor

# The checks of scikit-learn that test the interface only; the others fit for minutes.
CHECKS = (
    estimator_checks.check_no_attributes_set_in_init,
    estimator_checks.check_parameters_default_constructible,
    estimator_checks.check_get_params_invariance,
    estimator_checks.check_set_params,
    estimator_checks.check_estimators_unfitted,
    estimator_checks.check_estimator_cloneable,
    estimator_checks.check_estimator_repr,
    estimator_checks.check_valid_tag_types,
    estimator_checks.check_mixin_order,
)


@pytest.mark.parametrize("kind", [NetworkClassifier, NetworkRegressor])
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_estimator_keeps_scikit_learns_rules(kind: Any, check: Callable[..., None]) -> None:
    check(kind.__name__, kind(epochs=1))


def test_clone_has_the_same_parameters() -> None:
    network = NetworkClassifier(layers=3, units=7, activation="gelu", learning_rate=0.5)

    assert clone(network).get_params() == network.get_params()


def test_arguments_become_layers_and_fit() -> None:
    network = NetworkClassifier(layers=2, units=5, dropout=0.1, optimizer="sgd", epochs=4)

    assert network.hidden.units == (5, 5)
    assert network.hidden.dropout == 0.1
    assert (network.fitting.optimizer, network.fitting.epochs) == ("sgd", 4)


def test_grid_search_finds_the_network_that_learns() -> None:
    sample = blobs(60)
    search = GridSearchCV(
        NetworkClassifier(epochs=12, batch_size=8), {"learning_rate": [1e-9, 3e-2]}, cv=2
    )

    search.fit(sample.x, sample.y)

    assert search.best_params_ == {"learning_rate": 3e-2}
    assert search.best_estimator_.score(sample.x, sample.y) > 0.8


def test_pictures_are_cross_validated() -> None:
    sample = bright_pictures(40)
    network = NetworkClassifier(layers=1, epochs=15, batch_size=4, learning_rate=1e-2)

    scores = cross_val_score(network, sample.x, sample.y, cv=2)

    assert scores.min() > 0.9


def test_probabilities_are_those_of_the_labels() -> None:
    sample = blobs(60)
    labels = np.array(["apple", "fig", "pear"])[sample.y]

    network = NetworkClassifier(epochs=8, batch_size=8, learning_rate=1e-2).fit(sample.x, labels)
    probabilities = network.predict_proba(sample.x)

    assert list(network.classes_) == ["apple", "fig", "pear"]
    assert log_loss(labels, probabilities) < 0.7
    np.testing.assert_array_equal(
        network.predict(sample.x), network.classes_[probabilities.argmax(axis=1)]
    )


def test_several_labels_are_predicted_each_by_itself() -> None:
    x = np.random.default_rng(0).normal(size=(80, 3)).astype(np.float32)
    y = (x > 0).astype(np.int64)

    network = NetworkClassifier(epochs=15, batch_size=8, learning_rate=2e-2).fit(x, y)

    probabilities = network.predict_proba(x)
    assert probabilities.shape == (80, 3)
    np.testing.assert_array_equal(network.predict(x), probabilities > 0.5)
    assert (network.predict(x) == y).mean() > 0.9


def test_regression_takes_rows_of_a_table(rent_data: StudyData) -> None:
    sample, specs = rent_data.train, rent_data.learning_task.specs

    network = NetworkRegressor(specs=specs, epochs=30, batch_size=8, learning_rate=1e-2)
    network.fit(sample.x, sample.y)

    assert np.isnan(sample.x).any()
    assert network.score(sample.x, sample.y) > 0.8


@pytest.mark.parametrize("x", [np.zeros((2, 3)), np.zeros((2, 4, 4, 1))], ids=["columns", "axes"])
def test_other_shapes_than_fitted_are_refused(x: Any) -> None:
    sample = blobs(12)
    network = NetworkClassifier(epochs=1).fit(sample.x, sample.y)

    with pytest.raises(ValueError, match="features"):
        network.predict(x)


def test_unfitted_network_predicts_nothing() -> None:
    with pytest.raises(NotFittedError):
        NetworkRegressor().predict(blobs(3).x)
