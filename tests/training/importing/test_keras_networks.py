"""The interface of a network is read, and what cannot be served is named."""

import keras
import pytest
from keras import layers

from training.errors import CannotTrain
from training.importing.keras_networks import read_interface, simplify


def test_activation_is_that_of_the_output_which_is_taken() -> None:
    image = keras.Input((4,))
    outputs = [layers.Dense(2)(image), layers.Dense(3, activation="softmax")(image)]
    both = keras.Model(image, outputs)

    assert read_interface(simplify(keras.Model(image, both(image)[1]))).activation == "softmax"


@pytest.mark.parametrize(
    "last",
    [layers.Reshape((3,)), layers.Flatten(), layers.Dropout(0.5), layers.Identity()],
    ids=lambda layer: type(layer).__name__,
)
def test_activation_is_found_above_layers_that_leave_it_as_it_is(last: keras.layers.Layer) -> None:
    network = keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="softmax"), last])

    assert read_interface(simplify(network)).activation == "softmax"


TEXTS: dict[str, tuple[keras.layers.Layer, str]] = {
    "hashed": (
        layers.Hashing(4, output_mode="one_hot", name="cities"),
        r"The layer 'cities' \(Hashing\), which takes the text 'place', .* needs a vocabulary",
    ),
    "sentence": (
        layers.TextVectorization(vocabulary=["a"], output_mode="count", name="words"),
        r"The layer 'words' \(TextVectorization\), .* takes whole sentences",
    ),
    "several unknown": (
        layers.StringLookup(vocabulary=["a"], num_oov_indices=2, output_mode="one_hot"),
        r"Received: num_oov_indices=2",
    ),
}


@pytest.mark.parametrize(("layer", "message"), TEXTS.values(), ids=TEXTS)
def test_text_that_is_no_category_is_refused(layer: keras.layers.Layer, message: str) -> None:
    place = keras.Input((1,), dtype="string", name="place")
    network = keras.Model(place, layers.Dense(1)(layer(place)))

    with pytest.raises(CannotTrain, match=message):
        read_interface(simplify(network))


def test_text_of_a_network_within_the_network_has_its_vocabulary() -> None:
    texts = keras.Input((1,), dtype="string")
    lookup = layers.StringLookup(vocabulary=["red", "blue"], output_mode="one_hot")
    inner = keras.Model(texts, lookup(texts))
    colour = keras.Input((1,), dtype="string", name="colour")
    network = keras.Model(colour, layers.Dense(1)(inner(colour)))

    assert read_interface(simplify(network)).vocabularies == {"colour": ("red", "blue")}
