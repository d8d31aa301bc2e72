"""Layers that an ONNX file cannot contain -> others that compute the same.

Normalization keeps its statistics outside of the weights, and a lookup is a table of TensorFlow.
Rescaling layers, comparisons and an Embedding compute the same.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

# A text that is in no vocabulary.
_UNKNOWN = "\0"
# A number is compared with each of a vocabulary, which would be slow for a long one.
_MAX_COMPARED = 1000


def replace(operation: Any) -> Any:
    """Return what computes in the place of a layer or an operation."""
    if isinstance(operation, layers.Normalization):
        return _as_rescaling(operation)
    if isinstance(operation, layers.StringLookup):
        return _as_embedding(operation)
    if isinstance(operation, layers.IntegerLookup | layers.Discretization):
        return _as_comparisons(operation)
    return operation


def known_texts(lookup: layers.StringLookup) -> tuple[str, ...]:
    """Return the texts of a vocabulary."""
    return tuple(str(text) for text in lookup.get_vocabulary(include_special_tokens=False) if text)


def _as_rescaling(layer: layers.Normalization) -> keras.Model:
    """Return a shift and a scale; one layer would lose digits where the mean is far from zero."""
    mean = np.asarray(layer.mean, np.float64)
    spread = np.maximum(np.sqrt(np.asarray(layer.variance, np.float64)), keras.config.epsilon())
    if mean.ndim:
        mean, spread = mean[0], spread[0]
    steps = (
        [layers.Rescaling(spread.tolist()), layers.Rescaling(1.0, mean.tolist())]
        if layer.invert
        else [layers.Rescaling(1.0, (-mean).tolist()), layers.Rescaling((1 / spread).tolist())]
    )
    return keras.Sequential(steps, name=layer.name)


def _as_embedding(lookup: layers.StringLookup) -> Callable[[Any], Any]:
    """Return the outputs of a lookup for an empty text, an unknown text, and each known text."""
    texts = ["", _UNKNOWN, *known_texts(lookup)]
    outputs = np.asarray(lookup(ops.convert_to_tensor(texts)[:, None]), np.float32)
    embedding = layers.Embedding(*outputs.shape, weights=[outputs], trainable=False)
    codes = keras.Input((1,), dtype="int32")
    table = keras.Sequential([codes, embedding, layers.Flatten()], name=lookup.name)
    return lambda texts: _as_whole(table(texts), lookup.output_mode)


def _as_comparisons(layer: Any) -> Any:
    """Return comparisons that find the code of each number, and a table of the layer's outputs."""
    is_lookup = isinstance(layer, layers.IntegerLookup)
    limits = _numbers(layer) if is_lookup else np.asarray(layer.bin_boundaries, np.float32)
    if not 0 < len(limits) <= _MAX_COMPARED or (is_lookup and layer.num_oov_indices != 1):
        return layer
    below = limits.max() + 1 if is_lookup else np.nextafter(limits[0], np.float32(-np.inf))
    examples = np.concatenate([[below], limits]).astype(limits.dtype)
    table = np.asarray(layer(ops.convert_to_tensor(examples)[:, None]), np.float32)
    embedding = layers.Embedding(
        *table.shape, weights=[table], trainable=False, name=f"{layer.name}_table"
    )

    def compute(numbers: Any) -> Any:
        each = ops.expand_dims(numbers, -1)
        if is_lookup:
            found = ops.cast(ops.equal(each, limits), "int32") * np.arange(1, len(limits) + 1)
            codes = ops.sum(found, axis=-1)
        else:  # a number that is not known is above all limits
            codes = len(limits) - ops.sum(ops.cast(ops.less(each, limits), "int32"), axis=-1)
        return _gather(embedding(codes), layer.output_mode)

    return compute


def _as_whole(encoded: Any, mode: str) -> Any:
    """Return codes as the whole numbers that they are, since some layers take nothing else."""
    return ops.cast(encoded, "int64") if mode == "int" else encoded


def _numbers(lookup: layers.IntegerLookup) -> NDArray[np.int64]:
    masked = [] if lookup.mask_token is None else [lookup.mask_token]
    return np.asarray([*masked, *lookup.get_vocabulary(include_special_tokens=False)], np.int64)


def _gather(encoded: Any, mode: str) -> Any:
    """Bring the outputs for single numbers to the output for a row of numbers.

    Shapes:
        encoded: (n, numbers, outputs)
    """
    if mode == "int":
        return _as_whole(ops.squeeze(encoded, -1), mode)
    if mode == "one_hot":
        return ops.squeeze(encoded, 1) if encoded.shape[1] == 1 else encoded
    return ops.max(encoded, axis=1) if mode == "multi_hot" else ops.sum(encoded, axis=1)
