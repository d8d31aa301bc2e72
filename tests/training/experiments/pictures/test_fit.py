"""The fit of a classifier of pictures."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.training.conftest import picture_config
from training.architectures.pictures import PICTURE_ARCHITECTURES
from training.datasets.picture_sets import PictureSet
from training.experiments import numpy_network
from training.experiments.pictures.data import read
from training.experiments.pictures.fit import fit

FITS = {"mlp": fit, "numpy": numpy_network.fit}


@pytest.mark.parametrize("name", FITS)
def test_same_seed_gives_the_same_weights(
    name: str, drawn_set: PictureSet, idx_folder: Path
) -> None:
    config = replace(picture_config(drawn_set, idx_folder, Path()), architecture=name)
    parts = read(config)
    learned = []
    for _ in range(2):
        keras.utils.set_random_seed(config.seed)
        network = PICTURE_ARCHITECTURES[name]((28, 28, 1), 10)
        FITS[name](network, parts, config)
        learned.append(network.get_weights())

    for first, second in zip(*learned, strict=True):
        np.testing.assert_array_equal(first, second)
