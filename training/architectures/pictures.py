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
    parts = _pooled(_convolved(_pooled(hidden), 64, 64))
    return _classifier(image, parts, layers.Flatten()(_convolved(parts, 128)), classes, side=2)


def large_cnn(shape: tuple[int, ...], classes: int) -> keras.Model:
    """Build a convolutional network for pictures with finer detail than strokes have.

    Args:
        shape: Shape of a picture.
        classes: Number of class labels.

    Shapes:
        image: (n, height, width, channels), levels in [0, 255].
        probabilities: (n, classes); features: (n, width), none negative.
    """
    image = keras.Input(shape, name="image")
    hidden = _convolved(layers.Rescaling(1 / 255)(image), 32, 32)
    parts = _pooled(_convolved(_pooled(hidden), 64, 64, padding="same"))
    hidden = _convolved(_convolved(parts, 128, padding="same"), 128)
    return _classifier(image, parts, layers.Flatten()(_pooled(hidden)), classes, side=3)


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


def _convolved(
    hidden: keras.KerasTensor, *filters: int, padding: str = "valid"
) -> keras.KerasTensor:
    for count in filters:
        hidden = layers.Conv2D(count, 3, padding=padding, use_bias=False)(hidden)
        hidden = layers.BatchNormalization(momentum=NORMALIZATION_MOMENTUM)(hidden)
        hidden = layers.ReLU()(hidden)
    return hidden


def _pooled(hidden: keras.KerasTensor) -> keras.KerasTensor:
    return layers.MaxPooling2D(padding="same")(hidden)


def _classifier(
    image: keras.KerasTensor,
    parts: keras.KerasTensor,
    last: keras.KerasTensor,
    classes: int,
    *,
    side: int,
) -> keras.Model:
    """Return a network that ends in probabilities, and in the means of its parts as features.

    The last layer keeps what tells the classes apart, and drops what tells them from all else.

    Args:
        image: The input.
        parts: What the network sees in each part of the picture.
        last: The last hidden layer.
        classes: Number of class labels.
        side: Height and width, in parts, of the squares that the means are taken of.
    """
    outputs = {
        "probabilities": probabilities(layers.Dropout(0.3)(last), classes),
        "features": layers.Flatten()(layers.AveragePooling2D(side, padding="same")(parts)),
    }
    return keras.Model({"image": image}, outputs, name="cnn")


PICTURE_ARCHITECTURES: Mapping[str, Callable[[tuple[int, ...], int], keras.Model]] = {
    "cnn": cnn,
    "mlp": mlp,
    "lstm": lstm,
    "sigmoid": partial(mlp, hidden=SIGMOID),
    "numpy": partial(mlp, hidden=FROM_SCRATCH),
}
