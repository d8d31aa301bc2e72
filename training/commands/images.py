"""`images`: a classifier of pictures."""

import argparse
from pathlib import Path

from training.commands.arguments import (
    Commands,
    add_data,
    add_fitting,
    add_publishing,
    positive,
    typed,
)


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser(
        "images",
        help="train a classifier of pictures",
        description="Train a classifier of pictures and publish it as the model's next version.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    command.set_defaults(run=_train)
    command.add_argument("pictures", choices=["mnist"], help="the set of pictures to train on")
    command.add_argument("--name", required=True, help="the model's name")
    add_fitting(command)
    add_publishing(command)
    command.add_argument(
        "--architecture", choices=["cnn", "mlp"], default="cnn", help="the network"
    )
    add_data(command)
    command.add_argument(
        "--limit", type=positive, metavar="N", help="use only N pictures of the training file"
    )


def _train(options: argparse.Namespace, words: list[str]) -> Path:
    from training.datasets.pictures import PICTURE_SETS  # noqa: PLC0415 - brings in scikit-learn
    from training.experiments import pictures  # noqa: PLC0415 - brings in TensorFlow

    return pictures.train(
        pictures.Config(
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
    )
