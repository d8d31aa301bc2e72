"""The layer that class labels come out of, and how its probabilities are tempered."""

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

PROBABILITIES = "probabilities"


def probabilities(
    features: keras.KerasTensor, labels: int, *, activation: str = "softmax"
) -> keras.KerasTensor:
    """Return a probability for each label.

    Args:
        features: The last hidden layer.
        labels: Number of labels.
        activation: "softmax" for one of the labels; "sigmoid" for any of them.

    Shapes:
        (n, width) to (n, labels).
    """
    return layers.Dense(labels, activation=activation, name=PROBABILITIES)(features)


def temper(
    network: keras.Model, temperatures: float | NDArray[np.float32], *, layer: str = PROBABILITIES
) -> None:
    """Divide logits by a temperature, in the weights of the last layer.

    Args:
        network: Network that predicts class labels.
        temperatures: One for all labels, or one for each.
        layer: Name of the last layer.
    """
    last = network.get_layer(layer)
    last.set_weights([weights / temperatures for weights in last.get_weights()])
