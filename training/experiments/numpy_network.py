"""A multilayer perceptron in NumPy alone: what Keras does for the other networks, written out.

Only how the weights are found is told here. They then go into a `keras.Model` of the same shape,
so that calibration, export and card are those of every other classifier of pictures.

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
from training.errors import CannotTrain
from training.experiments import pictures
from training.history import History
from training.progress import EpochDisplay

Numbers = NDArray[np.floating[Any]]

_MOMENTUM = 0.9
_LEAST_PROBABILITY = 1e-12


def train(config: pictures.Config) -> Path:
    """Fit a network with NumPy and publish it.

    Returns:
        The published folder.

    Raises:
        CannotTrain: The data cannot be had, the result is not good enough, or what only Keras can
            do was asked for.
    """
    if config.reduce_patience is not None or config.tensorboard is not None:
        raise CannotTrain(
            "--reduce-lr and --tensorboard are done by Keras, which does not fit the network "
            "written in NumPy: leave them out."
        )
    return pictures.train(config, own_fit=fit)


def fit(network: keras.Model, parts: PictureParts, config: pictures.Config) -> History:
    """Learn the weights of a network of dense layers, keeping those of the best epoch.

    Args:
        network: Sigmoid layers and a softmax layer; is given the weights.
        parts: Of the data.
        config: Of the training.

    Returns:
        Loss and accuracy of training and validation by epoch.
    """
    dense = [layer for layer in network.layers if isinstance(layer, keras.layers.Dense)]
    pixels = dense[0].kernel.shape[0]
    rng = np.random.default_rng(config.seed)
    start = initial([pixels, *(layer.units for layer in dense)], rng)
    with EpochDisplay() as display:
        layers, history = learn(start, parts, config.recipe, rng, display)
    for layer, learned in zip(dense, layers, strict=True):
        layer.set_weights([learned.weights, learned.bias])
    return history


@dataclass(frozen=True, slots=True)
class Layer:
    """The numbers of one layer: its weights and biases, or as many that belong to them.

    The slopes of the loss have this shape too, and so has the speed at which they move.

    Shapes:
        weights: (inputs, units); bias: (units,).
    """

    weights: Numbers
    bias: Numbers

    def copy(self) -> "Layer":
        """Return the same numbers in arrays of their own."""
        return Layer(self.weights.copy(), self.bias.copy())

    def at_rest(self) -> "Layer":
        """Return as many zeros."""
        return Layer(np.zeros_like(self.weights), np.zeros_like(self.bias))


Layers = Sequence[Layer]


def initial(sizes: Sequence[int], rng: np.random.Generator) -> list[Layer]:
    """Draw the weights at which learning starts; every layer passes on as much as it receives.

    Args:
        sizes: Of the input and of every layer.
        rng: Draws.

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
    # As a tangent it cannot overflow, as exp(-sums) does for a large negative sum.
    squeezed: Numbers = 0.5 * np.tanh(0.5 * sums) + 0.5
    return squeezed


def softmax(sums: Numbers) -> Numbers:
    """Turn every row into probabilities.

    Shapes:
        (n, classes).
    """
    weights = np.exp(sums - sums.max(axis=1, keepdims=True))
    probabilities: Numbers = weights / weights.sum(axis=1, keepdims=True)
    return probabilities


def forward(layers: Layers, x: Numbers) -> list[Numbers]:
    """Return what goes into the first layer and what comes out of every one, for a whole batch.

    Shapes:
        x: (n, inputs); each result (n, units), the last one probabilities.
    """
    outputs = [x]
    for layer in layers[:-1]:
        outputs.append(sigmoid(outputs[-1] @ layer.weights + layer.bias))
    outputs.append(softmax(outputs[-1] @ layers[-1].weights + layers[-1].bias))
    return outputs


def cross_entropy(probabilities: Numbers, y: Labels) -> float:
    """Return the loss: how improbable the true classes were held, on average.

    Shapes:
        probabilities: (n, classes); y: (n,), codes.
    """
    of_truth = probabilities[np.arange(len(y)), y]
    return float(-np.log(np.maximum(of_truth, _LEAST_PROBABILITY)).mean())


def backward(layers: Layers, outputs: Sequence[Numbers], y: Labels) -> list[Layer]:
    """Return the slope of the loss along every weight and bias, by the chain rule.

    Args:
        layers: As they are.
        outputs: What `forward` gave.
        y: The truth.

    Shapes:
        y: (n,), codes.
    """
    # Of cross-entropy after softmax the slope along the sums is as plain as this.
    error = outputs[-1].copy()
    error[np.arange(len(y)), y] -= 1
    error /= len(y)
    slopes = []
    for place in reversed(range(len(layers))):
        below = outputs[place]
        slopes.append(Layer(below.T @ error, error.sum(axis=0)))
        if place:
            # Through the weights, then through the sigmoid, whose slope is s (1 - s).
            error = (error @ layers[place].weights.T) * below * (1 - below)
    return slopes[::-1]


def step(layers: Layers, speeds: Layers, slopes: Layers, rate: float) -> None:
    """Move every weight and bias downhill, keeping most of the speed it has: changes the first two.

    References:
        Polyak (1964), Some methods of speeding up the convergence of iteration methods,
        doi:10.1016/0041-5553(64)90137-5.
    """
    for layer, speed, slope in zip(layers, speeds, slopes, strict=True):
        _move(layer.weights, speed.weights, slope.weights, rate)
        _move(layer.bias, speed.bias, slope.bias, rate)


def _move(numbers: Numbers, speed: Numbers, slope: Numbers, rate: float) -> None:
    speed *= _MOMENTUM
    speed -= rate * slope
    numbers += speed


def learn(
    layers: Layers,
    parts: PictureParts,
    recipe: pictures.Recipe,
    rng: np.random.Generator,
    display: EpochDisplay,
) -> tuple[Layers, History]:
    """Learn until the epochs are over, or validation gets no better.

    Args:
        layers: Where learning starts; changed on the way.
        parts: Of the data.
        recipe: How it is fitted.
        rng: Shuffles the pictures of every epoch.
        display: Told of every batch and epoch.

    Returns:
        The layers of the epoch with the least validation loss, and all measures by epoch.
    """
    best, kept, least = layers, 0, np.inf
    measured: dict[str, list[float]] = {}
    speeds = [layer.at_rest() for layer in layers]
    display.set_params(
        {"epochs": recipe.epochs, "steps": -(-len(parts.train) // recipe.batch_size)}
    )
    for epoch in range(recipe.epochs):
        display.on_epoch_begin(epoch)
        loss, accuracy = learn_once(layers, speeds, parts.train, recipe, rng, display)
        val_loss, val_accuracy = score(layers, parts.validation)
        measures = {
            "loss": loss,
            "accuracy": accuracy,
            "val_loss": val_loss,
            "val_accuracy": val_accuracy,
        }
        for name, value in measures.items():
            measured.setdefault(name, []).append(value)
        display.on_epoch_end(epoch, measures)
        if val_loss < least:
            best, kept, least = [layer.copy() for layer in layers], epoch + 1, val_loss
        if epoch + 1 - kept >= recipe.patience:
            break
    return best, History(measured, kept=kept)


def learn_once(
    layers: Layers,
    speeds: Layers,
    part: Part,
    recipe: pictures.Recipe,
    rng: np.random.Generator,
    display: EpochDisplay,
) -> tuple[float, float]:
    """See every picture once, a batch a step: changes layers and speeds.

    Returns:
        Loss and accuracy over the epoch, each batch as it was before its step.
    """
    order = rng.permutation(len(part))
    loss, right = 0.0, 0
    for batch, first in enumerate(range(0, len(part), recipe.batch_size)):
        taken = part.take(order[first : first + recipe.batch_size])
        outputs = forward(layers, scaled(taken))
        step(layers, speeds, backward(layers, outputs, taken.y), recipe.learning_rate)
        loss += cross_entropy(outputs[-1], taken.y) * len(taken)
        right += int((outputs[-1].argmax(axis=1) == taken.y).sum())
        display.on_train_batch_end(batch)
    return loss / len(part), right / len(part)


def scaled(part: Part) -> Numbers:
    """Lay out a part's pictures as rows of numbers between 0 and 1.

    Shapes:
        (n, height * width * channels).
    """
    return part.x.reshape(len(part), -1) / np.float32(255)


def score(layers: Layers, part: Part) -> tuple[float, float]:
    """Return loss and accuracy."""
    probabilities = forward(layers, scaled(part))[-1]
    right = probabilities.argmax(axis=1) == part.y
    return cross_entropy(probabilities, part.y), float(right.mean())
