"""How new an instance looks: a score that is added to a classifier of pictures."""

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray


def with_novelty(network: keras.Model, prototypes: NDArray[np.float32]) -> keras.Model:
    """Add a novelty score to a classifier: 1 - the largest cosine of features and prototypes.

    Args:
        network: Classifier with the outputs `probabilities` and `features`.
        prototypes: Typical features of each class, of length 1.

    Returns:
        A model of the same inputs, with the outputs `probabilities` and `novelty`.

    Shapes:
        prototypes: (prototypes, width); novelty: (n, 1).

    References:
        Sun, Ming, Zhu, Li (2022), Out-of-distribution detection with deep nearest neighbors,
        arXiv:2204.06507 (normalised features; prototypes stand for the neighbours here).
    """
    cosines_layer = layers.Dense(
        len(prototypes), use_bias=False, trainable=False, name="prototypes"
    )
    cosines = cosines_layer(layers.UnitNormalization()(network.output["features"]))
    cosines_layer.set_weights([prototypes.T])
    outputs = {
        "probabilities": network.output["probabilities"],
        "novelty": 1 - ops.max(cosines, axis=1, keepdims=True),
    }
    return keras.Model(network.input, outputs, name=network.name)
