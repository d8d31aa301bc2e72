"""`table` and `baseline`: rows of a table."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from training.commands.arguments import (
    Commands,
    add_fitting,
    add_publishing,
    add_watching,
    dropout,
    positive,
    rate,
    share,
    typed,
)
from training.errors import CannotTrain

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
    add_network_options(command)
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
    from training.datasets.targets import Task  # noqa: PLC0415 - brings in scikit-learn

    command.add_argument(
        "file",
        nargs="?",
        default=_DEFAULT,
        metavar="FILE.csv",
        help="with a header line; or diabetes, wine, breast_cancer, which come with scikit-learn",
    )
    command.add_argument(
        "--target",
        nargs="+",
        metavar="COLUMN",
        help="the column to predict; several are labels that a row may have any of",
    )
    command.add_argument(
        "--task", choices=get_args(Task), help="what to predict; told from the target by default"
    )
    for option, help_text in (
        ("--numeric", "read these columns as numbers"),
        ("--categorical", "read these columns as categories"),
        ("--date", "read these columns as dates"),
        ("--ignore", "leave these columns out"),
    ):
        command.add_argument(option, nargs="+", default=[], metavar="C", help=help_text)
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


def add_network_options(command: argparse.ArgumentParser) -> None:
    """Add what makes a tutorial's network instead of the one that trees teach."""
    group = command.add_argument_group(
        "a tutorial's network", "a multilayer perceptron on the rows alone, without teachers"
    )
    group.add_argument(
        "--hidden", nargs="+", type=positive, metavar="N", help="its hidden layers' units"
    )
    group.add_argument("--activation", default="relu", help="after each hidden layer")
    group.add_argument("--batch-normalization", action="store_true", help="before each activation")
    group.add_argument("--dropout", type=dropout, default=0.0, metavar="X", help="after each")
    group.add_argument("--optimizer", default="adam", help="that fits it")
    group.add_argument("--learning-rate", type=rate, default=5e-3, metavar="X", help="its rate")
    group.add_argument(
        "--batch-size", type=positive, default=32, metavar="N", help="rows a step, at most"
    )


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


def plain_network(options: argparse.Namespace) -> "tables.Plain | None":
    """Return the tutorial's network that was asked for, if one was."""
    from training.architectures.hidden import ACTIVATIONS, Hidden  # noqa: PLC0415
    from training.experiments.tables import Plain  # noqa: PLC0415 - brings in TensorFlow
    from training.fitting import OPTIMIZERS, Fitting  # noqa: PLC0415

    if options.hidden is None:
        return None
    for option, value, known in (
        ("--activation", options.activation, ACTIVATIONS),
        ("--optimizer", options.optimizer, tuple(OPTIMIZERS)),
    ):
        if value not in known:
            raise CannotTrain(f"{option} must be one of {', '.join(known)}. Received: {value}.")
    return Plain(
        hidden=Hidden(
            units=tuple(options.hidden),
            activation=options.activation,
            batch_normalization=options.batch_normalization,
            dropout=options.dropout,
        ),
        fitting=Fitting(
            optimizer=options.optimizer,
            learning_rate=options.learning_rate,
            batch_size=options.batch_size,
            epochs=options.epochs or 300,
        ),
    )


def _compare(options: argparse.Namespace, words: list[str]) -> Path:
    from training.experiments import baseline  # noqa: PLC0415 - brings in TensorFlow

    return baseline.compare(
        table_config(options, words), seeds=options.seeds, part=options.part, out=options.out
    )


def table_config(options: argparse.Namespace, words: list[str]) -> "tables.Config":
    """Return what a table's network is trained with, the file found."""
    from training.columns import Overrides  # noqa: PLC0415 - brings in scikit-learn
    from training.datasets.embedded import find_table  # noqa: PLC0415
    from training.datasets.pictures import default_cache  # noqa: PLC0415
    from training.datasets.tables import Split  # noqa: PLC0415
    from training.experiments import tables  # noqa: PLC0415 - brings in TensorFlow

    file, targets = find_table(options.file, options.target or (), default_cache())
    recipe = tables.Recipe()
    return tables.Config(
        file=file,
        targets=targets,
        task=options.task,
        command=typed(words),
        overrides=Overrides(
            numeric=tuple(options.numeric),
            categorical=tuple(options.categorical),
            dates=tuple(options.date),
            ignored=tuple(options.ignore),
        ),
        split=Split(test=options.test_size, validation=options.validation_split),
        seed=options.seed,
        learning=tables.Learning(
            recipe=replace(recipe, epochs=options.epochs or recipe.epochs),
            class_weights=options.class_weights,
        ),
    )
