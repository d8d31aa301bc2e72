"""Options that several commands share, and the types of their values."""

import argparse
import math
import os
import re
import shlex
from pathlib import Path
from typing import TypeAlias

_EXAMPLE = "example:"
# Some libraries take 32 bits, and a seed is multiplied by the number of folds.
_LARGEST_SEED = 500_000_000
# The type that add_subparsers returns has no public name.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows defaults that are values, and examples as they are typed."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        # 0 is a value as well.
        is_value = action.default not in (None, []) and action.default is not False
        return super()._get_help_string(action) if is_value else action.help

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text.startswith(_EXAMPLE) else super()._fill_text(text, width, indent)


def example(words: str) -> str:
    """Return the epilog of a command's help.

    Args:
        words: What is typed after the name of the command, in an example that works.
    """
    return f"{_EXAMPLE}\n  %(prog)s {words}".rstrip()


def add_data_option(command: argparse.ArgumentParser) -> None:
    """Add the folder of published picture sets."""
    command.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        default=os.environ.get("VITRINE_DATA") or None,
        help="folder of published picture sets, such as mnist/*.gz; without this option and "
        "VITRINE_DATA, the sets are downloaded",
    )


def add_picture_options(command: argparse.ArgumentParser) -> None:
    """Add where pictures are found, how many are used, and their size."""
    add_data_option(command)
    command.add_argument(
        "--limit",
        type=positive_int,
        metavar="N",
        help="largest number of pictures to use besides the test part",
    )
    command.add_argument(
        "--size",
        type=picture_side,
        metavar="N",
        help="height and width of the pictures of a folder as networks take them, from 24 to 256 "
        "pixels; by default, 32",
    )


def add_fit_options(command: argparse.ArgumentParser) -> None:
    """Add the options of every fit."""
    command.add_argument(
        "--seed",
        type=seed,
        default=0,
        help="seed of every random choice; the test part does not depend on it",
    )
    command.add_argument(
        "--epochs",
        type=positive_int,
        metavar="N",
        help="largest number of epochs; by default, that of the architecture",
    )


def add_callback_options(command: argparse.ArgumentParser) -> None:
    """Add what happens between epochs."""
    group = command.add_argument_group("between epochs")
    group.add_argument(
        "--patience",
        type=positive_int,
        metavar="N",
        help="number of epochs without a smaller validation loss before training stops; the "
        "weights of the best epoch are kept. Where trees teach a table's network, only the second "
        "half of the epochs counts",
    )
    group.add_argument(
        "--reduce-lr",
        type=positive_int,
        metavar="N",
        help="number of epochs without a smaller validation loss before the learning rate is "
        "halved; it replaces the schedule of the learning rate",
    )
    group.add_argument(
        "--tensorboard", type=Path, metavar="DIR", help="folder to write logs for TensorBoard to"
    )


def add_models_option(command: argparse.ArgumentParser) -> None:
    """Add the folder of the published models."""
    command.add_argument(
        "--models",
        type=Path,
        default=Path("models"),
        metavar="DIR",
        help="folder of the published models",
    )


def add_publishing_options(command: argparse.ArgumentParser) -> None:
    """Add where a version is published, and the score that it needs."""
    add_models_option(command)
    command.add_argument(
        "--min-score",
        type=float,
        metavar="X",
        help="smallest validation score to publish: the accuracy, or R2 for regressions and "
        "autoencoders",
    )
    command.add_argument(
        "--force",
        action="store_true",
        help="publish the network even if it is not better than one constant answer, such as the "
        "commonest class or the mean",
    )


def join_signed_values(words: list[str]) -> list[str]:
    """Join each value that begins with a minus, such as `-1-1`, to the option before it.

    Without it, argparse takes the value for an option of its own.
    """
    joined: list[str] = []
    for word in words:
        if joined and joined[-1].startswith("--") and re.fullmatch(r"-\d+-\d+", word):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def recorded_command(words: list[str]) -> str:
    """Return the command for the record, without the folders of the user."""
    names = [Path(word).name if "/" in word else word for word in words]
    return "python -m training " + shlex.join(names)


def positive_int(text: str) -> int:
    """Read a whole number of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {text}")
    return number


def seed(text: str) -> int:
    """Read a whole number from 0 to 500 million, of which every library makes a seed."""
    number = int(text)
    if not 0 <= number <= _LARGEST_SEED:
        raise argparse.ArgumentTypeError(f"must be 0 to {_LARGEST_SEED}, not {text}")
    return number


def picture_side(text: str) -> int:
    """Read the height and width of a square picture, from 24 to 256 pixels."""
    number = int(text)
    if not 24 <= number <= 256:
        raise argparse.ArgumentTypeError(f"must be 24 to 256, not {text}")
    return number


def dropout_share(text: str) -> float:
    """Read a share of at least 0 and below 1."""
    number = float(text)
    if not 0 <= number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 0 and below 1, not {text}")
    return number


def learning_rate(text: str) -> float:
    """Read a finite number above 0."""
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"must be above 0, not {text}")
    return number


def share(text: str) -> float:
    """Read a number between 0 and 1."""
    number = float(text)
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f"must be between 0 and 1, not {text}")
    return number
