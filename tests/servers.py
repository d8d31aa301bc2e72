"""A real server on a free port of this machine, in processes of its own."""

import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
# A log that is thrown away: thousands of refusals are not to be read.
NOWHERE = Path(os.devnull)
_START_SECONDS = 60
_STOP_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is ready.

    Attributes:
        port: Where it listens.
        process: Number of the process that keeps the workers.
        seconds_to_ready: From the start of that process to the first answer of /readyz.
        tls: What clients encrypt their connections with; None where they do not.
        address: Address of its host.
    """

    port: int
    process: int
    seconds_to_ready: float
    tls: ssl.SSLContext | None = None
    address: str = "127.0.0.1"

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.address}:{self.port}"

    def workers(self) -> list[int]:
        """Return the numbers of the worker processes."""
        children = Path(f"/proc/{self.process}/task/{self.process}/children").read_text()
        return [int(number) for number in children.split()]

    def connect(self) -> http.client.HTTPConnection:
        """Open a connection, which is kept until it is closed."""
        return _connection(self.port, self.tls, timeout=60, address=self.address)


@contextmanager
def serving(
    python: Path = Path(sys.executable),
    *,
    checkout: Path = ROOT,
    tls: ssl.SSLContext | None = None,
    log: Path | None = None,
    port_variable: str = "VITRINE_PORT",
    environment: Mapping[str, str] | None = None,
    **settings: object,
) -> Iterator[Server]:
    """Serve until the block ends.

    Args:
        python: The interpreter, with what the service needs.
        checkout: Folder of the project that is served, this one or another.
        tls: What clients encrypt their connections with, where the settings name a certificate.
        log: File that takes its log; by default it is with the output of this process.
        port_variable: Environment variable that names the port.
        environment: Other environment variables.
        settings: Of the service, by their names in `Settings`.
    """
    port = free_port()
    given = {"host": "127.0.0.1", "log_level": "WARNING", **settings}
    others = {name: text for name, text in os.environ.items() if not name.startswith("VITRINE_")}
    variables = others | {f"VITRINE_{name.upper()}": str(text) for name, text in given.items()}
    variables |= {port_variable: str(port), **(environment or {})}
    started = time.perf_counter()
    command = [str(python), "-m", "service", "serve"]
    process = _start(command, log, cwd=checkout, env=variables)
    try:
        while not is_ready(port, tls):
            if process.poll() is not None or time.perf_counter() - started > _START_SECONDS:
                raise RuntimeError(f"The server did not become ready: {process.poll()}.")
            time.sleep(0.005)
        yield Server(port, process.pid, time.perf_counter() - started, tls)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_STOP_SECONDS)


def _start(
    command: list[str], log: Path | None, *, cwd: Path, env: dict[str, str]
) -> "subprocess.Popen[bytes]":
    if log is None:
        return subprocess.Popen(command, cwd=cwd, env=env)
    with log.open("wb") as stream:
        return subprocess.Popen(command, cwd=cwd, env=env, stdout=stream, stderr=stream)


@contextmanager
def stopped(process: int) -> Iterator[None]:
    """Stop a process from running until the block ends."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _connection(
    port: int, tls: ssl.SSLContext | None, *, timeout: float, address: str = "127.0.0.1"
) -> http.client.HTTPConnection:
    if tls is None:
        return http.client.HTTPConnection(address, port, timeout=timeout)
    return http.client.HTTPSConnection(address, port, timeout=timeout, context=tls)


def is_ready(port: int, tls: ssl.SSLContext | None = None, *, address: str = "127.0.0.1") -> bool:
    """Tell whether a server takes predictions."""
    connection = _connection(port, tls, timeout=5, address=address)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
