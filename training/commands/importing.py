"""`import`: publish a network that was trained elsewhere.

The command starts this module as a program in a subprocess with limited time and memory, because
the file is not trusted.
"""

import argparse
import sys
from pathlib import Path
from typing import get_args

from training import interruption
from training.commands.arguments import (
    Commands,
    HelpFormatter,
    add_models_option,
    example,
    recorded_command,
)
from training.importing.options import ImportOptions, Task
from training.importing.refusals import CannotImport
from training.importing.subprocesses import run_in_subprocess
from training.progress import stretch
from vitrine.tables.spelling import nfc


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser(
        "import",
        help="publish a network that was trained elsewhere",
        description="Publish a saved Keras network or a SavedModel as the next version of a "
        "model. No code in the file is run.",
        formatter_class=HelpFormatter,
        epilog=example("network.keras --name mine --levels 0-1"),
    )
    command.set_defaults(run=_import, trains=False)
    command.add_argument(
        "file", type=Path, metavar="FILE", help=".keras file, .h5 file, or folder of a SavedModel"
    )
    command.add_argument("--name", required=True, help="name of the model")
    add_models_option(command)
    command.add_argument(
        "--sample",
        type=Path,
        metavar="FILE.csv",
        help="rows as the network takes them; they show the names, ranges and usual values of its "
        "columns",
    )
    _add_picture_options(command)
    _add_prediction_options(command)


def _add_picture_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--geometry", metavar="NAME", help="geometry of pictures: mnist, fashion or fit"
    )
    command.add_argument(
        "--levels",
        choices=["0-1", "-1-1", "0-255"],
        help="range of the pixel levels that the network was trained on; needed if the network "
        "does not scale them itself",
    )


def _add_prediction_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--labels",
        metavar="A,B,...",
        help="class labels in the order of the network, or a file with one label in each line",
    )
    command.add_argument("--target", type=nfc, metavar="NAME", help="name of the prediction")
    command.add_argument("--unit", metavar="UNIT", help="unit of a predicted value")
    command.add_argument(
        "--logits",
        action="store_true",
        help="the network returns logits, because its loss applied the softmax",
    )
    command.add_argument(
        "--task",
        choices=get_args(Task),
        help="kind of the prediction; by default, it is recognized from the last layer and the "
        "loss. Sigmoids over classes that exclude each other are a classification",
    )


def _import(options: argparse.Namespace, words: list[str]) -> Path:
    _labels(options.labels)
    with stretch(f"Opening {options.file.name} in a process of its own"):
        output = run_in_subprocess("training.commands.importing", words, options.file)
    *lines, written = output.splitlines()
    for line in lines:
        print(line)
    return Path(written)


def _import_here(words: list[str]) -> Path:
    """Import the network in this process."""
    from training.importing.bundles import (  # noqa: PLC0415 - bring in TensorFlow
        ImportConfig,
        import_network,
    )

    parser = argparse.ArgumentParser()
    add(parser.add_subparsers())
    options = parser.parse_args(words)
    return import_network(
        ImportConfig(
            file=options.file,
            name=options.name,
            models=options.models,
            command=recorded_command(words),
            options=ImportOptions(
                sample=options.sample,
                labels=_labels(options.labels),
                target=options.target,
                unit=options.unit,
                geometry=options.geometry,
                levels=options.levels,
                logits=options.logits,
                task=options.task,
            ),
        )
    )


def _labels(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    lines = text.split(",") if "," in text else _lines(Path(text))
    return tuple(line.strip() for line in lines if line.strip())


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CannotImport(
            "--labels must be a file with one label in each line, or labels separated by commas. "
            f"Received: {str(file)[:40]!r}.",
            way_out="Give the path of such a file, or --labels A,B.",
        ) from error


if __name__ == "__main__":
    interruption.listen()
    print(_import_here(sys.argv[1:]))
