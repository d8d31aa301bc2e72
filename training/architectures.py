"""The networks, each a function from shapes to a keras.Model.

Raw levels and raw columns go in, probabilities or values come out: all scaling is inside.
"""

import keras
from keras import layers


def mlp(shape: tuple[int, ...], classes: int) -> keras.Model:
    """Build the tutorial's network: one hidden layer of 256 on the flattened picture.

    Shapes:
        image: (n, height, width, channels), levels in [0, 255].
        probabilities: (n, classes).
    """
    image = keras.Input(shape, name="image")
    hidden = layers.Flatten()(layers.Rescaling(1 / 255)(image))
    hidden = layers.Dense(256, activation="relu")(hidden)
    hidden = layers.Dropout(0.2)(hidden)
    return keras.Model({"image": image}, _probabilities(hidden, classes), name="mlp")


def cnn(shape: tuple[int, ...], classes: int) -> keras.Model:
    """Build a small convolutional network, cheap enough for one core.

    Shapes:
        image: (n, height, width, channels), levels in [0, 255].
        probabilities: (n, classes).
    """
    image = keras.Input(shape, name="image")
    hidden = layers.Rescaling(1 / 255)(image)
    for filters, stride in ((16, 1), (32, 2), (48, 1), (64, 2), (64, 1)):
        hidden = layers.Conv2D(filters, 3, stride, padding="valid", use_bias=False)(hidden)
        hidden = layers.ReLU()(layers.BatchNormalization()(hidden))
    hidden = layers.Dropout(0.3)(layers.Flatten()(hidden))
    return keras.Model({"image": image}, _probabilities(hidden, classes), name="cnn")


def _probabilities(hidden: keras.KerasTensor, classes: int) -> dict[str, keras.KerasTensor]:
    output = layers.Dense(classes, activation="softmax", name="probabilities")
    return {"probabilities": output(hidden)}


PICTURE_ARCHITECTURES = {"cnn": cnn, "mlp": mlp}
