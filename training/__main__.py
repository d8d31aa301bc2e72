"""python -m training: the commands and their arguments; everything else is in the rooms below."""

import argparse
import contextlib
import os
import shlex
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from training import interruption
from training.errors import CannotTrain

if TYPE_CHECKING:
    from training.experiments import tables

_INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit status: 0 when a version was published or a file written.
    """
    words = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(words)
    try:
        with _quiet():
            import tensorflow  # noqa: F401, PLC0415 - seconds; --help should not wait for it
            import tf2onnx  # noqa: F401, PLC0415
        written = options.run(options, words)
    except CannotTrain as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; nothing was published.", file=sys.stderr)
        return _INTERRUPTED
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training", description="Train a network and publish it under models/."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_images(commands)
    _add_table(commands)
    _add_baseline(commands)
    return parser


def _add_images(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser(
        "images",
        help="train a classifier of pictures",
        description="Train a classifier of pictures and publish it as the model's next version.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    command.set_defaults(run=_train_images)
    command.add_argument("pictures", choices=["mnist"], help="the set of pictures to train on")
    command.add_argument("--name", required=True, help="the model's name")
    _add_fitting(command)
    _add_publishing(command)
    command.add_argument(
        "--architecture", choices=["cnn", "mlp"], default="cnn", help="the network"
    )
    command.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        default=os.environ.get("VITRINE_DATA") or None,
        help="folder that holds mnist/*.gz; without it, or VITRINE_DATA, they are downloaded",
    )
    command.add_argument(
        "--limit", type=_positive, metavar="N", help="use only N pictures of the training file"
    )


def _add_table(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser(
        "table",
        help="train a regression on a CSV file",
        description="Train a regression on any CSV file and publish it as the model's next "
        "version. What each column is, is told from its texts; say it where that goes wrong.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    command.set_defaults(run=_train_table)
    command.add_argument("--name", required=True, help="the model's name")
    _add_table_options(command)
    _add_publishing(command)
    command.add_argument("--unit", metavar="UNIT", help="of the target, such as USD")
    command.add_argument(
        "--baseline", type=Path, metavar="FILE", help="what `baseline` wrote, to put on the card"
    )


def _add_baseline(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser(
        "baseline",
        help="compare the table network with CatBoost's defaults",
        description="Train the table network and CatBoost with its defaults on the same rows with "
        "several seeds and write the paired difference. Publishes nothing.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    command.set_defaults(run=_compare)
    _add_table_options(command)
    command.add_argument("--seeds", type=_positive, default=5, metavar="N", help="how many")
    command.add_argument(
        "--part", choices=["validation", "test"], default="validation", help="rows to score on"
    )
    command.add_argument(
        "--out", type=Path, default=Path("baseline.json"), metavar="FILE", help="where to write"
    )


def _add_table_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", type=Path, metavar="FILE.csv", help="with a header line")
    command.add_argument("--target", required=True, metavar="COLUMN", help="the column to predict")
    for option, help_text in (
        ("--numeric", "read these columns as numbers"),
        ("--categorical", "read these columns as categories"),
        ("--date", "read these columns as dates"),
        ("--ignore", "leave these columns out"),
    ):
        command.add_argument(option, nargs="+", default=[], metavar="C", help=help_text)
    command.add_argument(
        "--test-size", type=_share, default=0.2, metavar="X", help="share of the rows for the test"
    )
    _add_fitting(command)


def _add_fitting(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--seed", type=int, default=0, help="of every random choice; the test part never changes"
    )
    command.add_argument(
        "--epochs", type=_positive, metavar="N", help="at most; the architecture's own by default"
    )


def _add_publishing(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--models", type=Path, default=Path("models"), metavar="DIR", help="where to publish"
    )
    command.add_argument(
        "--min-score",
        type=float,
        metavar="X",
        help="publish nothing below this accuracy, or R2 of a regression, on validation",
    )


def _train_images(options: argparse.Namespace, words: list[str]) -> Path:
    from training.datasets import PICTURE_SETS  # noqa: PLC0415 - brings in scikit-learn
    from training.experiments import pictures  # noqa: PLC0415 - brings in TensorFlow

    return pictures.train(
        pictures.Config(
            pictures=PICTURE_SETS[options.pictures],
            name=options.name,
            models=options.models,
            command=_typed(words),
            data=options.data,
            architecture=options.architecture,
            seed=options.seed,
            epochs=options.epochs,
            limit=options.limit,
            min_score=options.min_score,
        )
    )


def _train_table(options: argparse.Namespace, words: list[str]) -> Path:
    from training.experiments import tables  # noqa: PLC0415 - brings in TensorFlow

    return tables.train(
        replace(
            _table_config(options, words),
            name=options.name,
            models=options.models,
            unit=options.unit,
            min_score=options.min_score,
            comparison=options.baseline,
        )
    )


def _compare(options: argparse.Namespace, words: list[str]) -> Path:
    from training.experiments import baseline  # noqa: PLC0415 - brings in TensorFlow

    return baseline.compare(
        _table_config(options, words), seeds=options.seeds, part=options.part, out=options.out
    )


def _table_config(options: argparse.Namespace, words: list[str]) -> "tables.Config":
    from training.columns import Overrides  # noqa: PLC0415 - brings in scikit-learn
    from training.experiments import tables  # noqa: PLC0415 - brings in TensorFlow

    recipe = tables.Recipe()
    return tables.Config(
        file=options.file,
        target=options.target,
        command=_typed(words),
        overrides=Overrides(
            numeric=tuple(options.numeric),
            categorical=tuple(options.categorical),
            dates=tuple(options.date),
            ignored=tuple(options.ignore),
        ),
        test_share=options.test_size,
        seed=options.seed,
        recipe=replace(recipe, epochs=options.epochs or recipe.epochs),
    )


def _typed(words: list[str]) -> str:
    """Return the command without the folders of whoever typed it."""
    names = [Path(word).name if "/" in word else word for word in words]
    return "python -m training " + shlex.join(names)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {text}")
    return number


def _share(text: str) -> float:
    share = float(text)
    if not 0 < share < 1:
        raise argparse.ArgumentTypeError(f"must lie between 0 and 1, not {text}")
    return share


if __name__ == "__main__":
    interruption.listen()
    sys.exit(main())
