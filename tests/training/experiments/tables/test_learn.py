"""What networks of tables learn."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.made_tables import PLAIN, load_made, made_config
from training.architectures.table_inputs import predict
from training.datasets.tables import TableParts
from training.errors import CannotTrain
from training.experiments import tables
from training.experiments.tables import LearningConfig
from training.experiments.tables.learn import learn
from training.fitting import Fitting
from vitrine import loading
from vitrine.model import Model


def _recall(model: Model, parts: TableParts, label: str) -> float:
    predicted = model.predict(parts.test.instances).values.argmax(axis=1)
    code = parts.target.labels.index(label)
    return float((predicted == code)[parts.test.y == code].mean())


def test_class_weights_find_more_of_a_rare_label(tmp_path: Path) -> None:
    parts = load_made("multiclass", tmp_path)
    plain = replace(PLAIN, fitting=Fitting(learning_rate=5e-3, epochs=4, batch_size=21))
    found = {}
    for weighted in (False, True):
        described = made_config(
            "multiclass", tmp_path, LearningConfig(plain=plain, class_weights=weighted)
        )
        model = loading.load_version(tables.train(described), threads=1)
        found[weighted] = _recall(model, parts, "rare")

    assert found[True] > found[False] + 0.3


def test_network_is_that_of_the_epoch_with_the_least_loss(tmp_path: Path) -> None:
    parts = load_made("regression", tmp_path)
    hasty = replace(PLAIN, fitting=Fitting(learning_rate=0.3, epochs=12))

    learned = learn(parts, LearningConfig(plain=hasty, patience=12), seed=0)

    measures = learned.history.measures
    values = predict(learned.network, parts.validation.rows)["value"]
    assert len(measures["val_loss"]) == 12
    assert measures["val_loss"][-1] > min(measures["val_loss"])
    assert np.sqrt(np.mean((values - parts.validation.y) ** 2)) == pytest.approx(
        min(measures["val_rmse"]), rel=1e-4
    )


def test_class_weights_of_a_number_are_refused(tmp_path: Path) -> None:
    described = made_config("regression", tmp_path, LearningConfig(plain=PLAIN, class_weights=True))

    with pytest.raises(CannotTrain, match="price is predicted as a number"):
        tables.train(described)


def test_blank_and_unknown_categories_that_training_lacked_change_nothing_at_random(
    tmp_path: Path,
) -> None:
    parts = load_made("regression", tmp_path)
    network = learn(parts, LearningConfig(plain=PLAIN), seed=0).network
    rows = parts.test.rows.take(np.zeros(2, dtype=np.intp))
    rows.categories[:] = [[0], [1]]

    blank, unknown = predict(network, rows)["value"]

    assert blank == unknown
