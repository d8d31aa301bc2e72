"""What the nearest rows have as values."""

import numpy as np
import pytest

from training.distillation.neighbours import COUNTS, Neighbours, Scale


def test_known_row_is_not_its_own_neighbour() -> None:
    points = np.array([[0.0, 0], [1, 0], [10, 0]])
    neighbours = Neighbours(points, np.array([[1.0], [2], [3]]))

    nearest = neighbours.describe()[:, COUNTS.index(1)]

    assert nearest.tolist() == [2, 1, 2]


def test_other_row_gets_the_value_of_the_nearest_known_one() -> None:
    points = np.array([[0.0, 0], [1, 0], [10, 0]])
    neighbours = Neighbours(points, np.array([[1.0], [2], [3]]))

    nearest = neighbours.describe(np.array([[9.0, 1], [0, 0]]))[:, COUNTS.index(1)]

    assert nearest == pytest.approx([3, 1])


def test_missing_numbers_are_standardised_as_medians() -> None:
    numbers = np.array([[1, np.nan], [2, np.nan], [np.nan, np.nan], [9, np.nan]], np.float32)

    standardised = Scale.of(numbers).standardise(numbers)

    assert standardised[2, 0] == standardised[1, 0]
    assert not standardised[:, 1].any()
    assert standardised[:, 0].mean() == pytest.approx(0, abs=1e-9)
