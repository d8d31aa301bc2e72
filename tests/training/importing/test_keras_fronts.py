"""What a network does to its input first shows what the input is."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from training.importing.keras_fronts import find_front, scales_levels, takes_steps
from training.importing.keras_graphs import inline


def normalization(mean: float) -> layers.Normalization:
    """Make a layer with statistics."""
    return layers.Normalization(mean=[mean], variance=[1.0])


def swapped(image: Any) -> Any:
    """Compute as keras.applications does for ResNet50."""
    return image[..., ::-1] - np.array([103.9, 116.8, 123.7], np.float32)


SCALES: dict[str, tuple[Callable[[Any], Any], bool | None]] = {
    "nothing": (lambda image: image, False),
    "rescaling": (layers.Rescaling(1 / 255), True),
    "rescaling after others": (
        lambda image: layers.Rescaling(1 / 127.5, -1)(layers.RandomFlip()(image)),
        True,
    ),
    "rescaling in a network": (keras.Sequential([layers.Rescaling(1 / 255)]), True),
    "rescaling of levels to 1": (layers.Rescaling(255.0), None),
    "rescaling behind a layer that computes": (
        lambda image: layers.Rescaling(0.1)(layers.Conv2D(3, 1)(image)),
        False,
    ),
    "statistics of levels to 255": (normalization(120.0), True),
    "statistics of levels to 1": (normalization(0.5), None),
    "division": (lambda image: image / 255, None),
    "operations": (swapped, None),
    "batch normalization": (layers.BatchNormalization(), None),
}


@pytest.mark.parametrize(("prepare", "scales"), SCALES.values(), ids=SCALES)
def test_scaling_is_found_before_the_first_layer_that_computes(
    prepare: Callable[[Any], Any], scales: bool | None
) -> None:
    image = keras.Input((8, 8, 3))
    network = keras.Model(image, layers.Conv2D(2, 3)(prepare(image)))

    assert scales_levels(find_front(inline(network))) is scales


STEPS = {
    "lstm": (layers.LSTM(2), True),
    "both ways": (layers.Bidirectional(layers.GRU(2)), True),
    "convolution": (layers.Conv1D(2, 3), True),
    "masking": (layers.Masking(), True),
    "dense at each step": (layers.TimeDistributed(layers.Dense(2)), True),
    "in a network": (keras.Sequential([layers.Dropout(0.1), layers.SimpleRNN(2)]), True),
    "flattened": (layers.Flatten(), False),
    "dense": (layers.Dense(2), False),
}


@pytest.mark.parametrize(("first", "steps"), STEPS.values(), ids=STEPS)
def test_time_steps_are_known_by_the_layer_that_takes_them(
    first: keras.layers.Layer, steps: bool
) -> None:
    window = keras.Input((9, 4))

    network = inline(keras.Model(window, first(layers.BatchNormalization()(window))))

    assert takes_steps(find_front(network)) is steps


def test_operations_of_a_branch_are_found() -> None:
    image = keras.Input((8, 8, 3))
    halves = [layers.Conv2D(2, 3)(image), layers.Conv2D(2, 3)(ops.subtract(image, 1.0))]

    front = find_front(inline(keras.Model(image, layers.concatenate(halves))))

    assert {type(each).__name__ for each in front} == {"Conv2D", "Subtract"}
