"""`table` and `baseline`: rows of a table."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from training.commands.arguments import (
    Commands,
    add_fitting,
    add_publishing,
    add_watching,
    positive,
    share,
    typed,
)
from training.commands.networks import add_columns, add_layers, overrides_of, plain_network
from training.datasets.cache import default_cache

if TYPE_CHECKING:
    from training.experiments import tables

_DEFAULT = "diabetes"


def add(commands: Commands) -> None:
    """Add the commands."""
    _add_table(commands)
    _add_baseline(commands)


def _add_table(commands: Commands) -> None:
    command = commands.add_parser(
        "table",
        help="train a network on a CSV file",
        description="Train a network on any CSV file and publish it as the model's next version: "
        "a regression, a classification, or several labels at once, as the target says. What each "
        "column is, is told from its texts; say it where that goes wrong.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    command.set_defaults(run=_train_table)
    command.add_argument("--name", help="the model's name; the file's by default")
    add_table_options(command)
    add_layers(
        command,
        "a tutorial's network, a multilayer perceptron on the rows alone, instead of the one that "
        "trees teach",
    )
    add_watching(command)
    add_publishing(command)
    command.add_argument("--unit", metavar="UNIT", help="of the target, such as USD")
    command.add_argument(
        "--baseline", type=Path, metavar="FILE", help="what `baseline` wrote, to put on the card"
    )


def _add_baseline(commands: Commands) -> None:
    command = commands.add_parser(
        "baseline",
        help="compare the table network with CatBoost's defaults",
        description="Train the table network and CatBoost with its defaults on the same rows with "
        "several seeds and write the paired difference. Publishes nothing.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    command.set_defaults(run=_compare)
    add_table_options(command)
    command.add_argument("--seeds", type=positive, default=5, metavar="N", help="how many")
    command.add_argument(
        "--part", choices=["validation", "test"], default="validation", help="rows to score on"
    )
    command.add_argument(
        "--out", type=Path, default=Path("baseline.json"), metavar="FILE", help="where to write"
    )


def add_table_options(command: argparse.ArgumentParser) -> None:
    """Add the file, its columns and its parts."""
    command.add_argument(
        "file",
        nargs="?",
        default=_DEFAULT,
        metavar="FILE.csv",
        help="with a header line; or diabetes, wine, breast_cancer, which come with scikit-learn",
    )
    add_columns(command)
    command.add_argument(
        "--test-size", type=share, default=0.2, metavar="X", help="share of the rows for the test"
    )
    command.add_argument(
        "--validation-split",
        type=share,
        metavar="X",
        help="share of the other rows that validates; an eighth, 2000 at most, by default",
    )
    command.add_argument(
        "--class-weights",
        action="store_true",
        help="let every class label count the same, however rare",
    )
    add_fitting(command)


def _train_table(options: argparse.Namespace, words: list[str]) -> Path:
    from training.experiments import tables  # noqa: PLC0415 - brings in TensorFlow

    config = table_config(options, words)
    return tables.train(
        replace(
            config,
            name=options.name or config.file.stem,
            models=options.models,
            unit=options.unit,
            min_score=options.min_score,
            comparison=options.baseline,
            learning=replace(
                config.learning,
                plain=plain_network(options),
                patience=options.patience,
                reduce_patience=options.reduce_lr,
                tensorboard=options.tensorboard,
            ),
        )
    )


def _compare(options: argparse.Namespace, words: list[str]) -> Path:
    from training.experiments import baseline  # noqa: PLC0415 - brings in TensorFlow

    return baseline.compare(
        table_config(options, words), seeds=options.seeds, part=options.part, out=options.out
    )


def table_config(options: argparse.Namespace, words: list[str]) -> "tables.Config":
    """Return what a table's network is trained with, the file found."""
    # These imports take a second or more, and most commands do not need them.
    from training.datasets.embedded_tables import find_table  # noqa: PLC0415
    from training.datasets.table_splits import Split  # noqa: PLC0415
    from training.experiments import tables  # noqa: PLC0415 - brings in TensorFlow

    file, targets = find_table(options.file, options.target, default_cache())
    recipe = tables.Recipe()
    return tables.Config(
        file=file,
        targets=targets,
        task=options.task,
        command=typed(words),
        overrides=overrides_of(options),
        split=Split(test=options.test_size, validation=options.validation_split),
        seed=options.seed,
        learning=tables.Learning(
            recipe=replace(recipe, epochs=options.epochs or recipe.epochs),
            class_weights=options.class_weights,
        ),
    )
