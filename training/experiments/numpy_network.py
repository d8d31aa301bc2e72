"""A multilayer perceptron in NumPy alone: backpropagation, step by step.

Only the fit is different from the other experiments with pictures. The weights that it finds go
into a `keras.Model` of the same shape, which is calibrated and published as every other classifier.

References:
    Rumelhart, Hinton, Williams (1986), Learning representations by back-propagating errors,
    doi:10.1038/323533a0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from training.datasets.picture_data import Labels
from training.datasets.pictures import Part, PictureParts
from training.epoch_display import EpochDisplay
from training.errors import CannotTrain
from training.experiments import pictures
from training.experiments.pictures import PictureConfig, PictureRecipe
from training.fitting import require_finite
from training.history import History

Numbers = NDArray[np.floating[Any]]

_MOMENTUM = 0.9
# Keeps the loss finite where a true label was given no probability at all.
_LEAST_PROBABILITY = 1e-12


def train(config: PictureConfig) -> Path:
    """Fit a network with NumPy and publish it.

    Returns:
        The published folder.

    Raises:
        CannotTrain: The data cannot be had, the result is not good enough, or an option was given
            that only Keras can fulfil.
    """
    if config.reduce_patience is not None or config.tensorboard is not None:
        raise CannotTrain(
            "--reduce-lr and --tensorboard need Keras, which does not fit the network that is "
            "written in NumPy: leave them out."
        )
    return pictures.train(config, fit_network=fit)


def fit(network: keras.Model, parts: PictureParts, config: PictureConfig) -> History:
    """Learn the weights of a network of dense layers, keeping those of the best epoch.

    Args:
        network: Network of sigmoid layers and a softmax layer, which gets the weights.
        parts: The pictures.
        config: What the network is trained with.

    Returns:
        Loss and accuracy of training and validation by epoch.
    """
    dense = [layer for layer in network.layers if isinstance(layer, keras.layers.Dense)]
    pixels = dense[0].kernel.shape[0]
    rng = np.random.default_rng(config.seed)
    start = initial_layers([pixels, *(layer.units for layer in dense)], rng)
    with EpochDisplay() as display:
        layers, history = learn(start, parts, config.recipe, rng, display)
    for layer, learned in zip(dense, layers, strict=True):
        layer.set_weights([learned.weights, learned.bias])
    return history


@dataclass(frozen=True, slots=True)
class Layer:
    """An array of the shape of a layer's weights, and one of the shape of its bias.

    They hold the weights and the bias themselves, their gradients, or their velocities.

    Attributes:
        weights: Numbers that belong to the weights.
        bias: Numbers that belong to the bias.

    Shapes:
        weights: (inputs, units); bias: (units,).
    """

    weights: Numbers
    bias: Numbers

    def copy(self) -> "Layer":
        """Return the same numbers in new arrays."""
        return Layer(self.weights.copy(), self.bias.copy())

    def zeros(self) -> "Layer":
        """Return zeros of the same shapes."""
        return Layer(np.zeros_like(self.weights), np.zeros_like(self.bias))


Layers = Sequence[Layer]


def initial_layers(sizes: Sequence[int], rng: np.random.Generator) -> list[Layer]:
    """Draw the weights at which learning starts; every layer passes on as much as it receives.

    Args:
        sizes: Number of inputs, then the number of units of every layer.
        rng: Generator of the weights.

    References:
        Glorot and Bengio (2010), Understanding the difficulty of training deep feedforward neural
        networks, Proceedings of Machine Learning Research 9, 249-256.
    """
    layers = []
    for inputs, units in pairwise(sizes):
        reach = np.sqrt(6 / (inputs + units))
        weights = rng.uniform(-reach, reach, (inputs, units)).astype(np.float32)
        layers.append(Layer(weights, np.zeros(units, dtype=np.float32)))
    return layers


def sigmoid(sums: Numbers) -> Numbers:
    """Squeeze every number between 0 and 1."""
    # Written with tanh it cannot overflow, as exp(-sums) does for a large negative sum.
    squeezed: Numbers = 0.5 * np.tanh(0.5 * sums) + 0.5
    return squeezed


def softmax(sums: Numbers) -> Numbers:
    """Turn every row into probabilities.

    Shapes:
        sums and result: (n, classes).
    """
    weights = np.exp(sums - sums.max(axis=1, keepdims=True))
    probabilities: Numbers = weights / weights.sum(axis=1, keepdims=True)
    return probabilities


def forward(layers: Layers, x: Numbers) -> list[Numbers]:
    """Return the input of a batch and the output of every layer.

    Shapes:
        x: (n, inputs); each result (n, units), the last one probabilities.
    """
    outputs = [x]
    for layer in layers[:-1]:
        outputs.append(sigmoid(outputs[-1] @ layer.weights + layer.bias))
    outputs.append(softmax(outputs[-1] @ layers[-1].weights + layers[-1].bias))
    return outputs


def cross_entropy(probabilities: Numbers, y: Labels) -> float:
    """Return the loss: the mean negative logarithm of the true labels' probabilities.

    Shapes:
        probabilities: (n, classes); y: (n,), codes of the true labels.
    """
    of_truth = probabilities[np.arange(len(y)), y]
    return float(-np.log(np.maximum(of_truth, _LEAST_PROBABILITY)).mean())


def backward(layers: Layers, outputs: Sequence[Numbers], y: Labels) -> list[Layer]:
    """Return the gradients of the loss by the chain rule, from the last layer to the first.

    Args:
        layers: The weights.
        outputs: Result of `forward`.
        y: Codes of the true labels.

    Shapes:
        y: (n,).
    """
    # The gradient of cross-entropy and softmax together: probability minus truth.
    error = outputs[-1].copy()
    error[np.arange(len(y)), y] -= 1
    error /= len(y)
    gradients = []
    for index in reversed(range(len(layers))):
        below = outputs[index]
        gradients.append(Layer(below.T @ error, error.sum(axis=0)))
        if index:
            # Back through the weights, then through the sigmoid, whose derivative is s (1 - s).
            error = (error @ layers[index].weights.T) * below * (1 - below)
    return gradients[::-1]


def step(layers: Layers, velocities: Layers, gradients: Layers, rate: float) -> None:
    """Move every weight and bias downhill by gradient descent with momentum.

    Args:
        layers: The weights, which are changed.
        velocities: How fast they move, which is changed.
        gradients: Gradients of the loss.
        rate: Learning rate.

    References:
        Polyak (1964), Some methods of speeding up the convergence of iteration methods,
        doi:10.1016/0041-5553(64)90137-5.
    """
    for layer, velocity, gradient in zip(layers, velocities, gradients, strict=True):
        _move(layer.weights, velocity.weights, gradient.weights, rate)
        _move(layer.bias, velocity.bias, gradient.bias, rate)


def _move(numbers: Numbers, velocity: Numbers, gradient: Numbers, rate: float) -> None:
    velocity *= _MOMENTUM
    velocity -= rate * gradient
    numbers += velocity


def learn(
    layers: Layers,
    parts: PictureParts,
    recipe: PictureRecipe,
    rng: np.random.Generator,
    display: EpochDisplay,
) -> tuple[Layers, History]:
    """Learn until the last epoch, or until the validation loss no longer falls.

    Args:
        layers: Weights at which learning starts, which are changed.
        parts: The pictures.
        recipe: How the network is fitted.
        rng: Generator of the order of the pictures.
        display: Display of every batch and epoch.

    Returns:
        The layers of the epoch with the smallest validation loss, and all measures by epoch.

    Raises:
        CannotTrain: The losses are no finite numbers.
    """
    best, kept, least = layers, 0, np.inf
    history: dict[str, list[float]] = {}
    velocities = [layer.zeros() for layer in layers]
    display.set_params(
        {"epochs": recipe.epochs, "steps": -(-len(parts.train) // recipe.batch_size)}
    )
    for epoch in range(recipe.epochs):
        display.on_epoch_begin(epoch)
        loss, accuracy = learn_epoch(layers, velocities, parts.train, recipe, rng, display)
        val_loss, val_accuracy = score(layers, parts.validation)
        measures = {
            "loss": loss,
            "accuracy": accuracy,
            "val_loss": val_loss,
            "val_accuracy": val_accuracy,
        }
        for name, value in measures.items():
            history.setdefault(name, []).append(value)
        display.on_epoch_end(epoch, measures)
        if val_loss < least:
            best, kept, least = [layer.copy() for layer in layers], epoch + 1, val_loss
        if epoch + 1 - kept >= recipe.patience:
            break
    return best, require_finite(History(history, kept=kept))


def learn_epoch(
    layers: Layers,
    velocities: Layers,
    part: Part,
    recipe: PictureRecipe,
    rng: np.random.Generator,
    display: EpochDisplay,
) -> tuple[float, float]:
    """Learn from every picture once, with a step for each batch; layers and velocities change.

    Returns:
        Loss and accuracy over the epoch, each batch measured before its step.
    """
    order = rng.permutation(len(part))
    loss, right = 0.0, 0
    for batch, first in enumerate(range(0, len(part), recipe.batch_size)):
        pictures_of_batch = part.take(order[first : first + recipe.batch_size])
        outputs = forward(layers, scale(pictures_of_batch))
        gradients = backward(layers, outputs, pictures_of_batch.y)
        step(layers, velocities, gradients, recipe.learning_rate)
        loss += cross_entropy(outputs[-1], pictures_of_batch.y) * len(pictures_of_batch)
        right += int((outputs[-1].argmax(axis=1) == pictures_of_batch.y).sum())
        display.on_train_batch_end(batch)
    return loss / len(part), right / len(part)


def scale(part: Part) -> Numbers:
    """Return a part's pictures as rows of numbers between 0 and 1.

    Shapes:
        (n, height * width * channels).
    """
    return part.x.reshape(len(part), -1) / np.float32(255)


def score(layers: Layers, part: Part) -> tuple[float, float]:
    """Return loss and accuracy on a part."""
    probabilities = forward(layers, scale(part))[-1]
    right = probabilities.argmax(axis=1) == part.y
    return cross_entropy(probabilities, part.y), float(right.mean())
