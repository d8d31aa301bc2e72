"""How a network is fitted: its callbacks, and what is kept of it."""

import keras
import numpy as np
import pytest
from keras import layers

from training.errors import CannotTrain
from training.fitting import ExactNormalization, require_finite
from training.history import History


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_history_without_a_finite_loss_is_refused(loss: float) -> None:
    with pytest.raises(CannotTrain, match="the loss is not a finite number"):
        require_finite(History({"loss": [1.0], "val_loss": [loss]}, kept=1))


def test_history_with_a_finite_loss_is_returned() -> None:
    history = History({"loss": [1.0], "val_loss": [2.0]}, kept=1)

    assert require_finite(history) is history


def test_normalization_has_the_statistics_of_the_instances_after_one_step() -> None:
    x = np.random.default_rng(0).normal(5, 3, (64, 2)).astype(np.float32)
    network = keras.Sequential([keras.Input((2,)), layers.BatchNormalization()])
    network.compile(loss="mean_squared_error")

    network.fit(x, x, verbose=0, validation_data=(x, x), callbacks=[ExactNormalization(x)])

    (layer,) = network.layers
    np.testing.assert_allclose(layer.moving_mean, x.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(layer.moving_variance, x.var(axis=0), rtol=1e-4)
    assert layer.momentum == layers.BatchNormalization().momentum


def test_every_layer_is_normalized_after_those_before_it() -> None:
    x = np.random.default_rng(0).normal(5, 3, (256, 2)).astype(np.float32)
    network = keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(3),
            layers.BatchNormalization(),
            layers.Dense(3, activation="relu"),
            layers.BatchNormalization(),
        ]
    )
    network.compile(loss="mean_squared_error")

    network.fit(
        x,
        np.zeros((256, 3)),
        verbose=0,
        validation_data=(x, np.zeros((256, 3))),
        callbacks=[ExactNormalization(x)],
    )

    np.testing.assert_allclose(
        network(x, training=False), network(x, training=True), rtol=1e-3, atol=1e-4
    )
