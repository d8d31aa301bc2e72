"""Classifiers of pictures."""

from collections.abc import Callable, Mapping
from functools import partial

import keras
from keras import layers

from training.architectures.hidden import NORMALIZATION_MOMENTUM, Hidden
from training.architectures.labels import probabilities

TUTORIAL = Hidden(units=(128,), dropout=0.2)
SIGMOID = Hidden(units=(128,), activation="sigmoid")
FROM_SCRATCH = Hidden(units=(128, 128), activation="sigmoid")


def mlp(shape: tuple[int, ...], classes: int, hidden: Hidden = TUTORIAL) -> keras.Model:
    """Build a multilayer perceptron on the flattened picture, by default that of the tutorial.

    Args:
        shape: Shape of a picture.
        classes: Number of class labels.
        hidden: The hidden layers.

    Shapes:
        image: (n, height, width, channels), levels in [0, 255].
        probabilities: (n, classes); features: (n, width), the last hidden layer.
    """
    image = keras.Input(shape, name="image")
    features = hidden(layers.Flatten()(layers.Rescaling(1 / 255)(image)))
    outputs = {"probabilities": probabilities(features, classes), "features": features}
    return keras.Model({"image": image}, outputs, name="mlp")


def cnn(shape: tuple[int, ...], classes: int, first: int = 16) -> keras.Model:
    """Build a small convolutional network, which one core serves quickly.

    Args:
        shape: Shape of a picture.
        classes: Number of class labels.
        first: Number of filters in the first two layers, which see the picture in full detail.

    Shapes:
        image: (n, height, width, channels), levels in [0, 255].
        probabilities: (n, classes); features: (n, width), none negative.
    """
    image = keras.Input(shape, name="image")
    hidden = _convolved(layers.Rescaling(1 / 255)(image), first, first)
    hidden = _convolved(layers.MaxPooling2D(padding="same")(hidden), 64, 64)
    parts = layers.MaxPooling2D(padding="same")(hidden)
    hidden = layers.Dropout(0.3)(layers.Flatten()(_convolved(parts, 128)))
    # The last layer keeps what tells the classes apart, and drops what tells them from all else.
    outputs = {
        "probabilities": probabilities(hidden, classes),
        "features": layers.Flatten()(layers.AveragePooling2D(2, padding="same")(parts)),
    }
    return keras.Model({"image": image}, outputs, name="cnn")


def lstm(shape: tuple[int, ...], classes: int) -> keras.Model:
    """Build a network that reads the picture row by row, from the top.

    Args:
        shape: Shape of a picture.
        classes: Number of class labels.

    Shapes:
        image: (n, height, width, channels), levels in [0, 255].
        probabilities: (n, classes); features: (n, 128), the state after the last row.

    References:
        Hochreiter and Schmidhuber (1997), Long short-term memory, doi:10.1162/neco.1997.9.8.1735.
    """
    height, width, channels = shape
    image = keras.Input(shape, name="image")
    rows = layers.Reshape((height, width * channels))(layers.Rescaling(1 / 255)(image))
    features = layers.LSTM(128)(rows)
    outputs = {"probabilities": probabilities(features, classes), "features": features}
    return keras.Model({"image": image}, outputs, name="lstm")


def _convolved(hidden: keras.KerasTensor, *filters: int) -> keras.KerasTensor:
    for count in filters:
        hidden = layers.Conv2D(count, 3, use_bias=False)(hidden)
        hidden = layers.BatchNormalization(momentum=NORMALIZATION_MOMENTUM)(hidden)
        hidden = layers.ReLU()(hidden)
    return hidden


PICTURE_ARCHITECTURES: Mapping[str, Callable[[tuple[int, ...], int], keras.Model]] = {
    "cnn": cnn,
    "mlp": mlp,
    "lstm": lstm,
    "sigmoid": partial(mlp, hidden=SIGMOID),
    "numpy": partial(mlp, hidden=FROM_SCRATCH),
}
