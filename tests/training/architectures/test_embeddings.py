"""Columns of a table -> what its hidden layers get."""

import keras
import numpy as np
import pytest
from keras import ops

from training.architectures.embeddings import (
    MISSING_POSITION,
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


def test_largest_numbers_have_finite_quantiles() -> None:
    numbers = ops.convert_to_tensor(np.array([[3.4e38, -3.4e38]], np.float32))

    quantile, squashed = quantile_position(numbers, [[0.0, 1.0], [0.0, 0.001]])

    np.testing.assert_allclose(quantile, [[1, 0]])
    np.testing.assert_allclose(squashed, [[1, -1]])


def test_missing_value_has_an_embedding_of_its_own_in_every_column() -> None:
    keras.utils.set_random_seed(0)
    position = keras.Input((2,))
    network = keras.Model(position, spline_embedding(position, pieces=4, width=3))
    positions = [[0, 0], [1, 1], [MISSING_POSITION, 1], [1, MISSING_POSITION]]

    embedded = np.asarray(network(np.array(positions, np.float32)))

    first, second = embedded[:, :3], embedded[:, 3:]
    assert len({tuple(each) for each in first.tolist()}) == 3
    assert len({tuple(each) for each in second.tolist()}) == 3
    np.testing.assert_array_equal(first[1], first[3])
    np.testing.assert_array_equal(second[1], second[2])


def test_curve_is_linear_between_its_points() -> None:
    keras.utils.set_random_seed(0)
    position = keras.Input((1,))
    network = keras.Model(position, spline_embedding(position, pieces=2, width=4))

    low, middle, high = np.asarray(network(np.array([[0.5], [0.75], [1.0]], np.float32)))

    np.testing.assert_allclose(middle, (low + high) / 2, rtol=1e-5)


def grids(pairs: list[tuple[int, int]], sides: list[int]) -> keras.Model:
    """Make a network of grids over three columns."""
    keras.utils.set_random_seed(0)
    position = keras.Input((3,))
    return keras.Model(position, grid_embedding(position, pairs=pairs, sides=sides, width=4))


def test_grid_is_bilinear_within_a_cell() -> None:
    network = grids([(0, 2)], [2])
    corners = np.array([[0, 0, 0], [0, 0, 0.5], [0.5, 0, 0], [0.5, 0, 0.5]], np.float32)

    middle = np.asarray(network(np.array([[0.25, 0, 0.25]], np.float32)))[0]

    np.testing.assert_allclose(middle, np.asarray(network(corners)).mean(axis=0), rtol=1e-4)


def test_grids_of_other_sides_and_pairs_are_as_they_would_be_alone() -> None:
    several, alone = grids([(0, 1), (1, 2)], [2, 3]), grids([(1, 2)], [3])
    (table,) = several.get_layer("grids").get_weights()
    alone.get_layer("grids").set_weights([table[-17:]])  # 4 x 4 points and a missing value
    positions = np.random.default_rng(0).random((20, 3), dtype=np.float32)

    embedded = np.asarray(several(positions))

    np.testing.assert_allclose(embedded[:, -4:], np.asarray(alone(positions)), rtol=1e-5)


@pytest.mark.parametrize("missing", [[0], [2], [0, 2]], ids=["first", "second", "both"])
def test_pair_with_a_missing_value_has_one_embedding(missing: list[int]) -> None:
    network = grids([(0, 2)], [2, 128])
    positions = np.random.default_rng(0).random((20, 3), dtype=np.float32)
    positions[:, missing] = MISSING_POSITION

    embedded = np.asarray(network(positions))

    (table,) = network.get_layer("grids").get_weights()
    np.testing.assert_array_equal(embedded, [np.concatenate([table[9], table[-1]])] * 20)


@pytest.mark.parametrize("column", [0, 1])
def test_categories_of_two_columns_share_no_embedding(column: int) -> None:
    keras.utils.set_random_seed(0)
    codes = keras.Input((2,), dtype="int32")
    network = keras.Model(codes, category_embedding(codes, [3, 4], width=2))

    embedded = np.asarray(network(np.array([[0, 0], [1, 1], [2, 2], [2, 3]], np.int32)))

    other = 1 - column
    mine, theirs = (embedded[:, 2 * each : 2 * each + 2] for each in (column, other))
    assert not any(np.array_equal(one, two) for one in mine for two in theirs)
