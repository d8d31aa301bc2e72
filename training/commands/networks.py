"""Arguments about a network's layers, and about a table's columns, and what they mean."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, get_args

from training.commands.arguments import dropout, positive, rate
from training.errors import CannotTrain

if TYPE_CHECKING:
    from training.architectures.hidden import Hidden
    from training.datasets.column_kinds import Overrides
    from training.experiments.tables import Plain
    from training.fitting import Fitting

# Of a tutorial's network on a table: enough for thirty rows.
_PLAIN_EPOCHS = 300
_PLAIN_RATE = 5e-3


def add_columns(command: argparse.ArgumentParser) -> None:
    """Add what a table's columns are."""
    from training.datasets.targets import Task  # noqa: PLC0415 - brings in scikit-learn

    group = command.add_argument_group("a table's columns")
    group.add_argument(
        "--target",
        nargs="+",
        default=[],
        metavar="COLUMN",
        help="the column to predict; several are labels that a row may have any of",
    )
    group.add_argument(
        "--task", choices=get_args(Task), help="what to predict; told from the target by default"
    )
    for option, text in (
        ("--numeric", "read these columns as numbers"),
        ("--categorical", "read these columns as categories"),
        ("--date", "read these columns as dates"),
        ("--ignore", "leave these columns out"),
    ):
        group.add_argument(option, nargs="+", default=[], metavar="C", help=text)


def overrides_of(options: argparse.Namespace) -> "Overrides":
    """Return the kinds of columns that were given."""
    from training.datasets.column_kinds import Overrides  # noqa: PLC0415 - brings in NumPy

    return Overrides(
        numeric=tuple(options.numeric),
        categorical=tuple(options.categorical),
        dates=tuple(options.date),
        ignored=tuple(options.ignore),
    )


def add_layers(command: argparse.ArgumentParser, text: str) -> None:
    """Add the layers of a multilayer perceptron and how it is fitted.

    Args:
        command: To add them to.
        text: What the network is.
    """
    group = command.add_argument_group("the layers", text)
    group.add_argument(
        "--hidden", nargs="+", type=positive, metavar="N", help="its hidden layers' units"
    )
    group.add_argument("--activation", metavar="A", help="after each hidden layer; relu by default")
    group.add_argument("--batch-normalization", action="store_true", help="before each activation")
    group.add_argument("--dropout", type=dropout, metavar="X", help="after each; none by default")
    group.add_argument("--optimizer", metavar="O", help="that fits it; adam by default")
    group.add_argument("--learning-rate", type=rate, metavar="X", help="its rate")
    group.add_argument(
        "--batch-size", type=positive, metavar="N", help="instances a step; 32 by default"
    )


def hidden_of(options: argparse.Namespace) -> "Hidden":
    """Return the layers that were asked for, or the usual ones."""
    from training.architectures.hidden import ACTIVATIONS, Hidden  # noqa: PLC0415 - Keras

    usual = Hidden()
    activation = options.activation or usual.activation
    _refuse_unknown("--activation", activation, ACTIVATIONS)
    return Hidden(
        units=tuple(options.hidden or usual.units),
        activation=activation,
        batch_normalization=options.batch_normalization,
        dropout=options.dropout or usual.dropout,
    )


def fitting_of(
    options: argparse.Namespace, *, epochs: int, learning_rate: float | None = None
) -> "Fitting":
    """Return how such a network is fitted.

    Args:
        options: As parsed.
        epochs: Where none were given.
        learning_rate: Where none was given; None for the usual one.
    """
    from training.fitting import OPTIMIZERS, Fitting  # noqa: PLC0415 - brings in Keras

    usual = Fitting()
    optimizer = options.optimizer or usual.optimizer
    _refuse_unknown("--optimizer", optimizer, tuple(OPTIMIZERS))
    return Fitting(
        optimizer=optimizer,
        learning_rate=options.learning_rate or learning_rate or usual.learning_rate,
        batch_size=options.batch_size or usual.batch_size,
        epochs=options.epochs or epochs,
    )


def plain_network(options: argparse.Namespace) -> "Plain | None":
    """Return the tutorial's network on a table that was asked for, if one was.

    Raises:
        CannotTrain: It was described, but no hidden layers were given.
    """
    from training.experiments.tables import Plain  # noqa: PLC0415 - brings in TensorFlow

    if options.hidden is not None:
        fitting = fitting_of(options, epochs=_PLAIN_EPOCHS, learning_rate=_PLAIN_RATE)
        return Plain(hidden=hidden_of(options), fitting=fitting)
    for name in (
        *("activation", "batch_normalization", "dropout", "optimizer"),
        *("learning_rate", "batch_size"),
    ):
        if getattr(options, name):
            option = "--" + name.replace("_", "-")
            raise CannotTrain(
                f"{option} is of a network whose layers --hidden gives; the one that trees teach "
                "has layers of its own."
            )
    return None


def _refuse_unknown(option: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise CannotTrain(f"{option} must be one of {', '.join(known)}. Received: {value}.")
