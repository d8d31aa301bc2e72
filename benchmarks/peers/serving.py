"""Starts a server, waits for its first answer, and ends it."""

import http.client
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import processes
from benchmarks.peers.wrk import Request
from tests.servers import free_port

_START_SECONDS = 120
_ANSWER_SECONDS = 30
_STOP_SECONDS = 20
_TURN_SECONDS = 0.01


class CannotServe(Exception):
    """A server does not start here, or answers wrongly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a server is started, and with what.

    Attributes:
        port: On 127.0.0.1.
        folder: For its files.
        bundle: Folder of the version that it serves.
        models: Folder of all models.
        workers: Number of processes that compute.
    """

    port: int
    folder: Path
    bundle: Path
    models: Path
    workers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A way to serve a network.

    Attributes:
        name: As it is asked for.
        title: In tables and plots.
        command: Starts it.
        environment: Variables that it needs beside those of this process.
        ready: Path that answers 200 when it can answer.
        asks: How it is asked, by the kind of what is sent; it takes the name of the network.
        read: Finds in an answer the largest probability, or the value, of its first instance.
        directory: Folder in which it is started; None for its own.
        table_rows: Largest number of rows in a table that it takes well; None without a limit.
    """

    name: str
    title: str
    command: Callable[[Place], Sequence[str | Path]]
    environment: Callable[[Place], Mapping[str, str]]
    ready: str
    asks: Mapping[str, Callable[[str], Request]]
    read: Callable[[bytes], float]
    directory: Path | None = None
    table_rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that has answered.

    Attributes:
        server: How it was started.
        port: On 127.0.0.1.
        folder: For files of the load.
        answer: What it answered first.
        seconds_to_answer: From its start to its first answer.
        cpu_seconds_to_answer: Processor time that it took until then.
    """

    server: Server
    port: int
    folder: Path
    answer: float
    seconds_to_answer: float
    cpu_seconds_to_answer: float


@contextmanager
def serving(
    server: Server, models: Path, bundle: Path, *, kind: str, workers: int
) -> Iterator[Running]:
    """Serve until the block ends.

    Args:
        server: How.
        models: Folder of all models.
        bundle: Folder of the version that is asked.
        kind: Of what is sent to see that the server answers.
        workers: Number of processes that compute.

    Raises:
        CannotServe: It does not start, or does not answer.
    """
    request = server.asks[kind](bundle.parent.name)
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        place = Place(port=port, folder=folder, bundle=bundle, models=models, workers=workers)
        log = folder / "log"
        command = _command(server, place)
        started = time.perf_counter()
        process = _start(server, command, place, log)
        try:
            _await_ready(process, server, port, log)
            answer = _first_answer(server, request, port)
            seconds, spent = time.perf_counter() - started, processes.cpu_seconds_below()
            yield Running(
                server=server,
                port=port,
                folder=folder,
                answer=answer,
                seconds_to_answer=seconds,
                cpu_seconds_to_answer=spent,
            )
        finally:
            processes.end(process, patience=_STOP_SECONDS)


def _command(server: Server, place: Place) -> list[str]:
    try:
        return [str(part) for part in server.command(place)]
    except (OSError, subprocess.SubprocessError) as error:
        raise CannotServe(f"It cannot be prepared: {error}") from error


def _start(
    server: Server, command: Sequence[str], place: Place, log: Path
) -> "subprocess.Popen[bytes]":
    others = {name: text for name, text in os.environ.items() if not name.startswith("VITRINE_")}
    ours = {
        "BENCH_BUNDLE": str(place.bundle),
        "BENCH_PORT": str(place.port),
        "BENCH_WORKERS": str(place.workers),
        "TMPDIR": str(place.folder),  # what a server leaves behind there goes with it
    }
    try:
        with log.open("wb") as stream:
            return subprocess.Popen(
                command,
                cwd=server.directory or place.folder,
                env=others | ours | dict(server.environment(place)),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,  # an interruption is this process' alone to handle
            )
    except OSError as error:
        raise CannotServe(str(error)) from error


def _await_ready(process: "subprocess.Popen[bytes]", server: Server, port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while ask(port, Request(path=server.ready), seconds=1)[0] != http.HTTPStatus.OK:
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text(errors="replace").strip().splitlines()
            raise CannotServe(said[-1] if said else "It said nothing.")
        time.sleep(_TURN_SECONDS)


def _first_answer(server: Server, request: Request, port: int) -> float:
    """Ask until the first answer: some are ready before their network is."""
    deadline = time.monotonic() + _ANSWER_SECONDS
    status, body = 0, b""
    while time.monotonic() < deadline:
        status, body = ask(port, request, seconds=_ANSWER_SECONDS)
        if status == http.HTTPStatus.OK:
            return server.read(body)
        time.sleep(_TURN_SECONDS)
    raise CannotServe(f"It answers {status}: {body[:200]!r}")


def ask(port: int, request: Request, *, seconds: float) -> tuple[int, bytes]:
    """Send a request on a new connection; return 0 as the status where no answer comes."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request(request.method, request.path, request.body or None, request.fields())
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()
