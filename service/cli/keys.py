"""The commands that make, list and remove API keys, in the key file of a service.

A service that runs reads the file again within a second.
"""

import fcntl
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from service.cli.help import Commands, add_command
from service.keys import (
    MAX_KEYS,
    MAX_RATE,
    NAME,
    InvalidKeys,
    Key,
    hash_secret,
    make_secret,
    read_keys,
    write_keys,
)
from vitrine.errors import nearest, shown


def add_commands(commands: Commands) -> None:
    """Add `keys` with its own commands."""
    words = "add ana --file keys.json"
    keys = add_command(commands, "keys", "make, list and remove API keys", words)
    actions = keys.add_subparsers(title="commands", required=True, metavar="COMMAND")
    add = _add_action(actions, "add", "make a key and print it, once", "ana --rate 20 --burst 5")
    add.add_argument("name", metavar="NAME", help="letters, digits, '_', '.' and '-'")
    add.add_argument("--rate", type=float, metavar="N", help="requests a second; default: any")
    add.add_argument(
        "--burst", type=int, metavar="N", help="requests at once; default: a tenth of the rate"
    )
    add.add_argument("--manage", action="store_true", help="the key may also change what is served")
    add.set_defaults(run=_add)
    _add_action(actions, "list", "list the keys", "").set_defaults(run=_list)
    for name, help_text, run in (
        ("remove", "let a key be valid no longer", _remove),
        ("rotate", "make a new secret for a key and print it, once; the old one ends", _rotate),
    ):
        action = _add_action(actions, name, help_text, "ana")
        action.add_argument("name", metavar="NAME", help="name of the key")
        action.set_defaults(run=run)


def _add_action(actions: Commands, name: str, help_text: str, words: str) -> ArgumentParser:
    action = add_command(actions, name, help_text, words)
    action.add_argument(
        "--file",
        metavar="FILE",
        default=os.environ.get("VITRINE_KEYS", ""),
        help="the key file; by default, VITRINE_KEYS",
    )
    return action


def _add(options: Namespace) -> None:
    secret = make_secret()
    _check_rate(options)
    with _changing(options) as keys:
        if any(key.name == options.name for key in keys):
            sys.exit(f"There is a key {options.name} already; `rotate` makes a new secret for it.")
        if not NAME.fullmatch(options.name):
            sys.exit("A name has at most 64 letters, digits, '_', '.' and '-'.")
        if len(keys) == MAX_KEYS:
            sys.exit(f"There are {MAX_KEYS} keys already, which is the most.")
        key = Key(
            name=options.name,
            sha256=hash_secret(secret),
            role="manage" if options.manage else "predict",
            rate=options.rate,
            burst=options.burst,
            created=_today(),
        )
        keys.append(key)
    _print_once(secret)


def _check_rate(options: Namespace) -> None:
    for name, number in (("rate", options.rate), ("burst", options.burst)):
        if number is not None and not 0 < number <= MAX_RATE:
            sys.exit(f"--{name} must be above 0 and at most {MAX_RATE}. Received: {number}.")
    if options.burst is not None and options.rate is None:
        sys.exit("--burst needs --rate.")


def _rotate(options: Namespace) -> None:
    secret = make_secret()
    with _changing(options) as keys:
        index = _find(keys, options.name)
        changes = {"sha256": hash_secret(secret), "created": _today()}
        keys[index] = msgspec.structs.replace(keys[index], **changes)
    _print_once(secret)


def _remove(options: Namespace) -> None:
    with _changing(options) as keys:
        del keys[_find(keys, options.name)]


def _list(options: Namespace) -> None:
    keys = _read(_path(options))
    width = max((len(key.name) for key in keys), default=0)
    for key in keys:
        rate = f"{key.rate:g} a second, {key.allowed_burst} at once" if key.rate else "any rate"
        print(f"{key.name:{width}}  {key.role:7}  {key.created:10}  {rate}")


@contextmanager
def _changing(options: Namespace) -> Iterator[list[Key]]:
    """Give the keys of the file to be changed, and write them at the end; one command at a time."""
    path = _path(options)
    try:
        # The lock of the folder: the file itself is replaced.
        folder = os.open(path.resolve().parent, os.O_RDONLY)
        fcntl.flock(folder, fcntl.LOCK_EX)
        keys = _read(path) if path.exists() else []
        yield keys
        write_keys(path, keys)
    except OSError as error:
        sys.exit(f"{path} cannot be written: {error.strerror}.")


def _path(options: Namespace) -> Path:
    if not options.file:
        sys.exit("--file or VITRINE_KEYS must name the key file.")
    return Path(options.file)


def _read(path: Path) -> list[Key]:
    try:
        return read_keys(path)
    except InvalidKeys as error:
        sys.exit(str(error))


def _find(keys: list[Key], name: str) -> int:
    names = [key.name for key in keys]
    if name not in names:
        sys.exit(f"There is no key {shown(name)}.{nearest(name, names)}")
    return names.index(name)


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _print_once(secret: str) -> None:
    print("Keep this key: nothing else holds it, and it is not shown again.", file=sys.stderr)
    print(secret)
