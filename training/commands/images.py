"""`images`: a network that looks at pictures."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from training.commands.arguments import (
    Commands,
    add_fitting,
    add_pictures,
    add_publishing,
    add_watching,
    typed,
)
from training.datasets.cache import default_cache

if TYPE_CHECKING:
    from training.experiments import pictures

ARCHITECTURES: Mapping[str, str] = {
    "cnn": "convolutional, fitted on pictures drawn anew in every epoch",
    "mlp": "the quickstart's multilayer perceptron, 128 ReLU and dropout",
    "lstm": "reads the picture row by row",
    "sigmoid": "128 sigmoid units and plain gradient descent, as old tutorials have it",
    "numpy": "two layers of 128 sigmoid units, fitted by backpropagation written in NumPy",
    "autoencoder": "learns to redraw pictures; says how strange one is instead of what it shows",
}


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser(
        "images",
        help="train a network on pictures",
        description="Train a network on pictures and publish it as the model's next version.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    command.set_defaults(run=_train)
    command.add_argument(
        "pictures",
        metavar="SET",
        nargs="?",
        default="digits8x8",
        help="digits8x8, which needs no download, mnist, fashion_mnist, cifar10, cifar100, or a "
        "folder with one sub-folder a class",
    )
    command.add_argument("--name", metavar="NAME", help="the model's name; the set's by default")
    add_fitting(command)
    add_watching(command)
    add_publishing(command)
    command.add_argument(
        "--architecture",
        choices=ARCHITECTURES,
        default="cnn",
        help="the network: " + "; ".join(f"{name}, {text}" for name, text in ARCHITECTURES.items()),
    )
    add_pictures(command)
    command.add_argument(
        "--augment",
        choices=["none"],
        help="none: learn the pictures as they are; by default they are changed as suits the set "
        "where the architecture wants that",
    )
    command.add_argument(
        "--plots",
        type=Path,
        metavar="DIR",
        help="where to draw pictures of the set, which are no part of the model; "
        "~/.cache/vitrine/NAME by default",
    )


def trainer(architecture: str) -> "Callable[[pictures.Config], Path]":
    """Return the experiment that trains an architecture."""
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

    found = find_picture_set(options.pictures, size=options.size)
    name = options.name or found.name
    config = pictures.Config(
        pictures=found,
        name=name,
        models=options.models,
        command=typed(words),
        data=options.data,
        architecture=options.architecture,
        seed=options.seed,
        epochs=options.epochs,
        limit=options.limit,
        min_score=options.min_score,
        augmented=False if options.augment == "none" else None,
        patience=options.patience,
        reduce_patience=options.reduce_lr,
        tensorboard=options.tensorboard,
        plots=options.plots or default_cache() / name,
    )
    return trainer(config.architecture)(config)
