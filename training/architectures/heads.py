"""The last layer of a table's network, and the loss that it is fitted by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from training.architectures.labels import PROBABILITIES, probabilities

Loss = Callable[[Any, Any], Any]

# Keeps the logarithm of a probability finite.
_LEAST_PROBABILITY = 1e-7


class Head(Protocol):
    """The last layer of a table's network."""

    @property
    def layer(self) -> str:
        """Name of the layer whose output is fitted."""

    @property
    def loss(self) -> str:
        """Name of the loss that it is fitted by."""

    @property
    def loss_weight(self) -> float:
        """Factor of the loss, with which it is about 1 at the start."""

    def __call__(self, features: keras.KerasTensor) -> Mapping[str, keras.KerasTensor]:
        """Return the outputs by name, the prediction among them.

        Shapes:
            features: (n, width); each output (n, ...).
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueHead:
    """A number in the target's unit.

    Attributes:
        mean: Mean of the training targets.
        spread: Standard deviation of the training targets.
    """

    mean: float
    spread: float
    layer = "value"
    loss = "mean_squared_error"

    @property
    def loss_weight(self) -> float:
        """One over the variance of the targets."""
        return 1 / self.spread**2

    @classmethod
    def of(cls, target: NDArray[np.float64]) -> "ValueHead":
        """Measure training targets."""
        return cls(mean=float(target.mean()), spread=float(target.std()) or 1.0)

    def __call__(self, features: keras.KerasTensor) -> Mapping[str, keras.KerasTensor]:
        """Return `value`, (n, 1), of a layer that works on standardised targets."""
        scale = layers.Rescaling(self.spread, self.mean, name="value")
        return {"value": scale(layers.Dense(1)(features))}


@dataclass(frozen=True, slots=True)
class BinaryHead:
    """One of two class labels, by a sigmoid."""

    layer = "probability"
    loss = "binary_crossentropy"
    loss_weight = 1.0

    def __call__(self, features: keras.KerasTensor) -> Mapping[str, keras.KerasTensor]:
        """Return `probabilities`, (n, 2), of which the second is the sigmoid's."""
        second = layers.Dense(1, activation="sigmoid", name="probability")(features)
        both = ops.concatenate([1 - second, second], axis=1)
        return {"probabilities": both}


@dataclass(frozen=True, slots=True)
class ClassesHead:
    """One of several class labels, by a softmax.

    Attributes:
        classes: Number of class labels.
    """

    classes: int
    layer = PROBABILITIES
    loss = "categorical_crossentropy"
    loss_weight = 1.0

    def __call__(self, features: keras.KerasTensor) -> Mapping[str, keras.KerasTensor]:
        """Return `probabilities`, (n, classes)."""
        return {"probabilities": probabilities(features, self.classes)}


@dataclass(frozen=True, slots=True)
class LabelsHead:
    """Any of several labels, by a sigmoid each.

    Attributes:
        labels: Number of labels.
    """

    labels: int
    layer = PROBABILITIES
    loss = "binary_crossentropy"
    loss_weight = 1.0

    def __call__(self, features: keras.KerasTensor) -> Mapping[str, keras.KerasTensor]:
        """Return `probabilities`, (n, labels)."""
        return {"probabilities": probabilities(features, self.labels, activation="sigmoid")}


def balanced_loss(head: Head, shares: NDArray[np.float32]) -> Loss:
    """Return the head's cross-entropy with equal weights for all labels, however rare.

    Args:
        head: Head of class labels.
        shares: Share of the training instances that have each label of the head's layer.

    Shapes:
        shares: (width,).
    """
    present = (1 / np.maximum(shares, 1e-6)).astype(np.float32)
    absent = (1 / np.maximum(1 - shares, 1e-6)).astype(np.float32)

    def binary(truth: Any, predicted: Any) -> Any:
        likelihood = truth * present * _log(predicted) + (1 - truth) * absent * _log(1 - predicted)
        return -ops.mean(likelihood, axis=-1) / 2

    def categorical(truth: Any, predicted: Any) -> Any:
        return -ops.mean(truth * present * _log(predicted), axis=-1)

    return categorical if isinstance(head, ClassesHead) else binary


def _log(values: Any) -> Any:
    return ops.log(ops.maximum(values, _LEAST_PROBABILITY))
