"""The commands of the service: `python -m service serve`, `score`, and those that ask a server."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from service.cli import health, keys, remote
from service.cli.help import Commands, add_command, example

if TYPE_CHECKING:
    from vitrine.scoring.job import Executor

_PROGRAM = "python -m service"


def main(
    *,
    prog: str = _PROGRAM,
    others: Mapping[str, str] | None = None,
    on_cluster: Callable[[str], "Executor"] | None = None,
) -> None:
    """Run the command that was typed.

    Args:
        prog: Name of the program in its help.
        others: Commands that the caller runs itself, with their help texts.
        on_cluster: Returns what scores files on the Ray cluster of an address; None for nothing
            but this machine.
    """
    options = _parser(prog, others, on_cluster).parse_args()
    options.run(options)


def _parser(
    prog: str = _PROGRAM,
    others: Mapping[str, str] | None = None,
    on_cluster: Callable[[str], "Executor"] | None = None,
) -> argparse.ArgumentParser:
    description = "Serve models, predict on files, and manage a running service."
    parser = argparse.ArgumentParser(
        prog=prog,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=example("score housing examples/houses.csv"),
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    serve = add_command(commands, "serve", "serve models/ as the VITRINE_* variables say", "")
    # SageMaker gives a container the word `serve`, which its entry point says already.
    serve.add_argument("again", nargs="?", choices=["serve"], help=argparse.SUPPRESS)
    serve.set_defaults(run=_serve)
    _add_score(commands, on_cluster)
    remote.add_commands(commands)
    keys.add_commands(commands)
    health.add_commands(commands)
    index = add_command(
        commands, "index", "write index.json of models for a web server", "models > index.json"
    )
    index.add_argument("models", metavar="DIR", help="folder of the bundles")
    index.set_defaults(run=_index)
    _add_try(commands)
    for name, help_text in (others or {}).items():
        commands.add_parser(name, help=help_text)
    return parser


def _add_score(commands: Commands, on_cluster: Callable[[str], "Executor"] | None) -> None:
    help_text = "predict on files of tables or pictures without a server"
    score = add_command(commands, "score", help_text, "housing examples/houses.csv -o prices.csv")
    score.add_argument("name", metavar="NAME", help="the model's name")
    score.add_argument(
        "file",
        metavar="INPUT",
        help="a CSV, .arrow or .parquet file; for a folder of parts also a folder of such files "
        "or of pictures, or s3://bucket/prefix",
    )
    score.add_argument(
        "-o",
        "--output",
        metavar="OUTPUT",
        default="-",
        help="a file, in the format that its name says; a folder or s3://bucket/prefix, which is "
        "filled with parts on all cores; default: CSV to standard output",
    )
    score.add_argument("--models", metavar="DIR", help="default: VITRINE_MODELS, or models")
    score.add_argument(
        "--version", type=int, metavar="N", help="default: the newest that may answer by default"
    )
    score.add_argument(
        "--errors",
        metavar="fail|report",
        help="whether a row with a fault ends the command, or is reported; default: fail for a "
        "file, report for a folder",
    )
    score.add_argument(
        "--format",
        choices=["csv", "arrow", "parquet"],
        help="of the parts; default: that of the input, CSV for pictures",
    )
    score.add_argument(
        "--part-bytes",
        type=_positive,
        metavar="N",
        help="about as many bytes of the input make a part; default: 16777216",
    )
    if on_cluster is not None:
        score.add_argument(
            "--ray",
            metavar="ADDRESS",
            help="score the parts on a Ray cluster: HOST:PORT of its head node, or auto for the "
            "cluster of this machine",
        )
        score.set_defaults(on_cluster=on_cluster)
    score.add_argument("--coverage", metavar="X", help="of intervals and sets, above 0 and below 1")
    score.add_argument("--abstain-below", metavar="X", help="lowest credibility of a class label")
    score.add_argument(
        "--echo", action="store_const", const="true", help="repeat the file's own columns"
    )
    for name in ("delimiter", "decimal", "thousands"):
        score.add_argument(f"--{name}", metavar="MARK", help="default: found in the file")
    score.set_defaults(run=_score)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number, 1 or more. Received: {text!r}.")
    return int(text)


def _add_try(commands: Commands) -> None:
    help_text = "try every version, so that no start of a server has to"
    trial = add_command(commands, "try", help_text, "models")
    trial.add_argument("models", metavar="DIR", help="folder of the bundles")
    trial.set_defaults(run=_try)


def _score(options: argparse.Namespace) -> None:
    try:
        from service.cli import score  # noqa: PLC0415 - only this command needs it

        score.run(options)
    except KeyboardInterrupt:
        sys.exit(130)  # the status of a program that Ctrl-C ended


def _serve(_options: argparse.Namespace) -> None:
    server = [
        "-m",
        "gunicorn",
        "--config",
        "python:service.server.gunicorn_conf",
        "service.wsgi:app",
    ]
    # In place of this process, so that the server gets the signals and gives the exit status.
    os.execv(sys.executable, [sys.executable, *server])  # noqa: S606 - no shell is wanted


def _index(options: argparse.Namespace) -> None:
    try:
        from service.rollout.sources.web import build_index  # noqa: PLC0415 - only this command needs it

        sys.stdout.buffer.write(build_index(Path(options.models)))
    except OSError as error:
        sys.exit(f"{options.models} cannot be read: {error.strerror}.")


def _try(options: argparse.Namespace) -> None:
    try:
        from service.cli import trying  # noqa: PLC0415 - only this command needs it

        trying.run(Path(options.models))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
