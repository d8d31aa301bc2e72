"""A multilayer perceptron on the rows of a table."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from training.architectures.heads import ValueHead
from training.architectures.hidden import Hidden
from training.architectures.plain_tables import plain_table_network
from training.datasets.tables import Rows
from vitrine.signature import CategoryInput, NumberInput

SPECS = (
    NumberInput(
        name="x",
        tensor="x",
        dtype="float32",
        shape=(1,),
        minimum=0,
        maximum=1,
        median=0.5,
        blanks=True,
    ),
    CategoryInput(
        name="c", tensor="c", dtype="int32", shape=(1,), vocabulary=("a", "b"), blanks=False
    ),
)


def features(numbers: list[float], codes: list[int]) -> NDArray[Any]:
    """Return what the hidden layers would get of rows, which are the training rows too."""
    rows = Rows(
        np.array(numbers, np.float32).reshape(-1, 1), np.array(codes, dtype=np.int32).reshape(-1, 1)
    )
    network = plain_table_network(rows, SPECS, ValueHead(mean=0, spread=1), Hidden(units=()))
    return np.asarray(network(rows.tensors())["features"])


def test_numbers_are_standardised_and_categories_one_hot() -> None:
    encoded = features([1, 2, 3], [2, 3, 2])

    assert encoded[:, 0].mean() == pytest.approx(0, abs=1e-6)
    assert encoded[:, 0].std() == pytest.approx(1)
    assert encoded[:, 1:].tolist() == [[1, 0], [0, 1], [1, 0]]


def test_missing_number_is_the_median_with_a_mark() -> None:
    encoded = features([1, 2, np.nan, 3], [2, 2, 2, 2])

    assert encoded[2, 0] == encoded[1, 0]
    assert encoded[:, 1].tolist() == [0, 0, 1, 0]
