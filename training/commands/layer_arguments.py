"""Options about the layers of a multilayer perceptron, and how it is fitted."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from training.commands.arguments import dropout_share, learning_rate, positive_int
from training.errors import CannotTrain

if TYPE_CHECKING:
    from training.architectures.hidden import Hidden
    from training.experiments.tables import PlainNetwork
    from training.fitting import Fitting

# A plain network on a table: these values suit tables of thirty rows, too.
_PLAIN_EPOCHS = 300
_PLAIN_RATE = 5e-3
# Options that only a network with given hidden layers has.
_LAYER_OPTIONS = (
    *("activation", "batch_normalization", "dropout", "optimizer"),
    *("learning_rate", "batch_size"),
)


def add_layer_options(command: argparse.ArgumentParser, text: str) -> None:
    """Add the layers of a multilayer perceptron and the options of its fit.

    Args:
        command: Parser of the command.
        text: What the network is.
    """
    group = command.add_argument_group("layers", text)
    group.add_argument(
        "--hidden", nargs="+", type=positive_int, metavar="N", help="units of each hidden layer"
    )
    group.add_argument(
        "--activation", metavar="A", help="activation after each hidden layer; by default, relu"
    )
    group.add_argument(
        "--batch-normalization",
        action="store_true",
        help="normalize over the batch before each activation",
    )
    group.add_argument(
        "--dropout",
        type=dropout_share,
        metavar="X",
        help="dropout after each hidden layer; by default, none",
    )
    group.add_argument("--optimizer", metavar="O", help="optimizer; by default, adam")
    group.add_argument("--learning-rate", type=learning_rate, metavar="X", help="learning rate")
    group.add_argument(
        "--batch-size",
        type=positive_int,
        metavar="N",
        help="number of instances in a batch; by default, 32, or fewer where `table` has few rows",
    )


def read_hidden(options: argparse.Namespace) -> "Hidden":
    """Return the hidden layers that the options describe.

    Raises:
        CannotTrain: The activation is unknown.
    """
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


def read_fitting(
    options: argparse.Namespace, *, epochs: int, rate: float | None = None
) -> "Fitting":
    """Return the hyper-parameters of the fit that the options describe.

    Args:
        options: Options as parsed.
        epochs: Largest number of epochs where the user gave none.
        rate: Learning rate where the user gave none; None for the usual one.

    Raises:
        CannotTrain: The optimizer is unknown.
    """
    from training.fitting import OPTIMIZERS, Fitting  # noqa: PLC0415 - brings in Keras

    usual = Fitting()
    optimizer = options.optimizer or usual.optimizer
    _refuse_unknown("--optimizer", optimizer, tuple(OPTIMIZERS))
    return Fitting(
        optimizer=optimizer,
        learning_rate=options.learning_rate or rate or usual.learning_rate,
        batch_size=options.batch_size or usual.batch_size,
        epochs=options.epochs or epochs,
    )


def read_plain_network(options: argparse.Namespace) -> "PlainNetwork | None":
    """Return the multilayer perceptron on a table, or None where --hidden is not given.

    Raises:
        CannotTrain: Other options describe its layers, but --hidden is not given.
    """
    from training.experiments.tables import PlainNetwork  # noqa: PLC0415 - brings in TensorFlow

    if options.hidden is not None:
        fitting = read_fitting(options, epochs=_PLAIN_EPOCHS, rate=_PLAIN_RATE)
        return PlainNetwork(
            hidden=read_hidden(options),
            fitting=fitting,
            adapts_batch_size=options.batch_size is None,
        )
    for name in _LAYER_OPTIONS:
        if is_stated(options, name):
            raise CannotTrain(
                f"--{name.replace('_', '-')} needs --hidden. Without --hidden, trees teach a "
                "network whose layers are fixed."
            )
    return None


def is_stated(options: argparse.Namespace, name: str) -> bool:
    """Say whether the user stated an option; 0 is a value as well."""
    value = getattr(options, name)
    return value is not None and value is not False


def _refuse_unknown(option: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise CannotTrain(f"{option} must be one of {', '.join(known)}. Received: {value}.")
