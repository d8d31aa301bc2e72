"""The servers that are compared, and how each is started."""

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from benchmarks import processes
from benchmarks.machine import ROOT
from benchmarks.servers.load import picture_for

WORKERS = 2
GRACEFUL_SECONDS = 8
_START_SECONDS = 40
_STOP_SECONDS = GRACEFUL_SECONDS + 4
_APP = "service.wsgi:app"
_CONF = "python:service.server.gunicorn_conf"
_HERE = "benchmarks.servers"


class CannotRun(Exception):
    """A candidate does not serve the application here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A way to serve the application.

    Attributes:
        name: As it is asked for, and heads its column.
        what: It is, in a line.
        arguments: Of Python; `{port}` stands for the port.
        needs: Modules without which it cannot run.
    """

    name: str
    what: str
    arguments: Sequence[str]
    needs: Sequence[str] = ()

    def missing(self) -> list[str]:
        """Name the modules that it needs and are not here."""
        return [module for module in self.needs if find_spec(module) is None]


def _gunicorn(*options: str, conf: str = _CONF, app: str = _APP) -> list[str]:
    return ["-m", "gunicorn", "--config", conf, *options, app]


def _gthread(threads: int) -> Candidate:
    return Candidate(
        name=f"gthread-{threads}",
        what=f"gunicorn's threaded worker, {threads} threads, 1000 connections",
        arguments=_gunicorn(
            *("--worker-class", "gthread", "--threads", str(threads)),
            *("--worker-connections", "1000"),
        ),
    )


CANDIDATES = (
    _gthread(16),
    _gthread(256),
    Candidate(
        name="gevent",
        what="gunicorn's gevent worker, everything patched",
        arguments=_gunicorn(conf=f"python:{_HERE}.gevent_conf"),
        needs=("gevent",),
    ),
    Candidate(
        name="asgi",
        what="gunicorn's ASGI worker on uvloop, a2wsgi before 16 threads",
        arguments=_gunicorn(conf=f"python:{_HERE}.asgi_conf", app=f"{_HERE}.asgi_app:app"),
        needs=("uvloop", "a2wsgi"),
    ),
    Candidate(
        name="vitrine",
        what="the service's own worker class: one event loop, as it is configured",
        arguments=_gunicorn(),
    ),
    Candidate(
        name="granian",
        what="granian's WSGI server, 16 blocking threads",
        arguments=[
            *("-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", "{port}"),
            *("--workers", str(WORKERS), "--blocking-threads", "16", "--http", "1"),
            *("--workers-kill-timeout", str(GRACEFUL_SECONDS), "--respawn-failed-workers"),
            *("--backlog", "2048", "--log-level", "warning", _APP),
        ],
        needs=("granian",),
    ),
)


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is ready.

    Attributes:
        port: On 127.0.0.1.
        process: Number of the process that keeps the workers.
        models: What it serves.
    """

    port: int
    process: int
    models: Path

    def workers(self) -> list[int]:
        """Return the processes that answer."""
        return [child for child in processes.children(self.process) if not _is_tracker(child)]

    def answers_within(self, seconds: float) -> bool:
        """Tell whether a new connection's /livez is answered in time."""
        return _status(self.port, "GET", "/livez", timeout=seconds) == http.HTTPStatus.OK


def _is_tracker(process: int) -> bool:
    """Tell whether a process only watches the resources that Python's others share."""
    try:
        return b"resource_tracker" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False


@contextmanager
def serving(candidate: Candidate, models: Path) -> Iterator[Server]:
    """Serve until the block ends.

    Raises:
        CannotRun: It does not become ready, or does not predict.
    """
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder, _log(folder) as log:
        process = _start(candidate, port, models, folder, log.fileno())
        try:
            _await_ready(process, port, Path(log.name))
            _check(port)
            yield Server(port, process.pid, models)
        finally:
            processes.end(process, patience=_STOP_SECONDS)


def _log(folder: str) -> "tempfile._TemporaryFileWrapper[bytes]":
    return tempfile.NamedTemporaryFile(dir=folder)


def _start(
    candidate: Candidate, port: int, models: Path, folder: str, log: int
) -> "subprocess.Popen[bytes]":
    settings = {
        "VITRINE_HOST": "127.0.0.1",
        "VITRINE_PORT": port,
        "VITRINE_MODELS": models,
        "VITRINE_WORKERS": WORKERS,
        "VITRINE_GRACEFUL_TIMEOUT_SECONDS": GRACEFUL_SECONDS,
        "VITRINE_LOG_LEVEL": "WARNING",
        # The service's configuration of gunicorn makes such a folder; other servers do not read it.
        "PROMETHEUS_MULTIPROC_DIR": _numbers(folder),
        "OPENBLAS_NUM_THREADS": 1,
        "TMPDIR": folder,  # what a worker leaves behind there goes with it
    }
    others = {name: text for name, text in os.environ.items() if not name.startswith("VITRINE_")}
    return subprocess.Popen(
        [sys.executable, *(part.format(port=port) for part in candidate.arguments)],
        cwd=ROOT,
        env=others | {name: str(value) for name, value in settings.items()},
        stdout=log,
        stderr=log,
    )


def _numbers(folder: str) -> Path:
    numbers = Path(folder) / "numbers"
    numbers.mkdir()
    return numbers


def _await_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while _status(port, "GET", "/readyz", timeout=5) != http.HTTPStatus.OK:
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text(errors="replace").strip().splitlines()
            raise CannotRun(said[-1] if said else "It said nothing.")
        time.sleep(0.02)


def _check(port: int) -> None:
    request = picture_for("digits")
    body = request[request.index(b"\r\n\r\n") + 4 :]
    status = _status(port, "POST", "/models/digits/predict", body, timeout=10)
    if status != http.HTTPStatus.OK:
        raise CannotRun(f"It answers the picture with {status}.")


def _status(
    port: int, method: str, path: str, body: bytes | None = None, *, timeout: float
) -> int | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body, {"Content-Type": "image/png"} if body else {})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
