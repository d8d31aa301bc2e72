"""The anomaly score of a network that reconstructs pictures."""

import keras
import numpy as np

from tests.training.conftest import drawn_digits
from training.architectures.autoencoder import autoencoder as build_autoencoder


def test_anomaly_score_is_the_mean_squared_error() -> None:
    keras.utils.set_random_seed(0)
    network = build_autoencoder((28, 28, 1))
    pixels = drawn_digits(3, seed=5)[0][..., np.newaxis]

    outputs = network.predict({"image": pixels}, verbose=0)

    errors = np.square(pixels / 255 - outputs["reconstruction"]).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(outputs["anomaly"][:, 0], errors, rtol=1e-5)
