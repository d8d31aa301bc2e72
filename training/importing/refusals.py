"""The refusal of a network: what is wrong, and what the user can do about it."""

from training.errors import CannotTrain

# What helps where a part of a saved network cannot be read.
SAVE_AGAIN = "Save the network again with network.save('NAME.keras'), and import that file."
# What helps where the installed Keras cannot open what another Keras saved.
EXPORT = (
    "Export it as a SavedModel with the Keras that built it, network.export('FOLDER'), and import "
    "that folder."
)

_MAX_LENGTH = 200


class CannotImport(CannotTrain):
    """A saved network cannot be imported."""

    def __init__(self, fault: str, *, way_out: str) -> None:
        """Compose the message.

        Args:
            fault: What is wrong, in whole sentences.
            way_out: What the user can do, in whole sentences.
        """
        super().__init__(f"{fault} {way_out}")


def first_line(error: Exception) -> str:
    """Return the first line of a library's message without its full stop, or its class."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:_MAX_LENGTH].rstrip(".") if lines else type(error).__name__
