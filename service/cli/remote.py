"""The commands that show or change what a running service serves."""

import argparse
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from service.cli.help import Commands, add_command

# A little longer than the service waits for its workers.
_TIMEOUT_SECONDS = 70


def add_commands(commands: Commands) -> None:
    """Add `status`, `load`, `unload`, `rollback` and `change`."""
    status = _add(
        commands, "status", "show what is served, of every model or of one", "digits", nargs="?"
    )
    status.set_defaults(run=_status)
    for name, help_text in (
        ("load", "look for new versions now; load a model that was unloaded"),
        ("unload", "stop serving a model"),
        ("rollback", "let the version before the default one answer"),
    ):
        _add(commands, name, help_text, "digits").set_defaults(run=_post, action=name)
    change = _add(
        commands,
        "change",
        "change a model's policy, labels, canary or shadow",
        "digits --label stable=1",
    )
    change.set_defaults(run=_change)
    change.add_argument("--policy", help="'all', 'latest:N', versions such as 1,3; 'none' resets")
    change.add_argument(
        "--label", action="append", default=[], metavar="LABEL=VERSION", help="'none' removes it"
    )
    change.add_argument("--canary-share", type=float, metavar="X", help="from 0 to 1")
    change.add_argument("--shadow", metavar="VERSION", help="'none' removes the shadow")


def _add(
    commands: Commands, name: str, help_text: str, example_words: str, *, nargs: str | None = None
) -> argparse.ArgumentParser:
    command = add_command(commands, name, help_text, example_words)
    command.add_argument("name", nargs=nargs, metavar="NAME", help="the model's name")
    port = os.environ.get("VITRINE_PORT", "8080")
    command.add_argument(
        "--url",
        default=f"http://127.0.0.1:{port}",
        help="address of the service; by default, %(default)s",
    )
    return command


def _status(options: argparse.Namespace) -> None:
    _request(options, "GET", f"/models/{options.name}" if options.name else "/models")


def _post(options: argparse.Namespace) -> None:
    _request(options, "POST", f"/models/{options.name}/{options.action}")


def _change(options: argparse.Namespace) -> None:
    changes: dict[str, Any] = {}
    if options.policy is not None:
        changes["policy"] = None if options.policy == "none" else options.policy
    if options.label:
        pairs = (text.partition("=")[::2] for text in options.label)
        changes["labels"] = {label: _version(version) for label, version in pairs}
    if options.canary_share is not None:
        changes["canary_share"] = options.canary_share
    if options.shadow is not None:
        changes["shadow"] = _version(options.shadow)
    _request(options, "PATCH", f"/models/{options.name}", changes)


def _version(text: str) -> int | str | None:
    """Read a version; the service refuses what is not one."""
    return None if text == "none" else int(text) if text.isdecimal() else text


def _request(options: argparse.Namespace, method: str, path: str, body: Any = None) -> None:
    """Print the answer; end with status 1 where the service refuses or does not answer."""
    headers = {}
    data = None
    if body is not None:
        data = json.dumps(body).encode()
        headers["Content-Type"] = "application/json"
    key = os.environ.get("VITRINE_KEY")
    if key:
        headers["Authorization"] = f"Bearer {key}"
    if not options.url.startswith(("http://", "https://")):
        sys.exit(f"--url must begin with http:// or https://. Received: {options.url}")
    request = urllib.request.Request(  # noqa: S310 - checked above
        options.url.rstrip("/") + urllib.parse.quote(path), data, headers, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310
            print(json.dumps(json.load(response), indent=2))
    except urllib.error.HTTPError as error:
        sys.exit(_detail(error))
    except (OSError, ValueError) as error:
        sys.exit(f"{options.url} does not answer: {getattr(error, 'reason', error)}.")


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        detail: str = json.load(error)["detail"]
    except (ValueError, KeyError, TypeError):
        return f"{error.url} answers {error.code}."
    return detail
