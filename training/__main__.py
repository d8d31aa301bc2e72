"""The entry `python -m training`: it runs one command."""

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator

from training import interruption
from training.commands import images, importing, studies, tables, versions
from training.commands.arguments import HelpFormatter, example, join_signed_values
from training.errors import CannotTrain
from training.progress import stretch

_PROGRAM = "python -m training"
# The exit status of a program that SIGINT ended: 128 and the number of the signal.
_INTERRUPTED = 130


def main(arguments: list[str] | None = None, *, prog: str = _PROGRAM) -> int:
    """Run one command.

    Args:
        arguments: Words of the command; those of this process if None.
        prog: Name of the program in its help.

    Returns:
        The exit status: 0 if the command did its work.
    """
    words = join_signed_values(sys.argv[1:] if arguments is None else arguments)
    options = _parser(prog).parse_args(words)
    try:
        if options.trains:
            _load_tensorflow()
        written = options.run(options, words)
    except CannotTrain as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. Nothing was published.", file=sys.stderr)
        return _INTERRUPTED
    if written is not None:
        print(f"Written: {written}")
    return 0


def _load_tensorflow() -> None:
    """Import TensorFlow, which takes seconds, and which other commands do not need."""
    with stretch("Loading TensorFlow"), _quiet():
        import tensorflow  # noqa: PLC0415
        import tf2onnx  # noqa: F401, PLC0415
    # TensorFlow would warn that a study compiles many networks.
    tensorflow.get_logger().setLevel("ERROR")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Discard what the C++ code of TensorFlow prints while it is imported."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


def _parser(prog: str = _PROGRAM) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Train a network, and publish it in models/.",
        formatter_class=HelpFormatter,
        epilog=example("table diabetes"),
    )
    parser.set_defaults(trains=True)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for each in (versions, images, importing, studies, tables):
        each.add(commands)
    return parser


if __name__ == "__main__":
    interruption.listen()
    sys.exit(main())
