"""Columns of a table -> what its hidden layers get."""

import keras
import numpy as np
import pytest
from keras import ops

from training.architectures.embeddings import (
    category_embedding,
    grid_embedding,
    quantile_position,
    spline_embedding,
)

KNOTS = [[0.0, 1.0, 10.0, 100.0], [-1.0, 1.0]]


def test_quantile_of_a_number_is_linear_between_knots() -> None:
    numbers = np.array([[0, -1], [1, 1], [5.5, 0], [100, -0.5]], np.float32)

    quantile, _ = quantile_position(ops.convert_to_tensor(numbers), KNOTS)

    expected = [
        np.interp(column, knots, np.linspace(0, 1, len(knots)))
        for column, knots in zip(numbers.T, KNOTS, strict=True)
    ]
    # The grid has 1024 cells: a knot within a cell is rounded off.
    np.testing.assert_allclose(quantile, np.transpose(expected), atol=0.01)


def test_number_outside_of_the_knots_has_the_quantile_of_their_end() -> None:
    numbers = ops.convert_to_tensor(np.array([[-1e6, -5], [1e6, 5]], np.float32))

    quantile, squashed = quantile_position(numbers, KNOTS)

    np.testing.assert_allclose(quantile, [[0, 0], [1, 1]], atol=1e-6)
    assert (np.abs(np.asarray(squashed)) <= 1).all()


def test_missing_value_has_an_embedding_that_its_stand_in_does_not_change() -> None:
    keras.utils.set_random_seed(0)
    quantile = keras.Input((2,), name="quantile")
    missing = keras.Input((2,), name="missing")
    network = keras.Model(
        [quantile, missing], spline_embedding(quantile, missing, pieces=4, width=3)
    )
    stand_ins = np.array([[0.2, 0.5], [0.9, 0.5]], np.float32)

    known, absent = (
        np.asarray(network([stand_ins, np.array([[mark, 0]] * 2, np.float32)])) for mark in (0, 1)
    )

    assert not np.allclose(known[0], known[1])
    np.testing.assert_allclose(absent[0], absent[1], rtol=1e-5)


def test_curve_is_linear_between_its_points() -> None:
    keras.utils.set_random_seed(0)
    quantile = keras.Input((1,))
    network = keras.Model(
        quantile, spline_embedding(quantile, ops.zeros_like(quantile), pieces=2, width=4)
    )

    low, middle, high = np.asarray(network(np.array([[0.5], [0.75], [1.0]], np.float32)))

    np.testing.assert_allclose(middle, (low + high) / 2, rtol=1e-5)


def test_grid_is_bilinear_within_a_cell() -> None:
    keras.utils.set_random_seed(0)
    quantile = keras.Input((2,))
    missing = ops.zeros_like(quantile)
    embedded = grid_embedding(quantile, missing, pairs=[(0, 1)], sides=[2], width=4)
    network = keras.Model(quantile, embedded)
    corners = np.array([[0, 0], [0, 0.5], [0.5, 0], [0.5, 0.5]], np.float32)

    middle = np.asarray(network(np.array([[0.25, 0.25]], np.float32)))[0]

    np.testing.assert_allclose(middle, np.asarray(network(corners)).mean(axis=0), rtol=1e-4)


@pytest.mark.parametrize("column", [0, 1])
def test_categories_of_two_columns_share_no_embedding(column: int) -> None:
    keras.utils.set_random_seed(0)
    codes = keras.Input((2,), dtype="int32")
    network = keras.Model(codes, category_embedding(codes, [3, 4], width=2))

    embedded = np.asarray(network(np.array([[0, 0], [1, 1], [2, 2], [2, 3]], np.int32)))

    other = 1 - column
    mine, theirs = (embedded[:, 2 * each : 2 * each + 2] for each in (column, other))
    assert not any(np.array_equal(one, two) for one in mine for two in theirs)
