"""`python -m service serve`, and the commands that ask a running service."""

import argparse
import os
import sys

from service import remote


def main() -> None:
    """Run the command that was asked for."""
    parser = argparse.ArgumentParser(prog="python -m service", description=__doc__)
    commands = parser.add_subparsers(required=True)
    commands.add_parser("serve", help="serve models/ as the VITRINE_* variables say").set_defaults(
        run=_serve
    )
    remote.add_commands(commands)
    options = parser.parse_args()
    options.run(options)


def _serve(_options: argparse.Namespace) -> None:
    server = ["-m", "gunicorn", "--config", "python:service.gunicorn_conf", "service.wsgi:app"]
    # In place of this process, so that signals and the exit status are the server's own.
    os.execv(sys.executable, [sys.executable, *server])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
