"""Prototypes, on features made to be known."""

import numpy as np
from numpy.typing import NDArray

from training.calibration.prototypes import find_prototypes

Values = NDArray[np.float32]


def made_up_features(rows: int, width: int) -> Values:
    """Make features of a layer that cuts off what is negative."""
    rng = np.random.default_rng(0)
    return np.maximum(0, rng.normal(0.5, 1, (rows, width))).astype(np.float32)


def test_prototypes_are_as_long_as_one_and_every_class_has_some() -> None:
    features = made_up_features(305, width=12)
    labels = np.repeat([0, 1], [5, 300])

    prototypes = find_prototypes(features, labels, seed=0)

    assert prototypes.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(prototypes, axis=1), 1, rtol=1e-6)
    assert len(prototypes) == 1 + 300 // 20


def test_prototypes_are_the_directions_that_a_class_has() -> None:
    directions = np.array([[0.6, 0.8, 0], [0, 0.6, 0.8]])
    rng = np.random.default_rng(0)
    lengths = rng.uniform(1, 9, (60, 1))
    features = np.tile(directions, (30, 1)) * lengths + rng.normal(0, 1e-3, (60, 3))

    prototypes = find_prototypes(features.astype(np.float32), np.zeros(60, dtype=np.int64), seed=0)

    np.testing.assert_allclose((prototypes @ directions.T).max(axis=0), 1, atol=1e-4)


def test_prototype_is_of_directions_whatever_their_lengths() -> None:
    features = np.array([[1, 0], [0, 100]] * 15, dtype=np.float32)

    prototypes = find_prototypes(features, np.zeros(30, dtype=np.int64), seed=0)

    # Of lengths counted in, it would be all but (0, 1).
    np.testing.assert_allclose(prototypes, [[0.71, 0.71]], atol=0.15)


def test_prototypes_are_at_most_a_megabyte() -> None:
    # Forty rows a class are enough for two prototypes each, and these would be 1.28 MB.
    features = np.random.default_rng(0).random((80, 80_000), dtype=np.float32)

    prototypes = find_prototypes(features, np.arange(80) % 2, seed=0)

    assert prototypes.shape == (2, 80_000)
    assert prototypes.nbytes <= 1_000_000


def test_prototypes_follow_the_seed() -> None:
    features, labels = made_up_features(400, width=8), np.arange(400) % 2

    first, again, other = (find_prototypes(features, labels, seed=seed) for seed in (1, 1, 2))

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
