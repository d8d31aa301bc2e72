"""How a network is fitted: hyper-parameters of the fit and the callbacks that watch over it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import keras

Rate: TypeAlias = float | keras.optimizers.schedules.LearningRateSchedule

OPTIMIZERS: Mapping[str, Callable[[Rate], keras.optimizers.Optimizer]] = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "nadam": keras.optimizers.Nadam,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
    "momentum": lambda rate: keras.optimizers.SGD(rate, momentum=0.9),
}
# Of how much the rate is divided by where the validation loss no longer falls.
_REDUCTION = 0.5
_LEAST_RATE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """The hyper-parameters of a fit.

    Attributes:
        optimizer: One of `OPTIMIZERS`.
        learning_rate: At the start.
        batch_size: Instances a step.
        epochs: At most.
    """

    optimizer: str = "adam"
    learning_rate: float = 1e-3
    batch_size: int = 32
    epochs: int = 100

    def build_optimizer(self) -> keras.optimizers.Optimizer:
        """Return a new optimizer."""
        return OPTIMIZERS[self.optimizer](self.learning_rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What is done between epochs.

    Attributes:
        monitor: The measure that decides, a loss of validation or another that falls.
        patience: Epochs without a smaller one before stopping; the best epoch's weights are kept.
        start_from_epoch: Epochs before the best one may lie.
        reduce_patience: Epochs without a smaller one before the learning rate is halved; None to
            leave it alone.
        tensorboard: Folder to write what TensorBoard shows into.
    """

    monitor: str = "val_loss"
    patience: int
    start_from_epoch: int = 0
    reduce_patience: int | None = None
    tensorboard: Path | None = None

    def early_stopping(self) -> keras.callbacks.EarlyStopping:
        """Return what stops the fit, and knows the epoch that was kept."""
        return keras.callbacks.EarlyStopping(
            self.monitor,
            mode="min",
            patience=self.patience,
            restore_best_weights=True,
            start_from_epoch=self.start_from_epoch,
        )

    def others(self) -> list[keras.callbacks.Callback]:
        """Return the callbacks that were asked for besides."""
        found: list[keras.callbacks.Callback] = []
        if self.reduce_patience is not None:
            found.append(
                keras.callbacks.ReduceLROnPlateau(
                    self.monitor,
                    mode="min",
                    factor=_REDUCTION,
                    patience=self.reduce_patience,
                    min_lr=_LEAST_RATE,
                )
            )
        if self.tensorboard is not None:
            found.append(keras.callbacks.TensorBoard(self.tensorboard))
        return found
