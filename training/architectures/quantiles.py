"""The quantiles that are added to a regression, between which its values lie."""

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

_WIDTH = 16
# What `spread_network` costs at most, which `table_network` leaves for it.
SPREAD_MULTIPLY_ADDS = 1_000


def spread_network(features: NDArray[np.float32]) -> keras.Model:
    """Build a network from the features of a regression to how far off its value may be.

    Args:
        features: Features of training rows, for their scale.

    Shapes:
        features: (n, width); result: (n, 2), distances below and above the value, none negative.
    """
    width = features.shape[1]
    mean, deviation = features.mean(axis=0), features.std(axis=0) + 1e-3
    inputs = keras.Input((width,), name="features")
    hidden = layers.Rescaling((1 / deviation).tolist(), (-mean / deviation).tolist())(inputs)
    hidden = layers.Dense(
        _WIDTH, activation="relu", kernel_regularizer=keras.regularizers.L2(1e-3)
    )(hidden)
    # Softplus of 1 is 1.3: about where the quantiles of residuals of spread 1 are.
    outputs = layers.Dense(2, activation="softplus", bias_initializer="ones")(hidden)
    return keras.Model(inputs, outputs, name="spread")


def with_quantiles(network: keras.Model, spread: keras.Model, *, unit: float) -> keras.Model:
    """Add quantiles to a regression.

    Args:
        network: Regression with the outputs `value` and `features`.
        spread: Network from the features to distances below and above the value.
        unit: Unit of the distances, in the target's unit.

    Returns:
        A model of the same inputs, with the outputs `value` and `quantiles`.

    Shapes:
        quantiles: (n, 2).
    """
    value = network.output["value"]
    distances = layers.Rescaling([-unit, unit])(spread(network.output["features"]))
    outputs = {"value": value, "quantiles": layers.Add(name="quantiles")([value, distances])}
    return keras.Model(network.input, outputs, name=network.name)
