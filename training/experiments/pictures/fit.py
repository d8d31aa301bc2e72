"""Batches of pictures, and the fit."""

import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from training.datasets.picture_data import Labels, Pixels
from training.datasets.pictures import Part, PictureParts
from training.epoch_display import EpochDisplay
from training.experiments.pictures.config import PictureConfig, PictureRecipe
from training.experiments.pictures.kinds import Augmentation
from training.fitting import ExactNormalization, kept_history
from training.history import History

_PREDICTED_AT_ONCE = 1000
# Batch normalization gets its statistics from so many pixels: from 500 pictures of 32 x 32.
_NORMALIZED_PIXELS = 512_000


class AugmentedBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches in a new order in each epoch, whose pictures are changed anew."""

    def __init__(
        self, part: Part, recipe: PictureRecipe, *, augment: Augmentation, seed: int
    ) -> None:
        super().__init__()
        self._part, self._batch_size, self._seed = part, recipe.batch_size, seed
        self._augment = augment
        self._calm_from = recipe.epochs - recipe.calm_epochs
        self._epoch = -1
        self.on_epoch_end()

    def __len__(self) -> int:
        return math.ceil(len(self._part) / self._batch_size)

    def on_epoch_end(self) -> None:
        """Shuffle for the next epoch."""
        self._epoch += 1
        rng = np.random.default_rng([self._seed, self._epoch])
        self._order = rng.permutation(len(self._part))

    def __getitem__(self, batch: int) -> tuple[dict[str, Pixels], Labels]:
        size = self._batch_size
        original = self._part.take(self._order[batch * size : (batch + 1) * size])
        rng = np.random.default_rng([self._seed, self._epoch, batch])
        pictures = self._augment(original.x, original.y, rng)
        if self._epoch >= self._calm_from:
            is_left_alone = rng.random(len(original)) < 0.5
            pictures[is_left_alone] = original.x[is_left_alone]
        return {"image": pictures}, original.y


def fit(network: keras.Model, parts: PictureParts, config: PictureConfig) -> History:
    """Fit the network, keeping the weights of the epoch with the smallest validation loss.

    Returns:
        Loss and accuracy of training and validation by epoch.
    """
    learner = keras.Model(network.input, network.output["probabilities"])
    learner.compile(
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        **config.recipe.compile_options(len(parts.train)),
    )
    validation = {"image": parts.validation.x}, parts.validation.y
    normalization = ExactNormalization({"image": _typical_pictures(parts.train, config)})
    return run_fit(learner, _training_data(parts.train, config), validation, config, normalization)


def _training_data(part: Part, config: PictureConfig) -> dict[str, Any]:
    """Return the data for Keras' `fit`: arrays, or batches where pictures are changed anew."""
    recipe = config.recipe
    if not recipe.augmented:
        return {"x": {"image": part.x}, "y": part.y, "batch_size": recipe.batch_size}
    return {
        "x": AugmentedBatches(part, recipe, augment=config.kind.augment, seed=config.seed),
        "shuffle": False,
    }


def _typical_pictures(part: Part, config: PictureConfig) -> Pixels:
    """Return pictures as the network sees them while it learns, no fewer than in a step."""
    recipe, pixels = config.recipe, math.prod(part.x.shape[1:3])
    few = part.take(np.arange(len(part))[: max(recipe.batch_size, _NORMALIZED_PIXELS // pixels)])
    if not recipe.augmented:
        return few.x
    return config.kind.augment(few.x, few.y, np.random.default_rng(config.seed))


def run_fit(
    learner: keras.Model,
    training: Mapping[str, Any],
    validation: tuple[dict[str, Pixels], NDArray[Any]],
    config: PictureConfig,
    *callbacks: keras.callbacks.Callback,
) -> History:
    """Fit a compiled network, keeping the weights of the epoch with the smallest validation loss.

    Args:
        learner: The network, compiled.
        training: Data for Keras' `fit`.
        validation: Inputs and targets of the validation part.
        config: What the network is trained with.
        *callbacks: Further callbacks.

    Returns:
        Every measure of training and validation by epoch.

    Raises:
        CannotTrain: The losses are no finite numbers.
    """
    stopping = config.callbacks.early_stopping()
    with EpochDisplay() as display:
        history = learner.fit(
            **training,
            validation_data=validation,
            validation_batch_size=_PREDICTED_AT_ONCE,
            epochs=config.recipe.epochs,
            callbacks=[*callbacks, stopping, *config.callbacks.optional(), display],
            verbose=0,
        )
    return kept_history(history.history, stopping)
