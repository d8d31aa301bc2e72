"""The refusal of a network: what is wrong, and what the user can do about it."""

import re

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
    """Return the first line of a library's message without its full stop, or its class.

    Of messages that Keras nested, it is that of the innermost. Where a line only says which layer
    failed, or ends in a colon, the reason in the next line follows.
    """
    innermost = str(error).rpartition("Exception encountered: ")[2].rpartition("}} ")[2]
    text = re.sub(r"\x1b\[\d+m", "", innermost)
    first, second, *_ = [*filter(None, map(str.strip, text.splitlines())), "", ""]
    called = re.fullmatch(r"Exception encountered when calling (.+?)(\.call\(\))?\.", first)
    line = first
    if called and second:
        line = f"{called[1]}: {second}"
    elif first.endswith(":"):
        line = f"{first} {second}"
    return line[:_MAX_LENGTH].rstrip(".") or type(error).__name__
