"""The layer that class labels come out of."""

import numpy as np
import pytest
from numpy.typing import NDArray

from training.architectures.labels import temper
from training.architectures.pictures import mlp
from training.calibration.temperature import apply_temperature

Values = NDArray[np.float32]


def test_tempered_network_gives_the_tempered_probabilities() -> None:
    network = mlp((6, 6, 1), 4)
    last = network.get_layer("probabilities")
    last.set_weights([last.get_weights()[0], np.array([1, -1, 2, 0], dtype=np.float32)])
    pictures = np.random.default_rng(0).integers(0, 256, (30, 6, 6, 1)).astype(np.float32)

    before = network.predict({"image": pictures}, verbose=0)["probabilities"]
    temper(network, 2.5)
    after = network.predict({"image": pictures}, verbose=0)["probabilities"]

    np.testing.assert_allclose(after, apply_temperature(before, 2.5), rtol=1e-4)


@pytest.fixture(scope="module")
def pictures() -> Values:
    """Pictures of noise."""
    return np.random.default_rng(0).integers(0, 256, (12, 28, 28, 1)).astype(np.float32)
