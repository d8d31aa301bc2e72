"""What every outcome can do."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from tests.training.made_tables import PLAIN, load_made
from training.architectures.table_inputs import predict
from training.datasets.tables import TableParts
from training.experiments.tables import LearningConfig
from training.experiments.tables.learn import learn

Array = NDArray[np.float32]


@pytest.mark.parametrize("kind", ["binary", "multilabel"])
def test_temperature_makes_labels_of_the_calibration_part_likelier(
    tmp_path: Path, kind: str
) -> None:
    parts = load_made(kind, tmp_path)
    surprising = parts.calibration.y.copy()
    surprising[::5] = 1 - surprising[::5]
    parts = replace(parts, calibration=replace(parts.calibration, y=surprising))
    spared = replace(parts, calibration=replace(parts.calibration, y=parts.calibration.y[:0]))
    before, after = (
        predict(learn(each, LearningConfig(plain=PLAIN), seed=0).network, parts.calibration.rows)
        for each in (spared, parts)
    )

    losses = [
        log_loss(parts.calibration.y.ravel(), _shares(each["probabilities"], parts))
        for each in (before, after)
    ]
    assert losses[1] < 0.9 * losses[0]


def _shares(probabilities: Array, parts: TableParts) -> Array:
    return probabilities.ravel() if parts.target.task == "multilabel" else probabilities
