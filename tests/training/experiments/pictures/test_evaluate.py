"""What is measured of a finished network."""

import numpy as np
import pytest

from training.experiments.pictures.evaluate import doubted_share


@pytest.mark.parametrize(("score", "share"), [(2.0, 1.0), (0.5, 0.0)], ids=["novel", "usual"])
def test_pictures_beyond_the_calibration_part_are_doubted(score: float, share: float) -> None:
    calibration = np.linspace(0, 1, 100, dtype=np.float32)

    assert doubted_share(np.full(3, score, dtype=np.float32), calibration) == share
