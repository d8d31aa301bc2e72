"""Options about the columns of a table."""

import argparse
from typing import TYPE_CHECKING, get_args

from training.errors import CannotTrain
from vitrine.errors import InvalidParameter
from vitrine.tables.spelling import nfc

if TYPE_CHECKING:
    from training.datasets.column_kinds import Overrides


def add_column_options(command: argparse.ArgumentParser) -> None:
    """Add the target of a table, and the kinds of its columns."""
    from training.datasets.targets import Task  # noqa: PLC0415 - brings in NumPy

    group = command.add_argument_group("columns of a table")
    group.add_argument(
        "--target",
        nargs="+",
        type=nfc,
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
        group.add_argument(option, nargs="+", type=nfc, default=[], metavar="C", help=kind)
    _add_mark_options(group)


def _add_mark_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--decimal", choices=[".", ","], help="decimal mark of numbers; by default, it is found"
    )
    group.add_argument(
        "--thousands",
        metavar="MARK",
        help="mark between groups of three digits: . , ' a space, or '' for none; by default, it "
        "is found",
    )
    order = group.add_mutually_exclusive_group()
    for name in ("day", "month"):
        order.add_argument(
            f"--{name}-first",
            dest="order",
            action="store_const",
            const=name,
            help=f"read dates such as 2/1/2024 with the {name} first, where all dates of a column "
            "leave it open",
        )


def read_overrides(options: argparse.Namespace) -> "Overrides":
    """Return the kinds of columns that the user gave."""
    from training.datasets.column_kinds import Overrides  # noqa: PLC0415 - brings in NumPy

    return Overrides(
        numeric=tuple(options.numeric),
        categorical=tuple(options.categorical),
        dates=tuple(options.date),
        ignored=tuple(options.ignore),
        decimal=options.decimal,
        thousands=_read_thousands(options),
        order=options.order,
    )


def _read_thousands(options: argparse.Namespace) -> str | None:
    from vitrine.tables.notation import parse_thousands  # noqa: PLC0415 - brings in NumPy

    try:
        return parse_thousands(options.thousands, options.decimal)
    except InvalidParameter as error:
        raise CannotTrain(f"--thousands: {error.detail}") from error
