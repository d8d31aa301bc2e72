"""How far golden answers may differ, by the kind of the prediction."""

from typing import Any

import numpy as np
import pytest

from vitrine.loading import largest_difference


@pytest.mark.parametrize(
    ("values", "expected", "difference"),
    [
        ([[0.5, 0.01]], [[0.5, 0.02]], 0.01),
        ([[0.5]], [[0.25]], 0.25),
        ([2.0, 1.0], [1.0, 1.0], 1.0),
    ],
    ids=["labels", "one label", "scores"],
)
def test_golden_answers_are_compared_by_their_kind(
    values: list[Any], expected: list[Any], difference: float
) -> None:
    one, other = (np.array(numbers, dtype=np.float32) for numbers in (values, expected))

    assert largest_difference(one, other) == pytest.approx(difference)
