"""A `.keras` file whose configuration was checked -> a Keras network."""

from pathlib import Path

import keras

from training.errors import CannotTrain


def load_checked(checked: Path, file: Path) -> keras.Model:
    """Let Keras load a file whose configuration was checked.

    Args:
        checked: Path of the checked file.
        file: Path of the saved network as the user gave it, for messages.

    Raises:
        CannotTrain: Keras cannot load the file.
    """
    try:
        return keras.saving.load_model(checked, compile=False, safe_mode=True)
    except Exception as error:  # a configuration can fail in any layer of Keras
        raise CannotTrain(
            f"{file} cannot be opened by Keras {keras.__version__}: {_first_sentence(error)}"
        ) from error


def _first_sentence(error: Exception) -> str:
    """Return the first line of the innermost message among nested messages of Keras."""
    message = str(error).rpartition("Exception encountered: ")[2].rpartition("}} ")[2]
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    first, second, *_ = [*lines, type(error).__name__, ""]
    return (f"{first} {second}" if first.endswith(":") else first)[:200].rstrip(".") + "."
