"""Configurations may only name layers and functions of Keras that only compute."""

import json

import keras
import pytest
from keras import layers, ops

from tests.training.importing.conftest import layer
from training.errors import CannotTrain
from training.importing.keras_configs import check_config

STRANGE = {
    "lambda layer": layer("Lambda"),
    "lambda layer in the old format": layer("Lambda", None),
    "lambda": {"class_name": "__lambda__", "config": {"value": "abc"}},
    "saved graph": layer("TFSMLayer"),
    "other library": layer("System", "os"),
    "private module": layer("Lambda", "keras.src.layers.core.lambda_layer"),
    "layer under another module": layer("Dense", "keras.utils"),
    "registered class": layer("Mine", "my_module", registered_name="mine>Mine"),
    "name of another": layer("Dense", registered_name="mine>Dense"),
    "configuration": layer("enable_unsafe_deserialization", "keras.config"),
    "function": {"class_name": "function", "module": "keras.utils", "config": "get_file"},
    "function of the list": {"class_name": "function", "module": "builtins", "config": "eval"},
    "deserializer": {"class_name": "function", "module": "builtins", "config": "deserialize"},
    "control flow": layer("Map", "keras.src.ops.core"),
    "vocabulary elsewhere": layer("StringLookup", config={"vocabulary": "/etc/passwd"}),
    "type": {"class_name": "__typespec__", "config": []},
    "no text": layer("Dense", class_name=["Dense"]),
}


@pytest.mark.parametrize("strange", STRANGE.values(), ids=STRANGE)
def test_configuration_of_more_than_keras_layers_is_refused(strange: dict[str, object]) -> None:
    whole = layer("Sequential", "keras", config={"layers": [layer("Dense", config=strange)]})

    with pytest.raises(CannotTrain):
        check_config(whole)


def test_operations_of_tensorflow_between_layers_are_refused_with_a_way_out() -> None:
    whole = layer("Functional", "keras", config={"layers": [layer("TFOpLambda")]})

    with pytest.raises(CannotTrain, match="as a SavedModel with the Keras that built it"):
        check_config(whole)


NAMED = {
    "feature space": (
        layer("FeatureSpace", "keras.utils", registered_name="FeatureSpace"),
        "a FeatureSpace of Keras, which prepares rows but predicts nothing",
    ),
    "another part of keras": (
        layer("Resize", "keras.src.ops.image", registered_name="Resize"),
        "Resize of keras.src.ops.image is a part of Keras that is not known",
    ),
    "class of the user": (
        layer("Attend", "my_module", registered_name="mine>Attend"),
        r"A class or function of your own is code, .* Received: 'Attend'",
    ),
}


@pytest.mark.parametrize(("strange", "message"), NAMED.values(), ids=NAMED)
def test_refused_class_is_named_as_what_it_is(strange: dict[str, object], message: str) -> None:
    with pytest.raises(CannotTrain, match=message):
        check_config(strange)


def test_configuration_of_keras_own_layers_is_taken() -> None:
    image = keras.Input((8, 8, 3))
    hidden = layers.Conv2D(4, 3, activation="gelu", kernel_regularizer="l2")(image)
    hidden = layers.Bidirectional(layers.LSTM(3))(layers.Reshape((6, 24))(hidden))
    network = keras.Model(image, ops.softmax(hidden[:, :4] / 2))

    check_config(json.loads(network.to_json()))
