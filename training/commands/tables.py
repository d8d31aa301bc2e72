"""`table` and `baseline`: networks on tables."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from training.commands.arguments import (
    Commands,
    HelpFormatter,
    add_callback_options,
    add_fit_options,
    add_publishing_options,
    example,
    positive_int,
    recorded_command,
    share,
)
from training.commands.column_arguments import add_column_options, read_overrides
from training.commands.layer_arguments import add_layer_options, read_plain_network
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
        description="Train a network on any CSV file, and publish it as the next version of a "
        "model. The target decides whether it is a regression, a classification, or a prediction "
        "of several labels. The kinds of columns are recognized; give the kind of a column where "
        "that fails.",
        formatter_class=HelpFormatter,
        epilog=example("wine --hidden 32 32 --batch-size 16 --name wines"),
    )
    command.set_defaults(run=_train_table)
    command.add_argument("--name", help="name of the model; by default, that of the file")
    add_table_options(command)
    add_layer_options(
        command,
        "train a multilayer perceptron on the rows alone, instead of a network that trees teach",
    )
    add_callback_options(command)
    add_publishing_options(command)
    command.add_argument("--unit", metavar="UNIT", help="unit of the target, such as USD")
    command.add_argument(
        "--baseline",
        type=Path,
        metavar="FILE",
        help="file that `baseline` wrote, to show on the card",
    )


def _add_baseline(commands: Commands) -> None:
    command = commands.add_parser(
        "baseline",
        help="compare the table network with CatBoost",
        description="Train the table network, CatBoost with its defaults, and CatBoost with "
        "hyper-parameters that the validation part chooses, on the same rows with several seeds. "
        "Write the paired differences of their errors. Nothing is published.",
        formatter_class=HelpFormatter,
        epilog=example("diabetes --seeds 2 --out baseline.json"),
    )
    command.set_defaults(run=_run_baseline)
    add_table_options(command)
    command.add_argument(
        "--seeds", type=positive_int, default=5, metavar="N", help="number of seeds"
    )
    command.add_argument(
        "--part", choices=["validation", "test"], default="validation", help="part to score"
    )
    command.add_argument(
        "--out", type=Path, default=Path("baseline.json"), metavar="FILE", help="file to write"
    )


def add_table_options(command: argparse.ArgumentParser) -> None:
    """Add the file, its columns, its parts and the fit."""
    command.add_argument(
        "file",
        nargs="?",
        default=_DEFAULT,
        metavar="FILE.csv",
        help="CSV file with a header line; or diabetes, wine or breast_cancer, which come with "
        "scikit-learn",
    )
    add_column_options(command)
    command.add_argument(
        "--test-size",
        type=share,
        default=0.2,
        metavar="X",
        help="share of the rows for the test part",
    )
    command.add_argument(
        "--validation-split",
        type=share,
        metavar="X",
        help="share of the other rows for the validation part; by default, an eighth, at most 2000 "
        "rows",
    )
    command.add_argument(
        "--class-weights",
        action="store_true",
        help="give every class label the same weight, however rare it is",
    )
    add_fit_options(command)


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
            force=options.force,
            comparison=options.baseline,
            learning=replace(
                config.learning,
                plain=read_plain_network(options),
                patience=options.patience,
                reduce_patience=options.reduce_lr,
                tensorboard=options.tensorboard,
            ),
        )
    )


def _run_baseline(options: argparse.Namespace, words: list[str]) -> Path:
    from training.experiments import baseline  # noqa: PLC0415 - brings in TensorFlow

    return baseline.compare(
        table_config(options, words), seeds=options.seeds, part=options.part, out=options.out
    )


def table_config(options: argparse.Namespace, words: list[str]) -> "tables.TableConfig":
    """Return the settings of a training on a table, and find its file."""
    # These imports take a second or more, and most commands do not need them.
    from training.datasets.embedded_tables import find_table  # noqa: PLC0415
    from training.datasets.table_splits import Split  # noqa: PLC0415
    from training.experiments import tables  # noqa: PLC0415 - brings in TensorFlow

    file, targets = find_table(options.file, options.target, default_cache())
    recipe = tables.TableRecipe()
    return tables.TableConfig(
        file=file,
        targets=targets,
        task=options.task,
        command=recorded_command(words),
        overrides=read_overrides(options),
        split=Split(test=options.test_size, validation=options.validation_split),
        seed=options.seed,
        learning=tables.LearningConfig(
            recipe=replace(recipe, epochs=options.epochs or recipe.epochs),
            class_weights=options.class_weights,
        ),
    )
