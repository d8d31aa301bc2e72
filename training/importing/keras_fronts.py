"""What a Keras network does to its input first: it shows what the input is."""

from typing import Any

import keras
import numpy as np
from keras import layers

from training.importing.keras_graphs import callers

# Layers that change an array element by element, in shape, or in training only.
_PASSING = (
    layers.ActivityRegularization,
    layers.BatchNormalization,
    layers.CenterCrop,
    layers.Cropping1D,
    layers.Cropping2D,
    layers.Dropout,
    layers.Flatten,
    layers.GaussianDropout,
    layers.GaussianNoise,
    layers.Identity,
    layers.LayerNormalization,
    layers.Normalization,
    layers.Permute,
    layers.RandomBrightness,
    layers.RandomContrast,
    layers.RandomCrop,
    layers.RandomFlip,
    layers.RandomRotation,
    layers.RandomTranslation,
    layers.RandomZoom,
    layers.Rescaling,
    layers.Reshape,
    layers.Resizing,
    layers.SpatialDropout1D,
    layers.SpatialDropout2D,
    layers.ZeroPadding1D,
    layers.ZeroPadding2D,
)
_OF_STEPS = (
    layers.AdditiveAttention,
    layers.Attention,
    layers.AveragePooling1D,
    layers.Bidirectional,
    layers.Conv1D,
    layers.Conv1DTranspose,
    layers.Cropping1D,
    layers.DepthwiseConv1D,
    layers.GRU,
    layers.GlobalAveragePooling1D,
    layers.GlobalMaxPooling1D,
    layers.LSTM,
    layers.Masking,
    layers.MaxPooling1D,
    layers.MultiHeadAttention,
    layers.RNN,
    layers.SeparableConv1D,
    layers.SimpleRNN,
    layers.SpatialDropout1D,
    layers.TimeDistributed,
    layers.UpSampling1D,
    layers.ZeroPadding1D,
)
# Factors that bring pixel levels from 0 to 255 to about 1.
_MAX_FACTOR = 0.1
# A Normalization whose mean is above this learned from levels from 0 to 255.
_MIN_MEAN = 2.0


def find_front(network: keras.Model) -> list[Any]:
    """Return the layers and operations of an inlined network up to those that compute.

    The first of those is among them on each way.
    """
    found: list[Any] = []
    waiting = [network.inputs[0]]
    while waiting:
        for operation, outputs in callers(network, waiting.pop()):
            if operation in found:
                continue
            found.append(operation)
            if isinstance(operation, _PASSING) or not isinstance(operation, layers.Layer):
                waiting.extend(outputs)
    return found


def takes_steps(front: list[Any]) -> bool:
    """Return whether a network reads its two axes as time steps."""
    return any(isinstance(each, _OF_STEPS) for each in front)


def scales_levels(front: list[Any]) -> bool | None:
    """Return whether a network scales pixel levels from 0 to 255; None if that is not visible."""
    if any(_scales(each) for each in front):
        return True
    unclear = any(_may_scale(each) for each in front)
    return None if unclear else False


def _scales(operation: Any) -> bool:
    if isinstance(operation, layers.Rescaling):
        return bool(np.max(np.abs(operation.scale)) <= _MAX_FACTOR)
    if isinstance(operation, layers.Normalization):
        return bool(np.max(np.asarray(operation.mean)) > _MIN_MEAN)
    return False


def _may_scale(operation: Any) -> bool:
    if not isinstance(operation, layers.Layer):
        return True
    kinds = (layers.Add, layers.Multiply, layers.Subtract)
    learned = (layers.BatchNormalization, layers.LayerNormalization, layers.Normalization)
    return isinstance(operation, (layers.Rescaling, *kinds, *learned))
