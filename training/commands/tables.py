"""`table` and `baseline`: rows of a table."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from training.commands.arguments import (
    Commands,
    add_fitting,
    add_publishing,
    positive,
    share,
    typed,
)

if TYPE_CHECKING:
    from training.experiments import tables


def add(commands: Commands) -> None:
    """Add the commands."""
    _add_table(commands)
    _add_baseline(commands)


def _add_table(commands: Commands) -> None:
    command = commands.add_parser(
        "table",
        help="train a regression on a CSV file",
        description="Train a regression on any CSV file and publish it as the model's next "
        "version. What each column is, is told from its texts; say it where that goes wrong.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    command.set_defaults(run=_train_table)
    command.add_argument("--name", required=True, help="the model's name")
    _add_table_options(command)
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
    _add_table_options(command)
    command.add_argument("--seeds", type=positive, default=5, metavar="N", help="how many")
    command.add_argument(
        "--part", choices=["validation", "test"], default="validation", help="rows to score on"
    )
    command.add_argument(
        "--out", type=Path, default=Path("baseline.json"), metavar="FILE", help="where to write"
    )


def _add_table_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", type=Path, metavar="FILE.csv", help="with a header line")
    command.add_argument("--target", required=True, metavar="COLUMN", help="the column to predict")
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
    add_fitting(command)


def _train_table(options: argparse.Namespace, words: list[str]) -> Path:
    from training.experiments import tables  # noqa: PLC0415 - brings in TensorFlow

    return tables.train(
        replace(
            _table_config(options, words),
            name=options.name,
            models=options.models,
            unit=options.unit,
            min_score=options.min_score,
            comparison=options.baseline,
        )
    )


def _compare(options: argparse.Namespace, words: list[str]) -> Path:
    from training.experiments import baseline  # noqa: PLC0415 - brings in TensorFlow

    return baseline.compare(
        _table_config(options, words), seeds=options.seeds, part=options.part, out=options.out
    )


def _table_config(options: argparse.Namespace, words: list[str]) -> "tables.Config":
    from training.columns import Overrides  # noqa: PLC0415 - brings in scikit-learn
    from training.experiments import tables  # noqa: PLC0415 - brings in TensorFlow

    recipe = tables.Recipe()
    return tables.Config(
        file=options.file,
        target=options.target,
        command=typed(words),
        overrides=Overrides(
            numeric=tuple(options.numeric),
            categorical=tuple(options.categorical),
            dates=tuple(options.date),
            ignored=tuple(options.ignore),
        ),
        test_share=options.test_size,
        seed=options.seed,
        recipe=replace(recipe, epochs=options.epochs or recipe.epochs),
    )
