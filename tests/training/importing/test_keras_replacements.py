"""What replaces a layer computes the same."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from training.importing.keras_replacements import replace

NUMBERS = np.array([[3, 5], [5, 5], [7, 0], [-1, 9]], np.int64)
DECIMALS = np.array([[0.5, 1.0], [1.0, 2.5], [3.0, 1e9], [-1e9, 1.5]], np.float32)


@pytest.mark.parametrize("mode", ["int", "one_hot", "multi_hot", "count"])
@pytest.mark.parametrize("columns", [1, 2])
@pytest.mark.parametrize("mask", [None, 0], ids=["no mask", "mask"])
def test_comparisons_replace_a_lookup_of_numbers(mode: str, columns: int, mask: int | None) -> None:
    lookup = layers.IntegerLookup(vocabulary=[3, 5, 7], output_mode=mode, mask_token=mask)
    numbers = ops.convert_to_tensor(NUMBERS[:, :columns])

    found = replaced(lookup, numbers)
    assert found == pytest.approx(np.asarray(lookup(numbers)))
    assert (found.dtype == np.int64) == (mode == "int")


@pytest.mark.parametrize("mode", ["int", "one_hot", "multi_hot", "count"])
@pytest.mark.parametrize("columns", [1, 2])
def test_comparisons_replace_bins(mode: str, columns: int) -> None:
    bins = layers.Discretization(bin_boundaries=[1.0, 2.0, 3.0], output_mode=mode)
    decimals = ops.convert_to_tensor(DECIMALS[:, :columns])

    assert replaced(bins, decimals) == pytest.approx(np.asarray(bins(decimals)))


def replaced(layer: keras.layers.Layer, numbers: keras.KerasTensor) -> np.ndarray:
    """Return what the replacement of a layer computes in a network."""
    taken = keras.Input(numbers.shape[1:], dtype=numbers.dtype)
    network = keras.Model(taken, replace(layer)(taken))
    return np.asarray(network(numbers))


@pytest.mark.parametrize(
    "layer",
    [
        layers.IntegerLookup(vocabulary=[3, 5], num_oov_indices=2),
        layers.IntegerLookup(vocabulary=list(range(2000))),
        layers.Dense(3),
    ],
    ids=["several unknown", "long", "another"],
)
def test_other_layers_stay_as_they_are(layer: keras.layers.Layer) -> None:
    assert replace(layer) is layer
