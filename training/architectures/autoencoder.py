"""A network that reconstructs pictures, and scores how badly it does."""

import keras
from keras import layers, ops

_WIDTHS = (128, 16, 128)


def autoencoder(shape: tuple[int, ...]) -> keras.Model:
    """Build a network that encodes a picture in 16 numbers and reconstructs it from these.

    Args:
        shape: Shape of a picture.

    Shapes:
        image: (n, height, width, channels), levels in [0, 255].
        reconstruction: (n, height, width, channels), levels / 255; anomaly: (n, 1), the mean
        squared difference of levels / 255.

    References:
        Hinton and Salakhutdinov (2006), Reducing the dimensionality of data with neural networks,
        doi:10.1126/science.1127647.
    """
    image = keras.Input(shape, name="image")
    scaled = layers.Rescaling(1 / 255)(image)
    hidden = layers.Flatten()(scaled)
    pixels = hidden.shape[-1]
    for units in _WIDTHS:
        hidden = layers.Dense(units, activation="relu")(hidden)
    reconstruction = layers.Reshape(shape)(layers.Dense(pixels, activation="sigmoid")(hidden))
    errors = layers.Flatten()(ops.square(scaled - reconstruction))
    outputs = {
        "anomaly": ops.mean(errors, axis=1, keepdims=True),
        "reconstruction": reconstruction,
    }
    return keras.Model({"image": image}, outputs, name="autoencoder")


def without_reconstruction(network: keras.Model) -> keras.Model:
    """Return the network with the score alone, as it is served."""
    return keras.Model(network.input, {"anomaly": network.output["anomaly"]}, name=network.name)
