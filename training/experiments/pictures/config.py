"""The hyper-parameters of every architecture."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras

from training.architectures.hidden import Hidden
from training.datasets.picture_sets import PictureSet
from training.experiments.pictures.kinds import PICTURE_KINDS, PictureKind
from training.fitting import OPTIMIZERS, Callbacks, Fitting, LearningRate

# A small set is learned with smaller batches, down to the smallest, so that an epoch has steps, and
# in more epochs, so that the fit has steps.
_WANTED_STEPS, _SMALLEST_BATCH = 20, 16


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRecipe:
    """How an architecture is fitted.

    Attributes:
        epochs: Largest number of epochs.
        patience: Number of epochs without a smaller validation loss after which the fit stops.
        batch_size: Number of pictures in a step.
        optimizer: Name of the optimizer, from `training.fitting.OPTIMIZERS`.
        learning_rate: Highest learning rate.
        decays: Whether the rate rises for an epoch and then falls, instead of staying the same.
        augmented: Whether the pictures are changed anew in each epoch.
        calm_epochs: Number of epochs at the end in which half of the pictures are not changed:
            otherwise the network is less sure of ordinary pictures than it could be.
        least_steps: Number of steps of a fit, in more epochs where the pictures are few.
        steps_per_execution: Number of steps between two updates of the display. Small networks
            learn faster with more.
    """

    epochs: int
    patience: int
    batch_size: int
    optimizer: str = "adam"
    learning_rate: float
    decays: bool
    augmented: bool
    calm_epochs: int = 0
    least_steps: int = 2500
    steps_per_execution: int = 1

    def rate_of(self, batch_size: int) -> float:
        """Return the highest learning rate for batches of another size, to two digits.

        The gradient of a smaller batch is noisier, by the root of the ratio of the sizes. A rate
        that stays the same is a tutorial's own and fits batches of all sizes.

        References:
            Malladi, Lyu, Panigrahi, Arora (2022), On the SDEs and scaling rules for adaptive
            gradient algorithms, arXiv:2205.10287.
        """
        if not self.decays:
            return self.learning_rate
        return float(f"{self.learning_rate * math.sqrt(batch_size / self.batch_size):.2g}")

    def schedule(self, steps: int) -> LearningRate:
        """Return the learning rate of every step.

        Args:
            steps: Number of steps in an epoch.

        References:
            Loshchilov and Hutter (2017), SGDR: stochastic gradient descent with warm restarts,
            arXiv:1608.03983 (one fall, no restart).
        """
        if not self.decays:
            return self.learning_rate
        return keras.optimizers.schedules.CosineDecay(
            self.learning_rate / 30,
            max(1, (self.epochs - 1) * steps),
            warmup_target=self.learning_rate,
            warmup_steps=steps,
            alpha=0.01,
        )

    def compile_options(self, instances: int) -> dict[str, Any]:
        """Return the options of Keras' `compile`, without the loss.

        Args:
            instances: Number of pictures in the training part.
        """
        steps = math.ceil(instances / self.batch_size)
        return {
            "optimizer": OPTIMIZERS[self.optimizer](self.schedule(steps)),
            "steps_per_execution": min(self.steps_per_execution, steps),
        }


RECIPES: Mapping[str, PictureRecipe] = {
    "cnn": PictureRecipe(
        epochs=20,
        patience=8,
        batch_size=128,
        learning_rate=3e-3,
        decays=True,
        augmented=True,
        calm_epochs=4,
    ),
    # As many epochs as in the tutorial, in less than half the time: the steps are larger and fewer.
    "mlp": PictureRecipe(
        epochs=5,
        patience=5,
        batch_size=128,
        learning_rate=8e-3,
        decays=True,
        augmented=False,
        least_steps=1900,  # five epochs of MNIST have a few more
        steps_per_execution=20,
    ),
    "lstm": PictureRecipe(
        epochs=8, patience=4, batch_size=128, learning_rate=3e-3, decays=True, augmented=False
    ),
    # As in the first tutorials: a small rate that stays the same.
    "sigmoid": PictureRecipe(
        epochs=20,
        patience=5,
        batch_size=128,
        optimizer="sgd",
        learning_rate=0.01,
        decays=False,
        augmented=False,
        steps_per_execution=20,
    ),
    "numpy": PictureRecipe(
        epochs=20,
        patience=5,
        batch_size=64,
        optimizer="momentum",
        learning_rate=0.1,
        decays=False,
        augmented=False,
    ),
    "autoencoder": PictureRecipe(
        epochs=20,
        patience=5,
        batch_size=128,
        learning_rate=3e-3,
        decays=True,
        augmented=False,
        steps_per_execution=20,
    ),
}
# Recipes by set and architecture, where a set needs one of its own.
_SET_RECIPES: Mapping[tuple[str, str], PictureRecipe] = {
    ("mnist", "cnn"): replace(RECIPES["cnn"], epochs=24, patience=10, calm_epochs=5),
    ("fashion_mnist", "cnn"): replace(RECIPES["cnn"], epochs=30, optimizer="adamw", calm_epochs=6),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureConfig:
    """What a network is trained with.

    Attributes:
        pictures: The picture set.
        name: Name of the model.
        models: Folder in which versions are published.
        command: Command as typed, for the record.
        data: Folder that contains the set's folder; None to download the set.
        architecture: Name of the architecture, from `RECIPES`.
        seed: Seed of the split and of every random choice.
        epochs: Number of epochs instead of the recipe's.
        limit: Largest number of pictures that are not for the test; None for all.
        min_score: Lowest validation score that is published; None for any.
        force: Whether a network is published that is not better than one constant answer.
        hidden: Hidden layers of an `mlp` instead of the tutorial's.
        fitting: Hyper-parameters instead of the recipe, without augmentation.
        augmented: Whether the pictures are changed anew in each epoch, instead of the recipe's.
        batch_size: Number of pictures in a step, instead of the recipe's.
        patience: Number of epochs to wait for a smaller validation loss, instead of the recipe's.
        reduce_patience: Number of epochs without a smaller validation loss after which the learning
            rate is halved, instead of the recipe's schedule.
        tensorboard: Folder that is written for TensorBoard; None to write nothing.
        plots: Folder for plots of the set, which are not part of the bundle; None to draw none.
        began: Reading of the monotonic clock at the start.
    """

    pictures: PictureSet
    name: str
    models: Path
    command: str
    data: Path | None = None
    architecture: str = "cnn"
    seed: int = 0
    epochs: int | None = None
    limit: int | None = None
    min_score: float | None = None
    force: bool = False
    hidden: Hidden | None = None
    fitting: Fitting | None = None
    augmented: bool | None = None
    batch_size: int | None = None
    patience: int | None = None
    reduce_patience: int | None = None
    tensorboard: Path | None = None
    plots: Path | None = None
    began: float = field(default_factory=time.monotonic)

    @property
    def recipe(self) -> PictureRecipe:
        """How the network is fitted."""
        recipe = self._usual_recipe() if self.fitting is None else _recipe_of(self.fitting)
        epochs = self.epochs or recipe.epochs
        batch_size = self.batch_size or recipe.batch_size
        return replace(
            recipe,
            epochs=epochs,
            patience=self.patience or max(1, recipe.patience * epochs // recipe.epochs),
            calm_epochs=recipe.calm_epochs * epochs // recipe.epochs,
            batch_size=batch_size,
            learning_rate=recipe.rate_of(batch_size),
            decays=recipe.decays and self.reduce_patience is None,
            augmented=recipe.augmented if self.augmented is None else self.augmented,
        )

    def _usual_recipe(self) -> PictureRecipe:
        by_set = self.pictures.name, self.architecture
        return _SET_RECIPES.get(by_set, RECIPES[self.architecture])

    @property
    def callbacks(self) -> Callbacks:
        """What is done between epochs."""
        recipe = self.recipe
        # While the rate is high the loss goes up and down, and the smallest one of a few pictures
        # is luck. Only networks that see changed pictures learn long enough without overfitting.
        is_late = recipe.augmented and recipe.decays and self.patience is None
        return Callbacks(
            patience=recipe.patience,
            start_from_epoch=recipe.epochs // 2 if is_late else 0,
            reduce_patience=self.reduce_patience,
            tensorboard=self.tensorboard,
        )

    @property
    def kind(self) -> PictureKind:
        """What depends on what the pictures show."""
        return PICTURE_KINDS[self.pictures.target]


def _recipe_of(fitting: Fitting) -> PictureRecipe:
    return PictureRecipe(
        epochs=fitting.epochs,
        patience=fitting.epochs,
        batch_size=fitting.batch_size,
        optimizer=fitting.optimizer,
        learning_rate=fitting.learning_rate,
        decays=False,
        augmented=False,
    )


def with_enough_steps(config: PictureConfig, instances: int) -> PictureConfig:
    """Return a config with smaller batches and more epochs, where a fit would have too few steps.

    A batch size or a number of epochs that was asked for stays.

    Args:
        config: What the network is trained with.
        instances: Number of pictures in the training part.
    """
    if config.fitting is not None:
        return config
    usual = config.recipe
    largest = max(_SMALLEST_BATCH, instances // _WANTED_STEPS)
    batch_size = config.batch_size or min(usual.batch_size, largest)
    needed = math.ceil(usual.least_steps / math.ceil(instances / batch_size))
    epochs = config.epochs or max(usual.epochs, needed)
    return replace(config, batch_size=batch_size, epochs=epochs)
