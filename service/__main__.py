"""`python -m service serve` and `score`, and the commands that ask a running service."""

import argparse
import os
import sys
from pathlib import Path

from service.cli import remote


def main() -> None:
    """Run the command that was asked for."""
    options = _parser().parse_args()
    options.run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m service", description=__doc__)
    commands = parser.add_subparsers(required=True)
    commands.add_parser("serve", help="serve models/ as the VITRINE_* variables say").set_defaults(
        run=_serve
    )
    _add_score(commands)
    remote.add_commands(commands)
    index = commands.add_parser("index", help="write index.json of models for a web server")
    index.add_argument("models", metavar="DIR", help="folder of the bundles")
    index.set_defaults(run=_index)
    return parser


def _add_score(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    help_text = "predict on a CSV file without a server"
    score = commands.add_parser("score", help=help_text, description=help_text)
    score.add_argument("name", metavar="NAME", help="the model's name")
    score.add_argument("file", metavar="FILE.csv", help="rows with a header")
    score.add_argument(
        "-o",
        "--output",
        metavar="OUT.csv",
        default="-",
        help="default: standard output",
    )
    score.add_argument("--models", metavar="DIR", help="default: VITRINE_MODELS, or models")
    score.add_argument("--version", type=int, metavar="N", help="default: the latest")
    score.add_argument(
        "--errors",
        metavar="fail|report",
        help="whether a faulty row ends it or is told of",
    )
    score.add_argument("--coverage", metavar="X", help="of intervals and sets, above 0, below 1")
    score.add_argument("--abstain-below", metavar="X", help="least credibility of a class label")
    score.add_argument(
        "--echo", action="store_const", const="true", help="repeat the file's own columns"
    )
    for name in ("delimiter", "decimal", "thousands"):
        score.add_argument(f"--{name}", metavar="MARK", help="found in the file where not given")
    score.set_defaults(run=_score)


def _score(options: argparse.Namespace) -> None:
    try:
        from service.cli import score  # noqa: PLC0415 - the other commands need none of it

        score.run(options)
    except KeyboardInterrupt:
        sys.exit(130)  # as a shell has it for what Ctrl-C ends


def _serve(_options: argparse.Namespace) -> None:
    server = [
        "-m",
        "gunicorn",
        "--config",
        "python:service.server.gunicorn_conf",
        "service.wsgi:app",
    ]
    # In place of this process, so that signals and the exit status are the server's own.
    os.execv(sys.executable, [sys.executable, *server])  # noqa: S606 - no shell is wanted


def _index(options: argparse.Namespace) -> None:
    try:
        from service.rollout.sources import index  # noqa: PLC0415 - nor of this

        sys.stdout.buffer.write(index(Path(options.models)))
    except OSError as error:
        sys.exit(f"{options.models} cannot be read: {error.strerror}.")


if __name__ == "__main__":
    main()
