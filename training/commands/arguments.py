"""Arguments that several commands share."""

import argparse
import math
import os
import shlex
from pathlib import Path
from typing import TypeAlias

# What add_subparsers returns has no public name.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_data(command: argparse.ArgumentParser) -> None:
    """Add where published sets lie."""
    command.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        default=os.environ.get("VITRINE_DATA") or None,
        help="folder that holds published sets, such as mnist/*.gz; without it, or VITRINE_DATA, "
        "they are downloaded",
    )


def add_pictures(command: argparse.ArgumentParser) -> None:
    """Add where pictures lie, and how many and how large they are taken."""
    add_data(command)
    command.add_argument(
        "--limit", type=positive, metavar="N", help="use only N of the pictures to learn from"
    )
    command.add_argument(
        "--size",
        type=side,
        default=32,
        metavar="N",
        help="of a folder's pictures as networks take them: N x N pixels, 24 to 256",
    )


def add_fitting(command: argparse.ArgumentParser) -> None:
    """Add what every fit can be told."""
    command.add_argument(
        "--seed", type=int, default=0, help="of every random choice; the test part never changes"
    )
    command.add_argument(
        "--epochs", type=positive, metavar="N", help="at most; the architecture's own by default"
    )


def add_watching(command: argparse.ArgumentParser) -> None:
    """Add what is done between epochs."""
    group = command.add_argument_group("between epochs")
    group.add_argument(
        "--patience",
        type=positive,
        metavar="N",
        help="epochs without a smaller validation loss before stopping; the best one is kept",
    )
    group.add_argument(
        "--reduce-lr",
        type=positive,
        metavar="N",
        help="epochs without a smaller validation loss before the learning rate is halved, "
        "instead of a falling one",
    )
    group.add_argument(
        "--tensorboard", type=Path, metavar="DIR", help="write what TensorBoard shows here"
    )


def add_models(command: argparse.ArgumentParser) -> None:
    """Add where versions lie."""
    command.add_argument(
        "--models", type=Path, default=Path("models"), metavar="DIR", help="where versions lie"
    )


def add_publishing(command: argparse.ArgumentParser) -> None:
    """Add where a version goes, and what it must be worth."""
    add_models(command)
    command.add_argument(
        "--min-score",
        type=float,
        metavar="X",
        help="publish nothing below this accuracy, or R2 of numbers or autoencoders, on validation",
    )


def typed(words: list[str]) -> str:
    """Return the command without the folders of whoever typed it."""
    names = [Path(word).name if "/" in word else word for word in words]
    return "python -m training " + shlex.join(names)


def positive(text: str) -> int:
    """Read a whole number from 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {text}")
    return number


def side(text: str) -> int:
    """Read the side of a square picture in pixels, from 24 to 256."""
    number = int(text)
    if not 24 <= number <= 256:
        raise argparse.ArgumentTypeError(f"must be 24 to 256, not {text}")
    return number


def dropout(text: str) -> float:
    """Read a share that may be 0 but not 1."""
    number = float(text)
    if not 0 <= number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 0 and below 1, not {text}")
    return number


def rate(text: str) -> float:
    """Read a number above 0."""
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"must be above 0, not {text}")
    return number


def share(text: str) -> float:
    """Read a number between 0 and 1."""
    number = float(text)
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f"must lie between 0 and 1, not {text}")
    return number
