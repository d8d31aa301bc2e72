"""Options about the columns of a table."""

import argparse
from typing import TYPE_CHECKING, get_args

if TYPE_CHECKING:
    from training.datasets.column_kinds import Overrides


def add_column_options(command: argparse.ArgumentParser) -> None:
    """Add the target of a table, and the kinds of its columns."""
    from training.datasets.targets import Task  # noqa: PLC0415 - brings in NumPy

    group = command.add_argument_group("columns of a table")
    group.add_argument(
        "--target",
        nargs="+",
        default=[],
        metavar="COLUMN",
        help="column to predict; several columns are labels, and a row may have any number of them",
    )
    group.add_argument(
        "--task",
        choices=get_args(Task),
        help="kind of the prediction; by default, it is recognized from the target",
    )
    for option, kind in (
        ("--numeric", "columns to read as numbers"),
        ("--categorical", "columns to read as categories"),
        ("--date", "columns to read as dates"),
        ("--ignore", "columns to leave out"),
    ):
        group.add_argument(option, nargs="+", default=[], metavar="C", help=kind)


def read_overrides(options: argparse.Namespace) -> "Overrides":
    """Return the kinds of columns that the user gave."""
    from training.datasets.column_kinds import Overrides  # noqa: PLC0415 - brings in NumPy

    return Overrides(
        numeric=tuple(options.numeric),
        categorical=tuple(options.categorical),
        dates=tuple(options.date),
        ignored=tuple(options.ignore),
    )
