"""A checked configuration and weights -> a Keras network."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from training.importing.refusals import EXPORT, CannotImport, first_line


def load_checked(checked: Path, file: Path) -> keras.Model:
    """Let Keras load a `.keras` file whose configuration was checked.

    Args:
        checked: Path of the checked file.
        file: Path of the saved network as the user gave it, for messages.

    Raises:
        CannotImport: Keras cannot load the file.
    """
    with _refusing(file):
        return keras.saving.load_model(checked, compile=False, safe_mode=True)


def build_checked(config: dict[str, Any], weights: Path, file: Path) -> keras.Model:
    """Let Keras build a network from a checked configuration, and load its weights.

    Args:
        config: The configuration.
        weights: Path of an `.h5` file with the weights.
        file: Path of the saved network as the user gave it, for messages.

    Raises:
        CannotImport: Keras cannot build the network, or the weights are those of another.
    """
    with _refusing(file):
        network = keras.saving.deserialize_keras_object(config, safe_mode=True)
        network.load_weights(weights)
        return network


@contextmanager
def _refusing(file: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # a configuration can fail in any layer of Keras
        raise CannotImport(
            f"{file} cannot be opened by Keras {keras.__version__}: {first_line(error)}.",
            way_out=EXPORT,
        ) from error
