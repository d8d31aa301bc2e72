"""`python -m service serve`, and the commands that ask a running service."""

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path

from service import remote


def main() -> None:
    """Run the command that was asked for."""
    parser = argparse.ArgumentParser(prog="python -m service", description=__doc__)
    commands = parser.add_subparsers(required=True)
    commands.add_parser("serve", help="serve models/ as the VITRINE_* variables say").set_defaults(
        run=_serve
    )
    remote.add_commands(commands)
    index = commands.add_parser("index", help="write index.json of models for a web server")
    index.add_argument("models", metavar="DIR", help="folder of the bundles")
    index.set_defaults(run=_index)
    options = parser.parse_args()
    options.run(options)


def _serve(_options: argparse.Namespace) -> None:
    server = ["-m", "gunicorn", "--config", "python:service.gunicorn_conf", "service.wsgi:app"]
    # In place of this process, so that signals and the exit status are the server's own.
    os.execv(sys.executable, [sys.executable, *server])  # noqa: S606 - no shell is wanted


def _index(options: argparse.Namespace) -> None:
    try:
        sys.stdout.buffer.write(import_module("service.sources").index(Path(options.models)))
    except OSError as error:
        sys.exit(f"{options.models} cannot be read: {error.strerror}.")


if __name__ == "__main__":
    main()
