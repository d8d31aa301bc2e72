"""Networks that look at pictures, and what calibration does to them."""

from collections.abc import Callable, Mapping
from functools import partial

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from training.architectures.hidden import Hidden
from training.architectures.labels import probabilities

Floats = NDArray[np.float32]

TUTORIAL = Hidden(units=(128,), dropout=0.2)
SIGMOID = Hidden(units=(128,), activation="sigmoid")
FROM_SCRATCH = Hidden(units=(128, 128), activation="sigmoid")


def mlp(shape: tuple[int, ...], classes: int, hidden: Hidden = TUTORIAL) -> keras.Model:
    """Build a multilayer perceptron on the flattened picture, the tutorial's by default.

    Shapes:
        image: (n, height, width, channels), levels in [0, 255].
        probabilities: (n, classes); features: (n, width), the last hidden layer.
    """
    image = keras.Input(shape, name="image")
    features = hidden(layers.Flatten()(layers.Rescaling(1 / 255)(image)))
    outputs = {"probabilities": probabilities(features, classes), "features": features}
    return keras.Model({"image": image}, outputs, name="mlp")


def cnn(shape: tuple[int, ...], classes: int, first: int = 16) -> keras.Model:
    """Build a small convolutional network, cheap enough for one core.

    Args:
        shape: Of a picture.
        classes: How many labels there are.
        first: Filters of the first two layers, which see the picture in full detail.

    Shapes:
        image: (n, height, width, channels), levels in [0, 255].
        probabilities: (n, classes); features: (n, width), none negative.
    """
    image = keras.Input(shape, name="image")
    hidden = _convolved(layers.Rescaling(1 / 255)(image), first, first)
    hidden = _convolved(layers.MaxPooling2D(padding="same")(hidden), 64, 64)
    strokes = layers.MaxPooling2D(padding="same")(hidden)
    hidden = layers.Dropout(0.3)(layers.Flatten()(_convolved(strokes, 128)))
    # The last layer keeps what tells the classes apart and drops what tells them from all else.
    outputs = {
        "probabilities": probabilities(hidden, classes),
        "features": layers.Flatten()(layers.AveragePooling2D(2, padding="same")(strokes)),
    }
    return keras.Model({"image": image}, outputs, name="cnn")


def lstm(shape: tuple[int, ...], classes: int) -> keras.Model:
    """Build a network that reads the picture row by row, from the top.

    Shapes:
        image: (n, height, width, channels), levels in [0, 255].
        probabilities: (n, classes); features: (n, 128), what it holds after the last row.

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
        hidden = layers.ReLU()(layers.BatchNormalization()(hidden))
    return hidden


PICTURE_ARCHITECTURES: Mapping[str, Callable[[tuple[int, ...], int], keras.Model]] = {
    "cnn": cnn,
    "mlp": mlp,
    "lstm": lstm,
    "sigmoid": partial(mlp, hidden=SIGMOID),
    "numpy": partial(mlp, hidden=FROM_SCRATCH),
}
