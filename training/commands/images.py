"""`images`: networks on pictures."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from training.commands.arguments import (
    Commands,
    HelpFormatter,
    add_callback_options,
    add_fit_options,
    add_picture_options,
    add_publishing_options,
    example,
    recorded_command,
)
from training.datasets.cache import default_cache

if TYPE_CHECKING:
    from training.experiments import pictures

ARCHITECTURES: Mapping[str, str] = {
    "cnn": "a convolutional network, fitted on pictures that are changed anew in every epoch",
    "mlp": "the multilayer perceptron of Keras' quickstart, 128 ReLU units and dropout",
    "lstm": "a recurrent network that reads a picture row by row",
    "sigmoid": "128 sigmoid units and plain gradient descent, as in old tutorials",
    "numpy": "two layers of 128 sigmoid units, fitted by backpropagation written in NumPy",
    "autoencoder": "a network that redraws pictures, and scores how anomalous a picture is",
}


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser(
        "images",
        help="train a network on pictures",
        description="Train a network on pictures, and publish it as the next version of a model.",
        formatter_class=HelpFormatter,
        epilog=example("digits8x8 --architecture mlp --name small-digits"),
    )
    command.set_defaults(run=_train)
    command.add_argument(
        "pictures",
        metavar="SET",
        nargs="?",
        default="digits8x8",
        help="digits8x8, which needs no download, mnist, fashion_mnist, cifar10, cifar100, or a "
        "folder with one sub-folder for each class, perhaps below train/, val/ and test/",
    )
    command.add_argument(
        "--name", metavar="NAME", help="name of the model; by default, that of the set"
    )
    add_fit_options(command)
    add_callback_options(command)
    add_publishing_options(command)
    _add_network_options(command)


def _add_network_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--architecture",
        choices=ARCHITECTURES,
        default="cnn",
        help="network to train: "
        + "; ".join(f"{name}, {text}" for name, text in ARCHITECTURES.items()),
    )
    add_picture_options(command)
    command.add_argument(
        "--augment",
        choices=["none"],
        help="none: train on the pictures as they are; by default, some architectures train on "
        "pictures that are changed as suits the set",
    )
    command.add_argument(
        "--plots",
        type=Path,
        metavar="DIR",
        help="folder for plots that show pictures of the set, which are no part of the model; by "
        "default, ~/.cache/vitrine/NAME",
    )


def find_trainer(architecture: str) -> "Callable[[pictures.PictureConfig], Path]":
    """Return the function that trains an architecture."""
    from training.experiments import (  # noqa: PLC0415 - bring in TensorFlow
        autoencoder,
        numpy_network,
        pictures,
    )

    own = {"numpy": numpy_network.train, "autoencoder": autoencoder.train}
    return own.get(architecture, pictures.train)


def _train(options: argparse.Namespace, words: list[str]) -> Path:
    from training.datasets.picture_sets import (  # noqa: PLC0415 - brings in scikit-learn
        find_picture_set,
    )
    from training.experiments import pictures  # noqa: PLC0415 - brings in TensorFlow

    picture_set = find_picture_set(options.pictures, size=options.size)
    name = options.name or picture_set.name
    config = pictures.PictureConfig(
        pictures=picture_set,
        name=name,
        models=options.models,
        command=recorded_command(words),
        data=options.data,
        architecture=options.architecture,
        seed=options.seed,
        epochs=options.epochs,
        limit=options.limit,
        min_score=options.min_score,
        force=options.force,
        augmented=False if options.augment == "none" else None,
        patience=options.patience,
        reduce_patience=options.reduce_lr,
        tensorboard=options.tensorboard,
        plots=options.plots or default_cache() / name,
    )
    return find_trainer(config.architecture)(config)
