"""python -m training: the commands, composed."""

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator

from training import interruption
from training.commands import images, importing, studies, tables, versions
from training.errors import CannotTrain

_PROGRAM = "python -m training"
_INTERRUPTED = 130


def main(arguments: list[str] | None = None, *, prog: str = _PROGRAM) -> int:
    """Run one command.

    Args:
        arguments: Words of the command; those of this process if None.
        prog: Name of the program in its help.

    Returns:
        The exit status: 0 when all was done that was asked for.
    """
    words = sys.argv[1:] if arguments is None else arguments
    options = _parser(prog).parse_args(words)
    try:
        if options.trains:
            with _quiet():
                import tensorflow  # noqa: PLC0415 - seconds, for which nothing else waits
                import tf2onnx  # noqa: F401, PLC0415
            # It takes the many networks of a study for one that is compiled again and again.
            tensorflow.get_logger().setLevel("ERROR")
        written = options.run(options, words)
    except CannotTrain as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; nothing was published.", file=sys.stderr)
        return _INTERRUPTED
    if written is not None:
        print(f"Written: {written}")
    return 0


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Send to nowhere what TensorFlow's C++ says about itself while it is imported."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _parser(prog: str = _PROGRAM) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog, description="Train a network and publish it under models/."
    )
    parser.set_defaults(trains=True)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for each in (versions, images, importing, studies, tables):
        each.add(commands)
    return parser


if __name__ == "__main__":
    interruption.listen()
    sys.exit(main())
