"""The network in NumPy: its gradients are those of its loss, and its steps are those of Keras."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.training.conftest import drawn_digits, picture_config
from training.architectures.pictures import PICTURE_ARCHITECTURES
from training.commands.images import find_trainer
from training.datasets.picture_data import Labels
from training.datasets.picture_sets import PictureSet
from training.datasets.pictures import Part, PictureParts
from training.epoch_display import EpochDisplay
from training.errors import CannotTrain
from training.experiments import numpy_network
from training.experiments.numpy_network import Layer, Numbers, backward, cross_entropy, forward
from training.experiments.pictures import PictureRecipe
from training.experiments.pictures.data import read
from training.history import History

SIZES = (6, 5, 4, 3)
PARAMETERS = [(depth, name) for depth in range(len(SIZES) - 1) for name in ("weights", "bias")]


def precise_layers(rng: np.random.Generator) -> list[Layer]:
    """Draw layers, their biases too, in the precision that differences need."""
    return [
        Layer(layer.weights.astype(np.float64), rng.normal(size=layer.bias.shape))
        for layer in numpy_network.initial_layers(SIZES, rng)
    ]


def gradients_by_differences(
    numbers: Numbers, layers: list[Layer], x: Numbers, y: Labels
) -> Numbers:
    """Move each number a little up and down, and see how the loss follows."""
    gradients, reach = np.zeros_like(numbers), 1e-6
    for index in np.ndindex(*numbers.shape):
        kept = numbers[index]
        losses = []
        for moved in (kept - reach, kept + reach):
            numbers[index] = moved
            losses.append(cross_entropy(forward(layers, x)[-1], y))
        numbers[index] = kept
        gradients[index] = (losses[1] - losses[0]) / (2 * reach)
    return gradients


@pytest.mark.parametrize(
    ("depth", "name"), PARAMETERS, ids=[f"{name} {depth}" for depth, name in PARAMETERS]
)
def test_gradients_are_those_of_finite_differences(depth: int, name: str) -> None:
    rng = np.random.default_rng(0)
    layers, x, y = precise_layers(rng), rng.random((7, SIZES[0])), rng.integers(0, SIZES[-1], 7)

    gradients = backward(layers, forward(layers, x), y)

    expected = gradients_by_differences(getattr(layers[depth], name), layers, x, y)
    np.testing.assert_allclose(getattr(gradients[depth], name), expected, rtol=1e-6, atol=1e-9)


def digits(n: int) -> Part:
    """Draw digits as a part."""
    pictures, codes = drawn_digits(n, seed=4)
    return Part(pictures[..., np.newaxis], codes.astype(np.int64))


def keras_twin(layers: list[Layer]) -> keras.Model:
    """Return the Keras network with the same weights."""
    network = PICTURE_ARCHITECTURES["numpy"]((28, 28, 1), 10)
    dense = [layer for layer in network.layers if isinstance(layer, keras.layers.Dense)]
    for layer, ours in zip(dense, layers, strict=True):
        layer.set_weights([ours.weights, ours.bias])
    return keras.Model(network.input, network.output["probabilities"])


def test_probabilities_are_those_of_keras() -> None:
    layers = numpy_network.initial_layers((784, 128, 128, 10), np.random.default_rng(0))
    part = digits(20)

    probabilities = forward(layers, numpy_network.scale(part))[-1]

    expected = keras_twin(layers).predict({"image": part.x}, verbose=0)
    np.testing.assert_allclose(probabilities, expected, rtol=1e-5)


def test_steps_are_those_of_keras() -> None:
    layers = numpy_network.initial_layers((784, 128, 128, 10), np.random.default_rng(0))
    part, twin = digits(40), keras_twin(layers)
    twin.compile(keras.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy")
    velocities = [layer.zeros() for layer in layers]

    for _ in range(5):
        outputs = forward(layers, numpy_network.scale(part))
        numpy_network.step(layers, velocities, backward(layers, outputs, part.y), 0.1)
        twin.train_on_batch({"image": part.x}, part.y)

    ours = [numbers for layer in layers for numbers in (layer.weights, layer.bias)]
    for numbers, theirs in zip(ours, twin.get_weights(), strict=True):
        np.testing.assert_allclose(numbers, theirs, rtol=1e-4, atol=1e-6)


def learned(
    rate: float, *, seed: int = 0, epochs: int = 20, patience: int = 20
) -> tuple[Sequence[Layer], History, Part]:
    """Learn a few digits at a rate; return the layers, their history and the validation part."""
    part, validation = digits(60), digits(20)
    nothing = part.take(np.arange(0))
    parts = PictureParts(
        train=part,
        validation=validation,
        calibration=nothing,
        test=validation,
        held_out=nothing,
        sha256="",
        labels=tuple("0123456789"),
        notes=(),
    )
    recipe = PictureRecipe(
        epochs=epochs,
        patience=patience,
        batch_size=10,
        learning_rate=rate,
        decays=False,
        augmented=False,
    )
    start = numpy_network.initial_layers((784, 16, 10), np.random.default_rng(0))
    with EpochDisplay() as display:
        layers, history = numpy_network.learn(
            start, parts, recipe, np.random.default_rng(seed), display
        )
    return layers, history, validation


def test_layers_are_those_of_the_epoch_with_the_least_loss() -> None:
    layers, history, validation = learned(rate=5.0)

    losses = history.measures["val_loss"]
    assert losses[-1] > min(losses)
    assert numpy_network.score(layers, validation)[0] == pytest.approx(min(losses))
    assert losses[history.kept - 1] == min(losses)


def test_learning_stops_when_patience_is_over() -> None:
    _, history, _ = learned(rate=10.0, patience=3)

    assert len(history.measures["val_loss"]) == history.kept + 3 < 20


def test_pictures_come_in_an_order_of_the_seed() -> None:
    first, again, other = (learned(rate=0.1, seed=seed, epochs=1)[0] for seed in (1, 1, 2))

    np.testing.assert_array_equal(first[0].weights, again[0].weights)
    assert not np.array_equal(first[0].weights, other[0].weights)


@pytest.mark.filterwarnings("error")
def test_sigmoid_of_large_sums_does_not_overflow() -> None:
    sums = np.array([-1e4, 0, 1e4], dtype=np.float32)

    assert numpy_network.sigmoid(sums).tolist() == [0, 0.5, 1]


def test_softmax_of_large_sums_adds_up() -> None:
    probabilities = numpy_network.softmax(np.array([[1e4, 1e4], [-1e4, 0]], dtype=np.float32))

    assert probabilities.tolist() == [[0.5, 0.5], [0, 1]]


def test_first_weights_follow_the_seed() -> None:
    first, again, other = (
        numpy_network.initial_layers(SIZES, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )

    np.testing.assert_array_equal(first[0].weights, again[0].weights)
    assert not np.array_equal(first[0].weights, other[0].weights)


def test_network_in_numpy_is_fitted_by_numpy() -> None:
    assert find_trainer("numpy") is numpy_network.train


@pytest.mark.parametrize(
    "options", [{"reduce_patience": 2}, {"tensorboard": Path("logs")}], ids=["rate", "TensorBoard"]
)
def test_network_in_numpy_refuses_what_keras_watches(
    options: dict[str, Any], drawn_set: PictureSet, idx_folder: Path, tmp_path: Path
) -> None:
    base = picture_config(drawn_set, idx_folder, tmp_path)

    with pytest.raises(CannotTrain, match="--reduce-lr and --tensorboard"):
        numpy_network.train(replace(base, architecture="numpy", **options))


def test_numpy_weights_are_those_of_the_best_epoch(drawn_set: PictureSet, idx_folder: Path) -> None:
    config = replace(picture_config(drawn_set, idx_folder, Path()), architecture="numpy", epochs=3)
    parts = read(config)
    network = PICTURE_ARCHITECTURES["numpy"]((28, 28, 1), 10)

    history = numpy_network.fit(network, parts, config)

    learner = keras.Model(network.input, network.output["probabilities"])
    learner.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    found = learner.evaluate({"image": parts.validation.x}, parts.validation.y, verbose=0)
    best = [history.measures[name][history.kept - 1] for name in ("val_loss", "val_accuracy")]
    assert found == pytest.approx(best, rel=1e-4)
