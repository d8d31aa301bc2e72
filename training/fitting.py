"""How a network is fitted: hyper-parameters of the fit, and its callbacks between epochs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import keras
import numpy as np
from numpy.typing import NDArray

from training.errors import CannotTrain
from training.history import History

LearningRate: TypeAlias = float | keras.optimizers.schedules.LearningRateSchedule

OPTIMIZERS: Mapping[str, Callable[[LearningRate], keras.optimizers.Optimizer]] = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "nadam": keras.optimizers.Nadam,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
    "momentum": lambda rate: keras.optimizers.SGD(rate, momentum=0.9),
}
# Factor of the learning rate where the validation loss no longer falls, and where that ends.
_REDUCTION = 0.5
_LEAST_RATE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """The hyper-parameters of a fit.

    Attributes:
        optimizer: Name of the optimizer, from `OPTIMIZERS`.
        learning_rate: Learning rate, which stays the same.
        batch_size: Number of instances in a step.
        epochs: Largest number of epochs.
    """

    optimizer: str = "adam"
    learning_rate: float = 1e-3
    batch_size: int = 32
    epochs: int = 100

    def build_optimizer(self) -> keras.optimizers.Optimizer:
        """Return a new optimizer."""
        return OPTIMIZERS[self.optimizer](self.learning_rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Callbacks:
    """What is done between epochs.

    Attributes:
        monitor: Name of the measure that should fall: a loss of validation, or another one.
        patience: Number of epochs without a smaller measure after which the fit stops; the weights
            of the best epoch are kept.
        start_from_epoch: Number of the first epoch that can be the best one.
        reduce_patience: Number of epochs without a smaller measure after which the learning rate is
            halved; None to leave the rate as it is.
        tensorboard: Folder that is written for TensorBoard; None to write nothing.
    """

    monitor: str = "val_loss"
    patience: int
    start_from_epoch: int = 0
    reduce_patience: int | None = None
    tensorboard: Path | None = None

    def early_stopping(self) -> keras.callbacks.EarlyStopping:
        """Return the callback that stops the fit, and that knows which epoch was kept."""
        return keras.callbacks.EarlyStopping(
            self.monitor,
            mode="min",
            patience=self.patience,
            restore_best_weights=True,
            start_from_epoch=self.start_from_epoch,
        )

    def optional(self) -> list[keras.callbacks.Callback]:
        """Return the callbacks that were requested."""
        callbacks: list[keras.callbacks.Callback] = []
        if self.reduce_patience is not None:
            callbacks.append(self._reduce_rate(self.reduce_patience))
        if self.tensorboard is not None:
            callbacks.append(keras.callbacks.TensorBoard(self.tensorboard))
        return callbacks

    def _reduce_rate(self, patience: int) -> keras.callbacks.ReduceLROnPlateau:
        return keras.callbacks.ReduceLROnPlateau(
            self.monitor, mode="min", factor=_REDUCTION, patience=patience, min_lr=_LEAST_RATE
        )


def kept_history(
    measures: Mapping[str, Sequence[float]], stopping: keras.callbacks.EarlyStopping
) -> History:
    """Return the history of a fit whose best weights were kept.

    Args:
        measures: What Keras measured after each epoch.
        stopping: Callback of the fit that kept the best weights.

    Raises:
        CannotTrain: The losses are no finite numbers.
    """
    first = stopping.start_from_epoch + 1
    return require_finite(History(measures, kept=stopping.best_epoch + 1, first=first))


def require_finite(history: History) -> History:
    """Return a history whose kept epoch has a finite validation loss.

    Raises:
        CannotTrain: It has none: the weights have grown beyond all bounds.
    """
    if not np.isfinite(history.measures["val_loss"][max(0, history.kept - 1)]):
        raise CannotTrain(
            "Not published: the loss is not a finite number, so the network learned nothing. A "
            "smaller learning rate may help."
        )
    return history


class ExactNormalization(keras.callbacks.Callback):  # type: ignore[misc]
    """Gives batch normalization the exact statistics of some instances before each validation.

    The averages that a layer keeps over the steps lag behind the weights. After few steps they are
    so far off that a network which has learned well predicts no better than chance.

    References:
        Wu and Johnson (2021), Rethinking "batch" in BatchNorm, arXiv:2105.07576.
    """

    def __init__(self, inputs: NDArray[Any] | Mapping[str, NDArray[Any]]) -> None:
        """Keep the instances, which the network takes in one call.

        Args:
            inputs: Training instances, changed as those that the network learns from.
        """
        super().__init__()
        self._inputs = inputs

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        """Replace the statistics of every layer by those of the instances."""
        normalizations = [
            layer
            for layer in self.model.layers
            if isinstance(layer, keras.layers.BatchNormalization)
        ]
        if not normalizations:
            return
        usual = [layer.momentum for layer in normalizations]
        for layer in normalizations:
            layer.momentum = 0.0
        self.model(self._inputs, training=True)
        for layer, momentum in zip(normalizations, usual, strict=True):
            layer.momentum = momentum
