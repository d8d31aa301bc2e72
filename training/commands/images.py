"""`images`: a network that looks at pictures."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from training.commands.arguments import (
    Commands,
    add_data,
    add_fitting,
    add_publishing,
    positive,
    typed,
)

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
    command.add_argument("pictures", choices=["mnist"], help="the set of pictures to train on")
    command.add_argument("--name", required=True, help="the model's name")
    add_fitting(command)
    add_publishing(command)
    command.add_argument(
        "--architecture",
        choices=ARCHITECTURES,
        default="cnn",
        help="the network: " + "; ".join(f"{name}, {text}" for name, text in ARCHITECTURES.items()),
    )
    add_data(command)
    command.add_argument(
        "--limit", type=positive, metavar="N", help="use only N pictures of the training file"
    )


def _train(options: argparse.Namespace, words: list[str]) -> Path:
    from training.datasets.pictures import PICTURE_SETS  # noqa: PLC0415 - brings in scikit-learn
    from training.experiments import (  # noqa: PLC0415 - bring in TensorFlow
        autoencoder,
        numpy_network,
        pictures,
    )

    config = pictures.Config(
        pictures=PICTURE_SETS[options.pictures],
        name=options.name,
        models=options.models,
        command=typed(words),
        data=options.data,
        architecture=options.architecture,
        seed=options.seed,
        epochs=options.epochs,
        limit=options.limit,
        min_score=options.min_score,
    )
    own = {"numpy": numpy_network.train, "autoencoder": autoencoder.train}
    return own.get(config.architecture, pictures.train)(config)
