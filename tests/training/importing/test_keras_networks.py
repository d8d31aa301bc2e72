"""The activation of an output is found."""

import keras
import pytest
from keras import layers

from training.importing.keras_networks import read_interface


def test_activation_is_that_of_the_output_which_is_taken() -> None:
    image = keras.Input((4,))
    outputs = [layers.Dense(2)(image), layers.Dense(3, activation="softmax")(image)]
    both = keras.Model(image, outputs)

    assert read_interface(keras.Model(image, both(image)[1])).activation == "softmax"


@pytest.mark.parametrize(
    "last",
    [layers.Reshape((3,)), layers.Flatten(), layers.Dropout(0.5), layers.Identity()],
    ids=lambda layer: type(layer).__name__,
)
def test_activation_is_found_above_layers_that_leave_it_as_it_is(last: keras.layers.Layer) -> None:
    network = keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="softmax"), last])

    assert read_interface(network).activation == "softmax"
