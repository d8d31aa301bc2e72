"""`list`, `show` and `diff`: the published versions."""

import argparse
from pathlib import Path

from training.commands.arguments import (
    Commands,
    HelpFormatter,
    add_data_option,
    add_models_option,
    example,
    positive_int,
)


def add(commands: Commands) -> None:
    """Add the commands."""
    _add_list(commands)
    _add_show(commands)
    _add_diff(commands)


def _add_list(commands: Commands) -> None:
    command = commands.add_parser(
        "list",
        help="list the published versions",
        description="List every published version with its scores.",
        formatter_class=HelpFormatter,
        epilog=example("--models models"),
    )
    command.set_defaults(run=_list, trains=False)
    add_models_option(command)


def _add_show(commands: Commands) -> None:
    command = commands.add_parser(
        "show",
        help="show the card of a version and one of its predictions",
        description="Show the card of a version and its prediction for one golden example.",
        formatter_class=HelpFormatter,
        epilog=example("housing"),
    )
    command.set_defaults(run=_show, trains=False)
    command.add_argument("name", metavar="NAME", help="name of the model")
    command.add_argument(
        "--version",
        type=positive_int,
        metavar="N",
        help="number of the version; by default, the one that answers requests that name none",
    )
    add_models_option(command)


def _add_diff(commands: Commands) -> None:
    command = commands.add_parser(
        "diff",
        help="compare two versions on the same instances",
        description="Put two versions of a model side by side: their inputs and costs, and their "
        "predictions for instances that neither was trained on.",
        formatter_class=HelpFormatter,
        epilog=example("housing 1 2 --file housing.csv"),
    )
    command.set_defaults(run=_diff, trains=False)
    command.add_argument("name", metavar="NAME", help="name of the model")
    command.add_argument(
        "versions", type=positive_int, nargs=2, metavar="N", help="numbers of two versions"
    )
    command.add_argument(
        "--file",
        type=Path,
        metavar="FILE.csv",
        help="CSV file with the target, for a model of tables",
    )
    command.add_argument(
        "--pictures",
        metavar="SET",
        help="a published set or a folder with one sub-folder for each class, for a model of "
        "pictures; by default, the set that one of the versions was trained on",
    )
    add_data_option(command)
    add_models_option(command)


def _list(options: argparse.Namespace, _words: list[str]) -> None:
    from training.versions.listing import print_list  # noqa: PLC0415 - brings in rich

    print_list(options.models)


def _show(options: argparse.Namespace, _words: list[str]) -> None:
    from training.versions.showing import print_version  # noqa: PLC0415 - brings in ONNX Runtime

    print_version(options.models, options.name, options.version)


def _diff(options: argparse.Namespace, _words: list[str]) -> None:
    from training.versions.diff import print_diff  # noqa: PLC0415 - brings in scikit-learn
    from training.versions.held_out import HeldOutOptions  # noqa: PLC0415

    print_diff(
        options.models,
        options.name,
        (options.versions[0], options.versions[1]),
        HeldOutOptions(file=options.file, pictures=options.pictures, data=options.data),
    )
