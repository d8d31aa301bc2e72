"""A connection of this process, as a driver, to a Ray cluster."""

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO, cast

_CONNECT_SECONDS = 10.0
# This thread prints each retry, and each loss of a node.
_RAY_THREAD = "ray_listen_error_messages"


class CannotConnect(Exception):
    """Why a cluster cannot be used, in one sentence."""


def connect(
    address: str,
    *,
    environment: str,
    packages: Sequence[ModuleType],
    variables: Mapping[str, str] | None = None,
) -> None:
    """Connect to a cluster, whose nodes then run the code of packages as it stands here.

    Args:
        address: `host:port` of the head node, or `auto` for the cluster that this machine belongs
            to.
        environment: Name of the environment under `.venv` that has what is needed here.
        packages: Packages of this checkout that the workers import.
        variables: Environment variables of the workers.

    Raises:
        CannotConnect: Ray is not installed, the address is none, or the cluster cannot be reached
            or runs other versions of Ray or Python.
    """
    if find_spec("ray") is None:
        raise CannotConnect(
            f"Ray has an environment of its own: run `make .venv/{environment}/installed`, then "
            f"this command with `.venv/{environment}/bin/vitrine`."
        )
    # Ray mends what its C++ code says of a lost node. It would print at the end what it held back.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    os.environ.setdefault("RAY_DEDUP_LOGS", "0")
    import ray  # noqa: PLC0415 - optional, and takes a second

    runtime: dict[str, Any] = {
        "py_modules": [str(Path(package.__path__[0])) for package in packages],
        "excludes": ["__pycache__"],
        "env_vars": dict(variables or {}),
    }
    try:
        if address != "auto":
            _reach(address)
        with _own_handlers(), _quiet():
            ray.init(address, logging_level="ERROR", log_to_driver=False, runtime_env=runtime)
    except (OSError, RuntimeError, ValueError) as error:
        reason = str(error).strip().split("\n", 1)[0].removesuffix(".")
        raise CannotConnect(f"The Ray cluster at {address} cannot be used: {reason}.") from error
    sys.stdout = cast("TextIO", _WithoutRay(sys.stdout))


def _reach(address: str) -> None:
    """Connect once: Ray itself gives up after two minutes, and then ends this process.

    Ray also takes addresses of its server for clients, which knows nothing of Ray Data.
    """
    host, _, port = address.rpartition(":")
    if not host or "://" in host or not port.isdecimal():
        raise ValueError("an address is HOST:PORT of the head node, or auto")
    socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()


@contextmanager
def _own_handlers() -> Iterator[None]:
    """Keep this program's handlers of signals, which Ray replaces."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield  # where Ray fails, this program ends
    for number, handler in handlers.items():
        signal.signal(number, handler)


@contextmanager
def _quiet() -> Iterator[None]:
    """Discard what Ray's C++ code prints while it starts."""
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


class _WithoutRay:
    """A stream that leaves out what Ray tells of the cluster, whatever `log_to_driver` says.

    Args:
        stream: Where all else goes.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text, unless it comes from Ray."""
        if threading.current_thread().name == _RAY_THREAD:
            return len(text)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
