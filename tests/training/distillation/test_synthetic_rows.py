"""Rows between the true ones."""

import numpy as np

from training.datasets.tables import Rows
from training.distillation.synthetic_rows import make_synthetic_rows


def true_rows() -> Rows:
    """Return rows of two numbers, some missing, and a category."""
    rng = np.random.default_rng(0)
    numbers = rng.random((40, 2)).astype(np.float32)
    numbers[::7, 1] = np.nan
    return Rows(numbers, rng.integers(2, 5, (40, 1)).astype(np.int32))


def test_every_true_row_is_a_parent_equally_often() -> None:
    made = make_synthetic_rows(true_rows(), 120, np.random.default_rng(0))

    assert np.bincount(made.parents).tolist() == [3] * 40


def test_synthetic_rows_lie_between_true_ones() -> None:
    rows = true_rows()

    made = make_synthetic_rows(rows, 400, np.random.default_rng(0)).rows

    low, high = np.nanmin(rows.numbers, axis=0), np.nanmax(rows.numbers, axis=0)
    known = np.where(np.isnan(made.numbers), low, made.numbers)
    assert (known >= low - 1e-6).all()
    assert (known <= high + 1e-6).all()
    assert set(made.categories[:, 0]) <= set(rows.categories[:, 0])


def test_half_of_the_rows_only_swap_values() -> None:
    rows = true_rows()

    made = make_synthetic_rows(rows, 1000, np.random.default_rng(0)).rows

    is_old = np.isin(made.numbers[:, 0], rows.numbers[:, 0])
    assert 0.4 < is_old.mean() < 0.6


def test_same_generator_makes_the_same_rows() -> None:
    first, again = (
        make_synthetic_rows(true_rows(), 50, np.random.default_rng(3)).rows for _ in range(2)
    )

    np.testing.assert_array_equal(first.numbers, again.numbers)
    np.testing.assert_array_equal(first.categories, again.categories)


def test_value_that_one_of_two_rows_lacks_is_missing_in_rows_near_that_one() -> None:
    numbers = np.array([[0, 5], [1, np.nan]], np.float32)
    rows = Rows(numbers, np.zeros((2, 0), np.int32))

    made = make_synthetic_rows(rows, 200, np.random.default_rng(0)).rows.numbers

    on_the_line = made[(made[:, 0] > 0) & (made[:, 0] < 1)]
    assert len(on_the_line) > 50
    np.testing.assert_array_equal(np.isnan(on_the_line[:, 1]), on_the_line[:, 0] > 0.5)
