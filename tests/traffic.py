"""Clients that send requests without a pause and check every answer and its version."""

import http.client
import itertools
import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bundles import write_picture_bundle, write_table_bundle
from tests.fakes import picture, table
from tests.servers import Server

# Version v of the table model adds v times this to its values, so that a value tells the version.
STEP = 1000.0
_ROWS = 3000
_MAX_WAIT_SECONDS = 120.0
_POLL_SECONDS = 0.005


@dataclass(slots=True)
class Outcomes:
    """What became of the requests.

    Attributes:
        answered: Number of answers by version of the table model; 0 is the picture model.
        wrong: Descriptions of wrong answers.
        broken: Requests whose connection broke before the answer was whole, with the time.
        refused: Number of connections that were refused.
        slowest_seconds: Longest time to an answer.
    """

    answered: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    broken: list[tuple[float, str]] = field(default_factory=list)
    refused: int = 0
    slowest_seconds: float = 0.0

    @property
    def count(self) -> int:
        """Number of requests that were answered."""
        return self.answered.total()


class AllowedVersions:
    """The versions that may answer now, or in a request during which they came or went."""

    def __init__(self, *versions: int) -> None:
        self._now = frozenset(versions)

    def set(self, *versions: int) -> None:
        """Allow only these versions from now on."""
        self._now = frozenset(versions)

    def get(self) -> frozenset[int]:
        """Return the versions that may answer now."""
        return self._now


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition that is about to hold.

    Raises:
        TimeoutError: It does not hold after two minutes.
    """
    given_up = time.monotonic() + _MAX_WAIT_SECONDS
    while not condition():
        if time.monotonic() > given_up:
            raise TimeoutError
        time.sleep(_POLL_SECONDS)


def restart_workers(server: Server, workers: int) -> None:
    """Restart all workers, and wait until the old ones have gone."""
    before = set(server.workers())
    os.kill(server.process, signal.SIGHUP)
    until(lambda: len(set(server.workers()) - before) == workers)
    until(lambda: not before & set(server.workers()))


def kill_workers(server: Server) -> None:
    """Kill all workers at once, and wait until as many others have taken their place."""
    before = set(server.workers())
    for worker in before:
        os.kill(worker, signal.SIGKILL)
    until(lambda: len(set(server.workers()) - before) == len(before))


def publish(models: Path, version: int, *, default: bool = True) -> Path:
    """Publish a version of the table model `rooms` whose answers tell its number."""
    return write_table_bundle(models, version=version, more=STEP * version, default=default)


def publish_whole(models: Path, version: int, *, staging: Path, default: bool = True) -> None:
    """Publish by renaming a whole folder into place."""
    publish(staging, version, default=default).rename(models / "rooms" / str(version))


def publish_both(models: Path) -> None:
    """Publish the first versions of the table model `rooms` and the picture model `strokes`."""
    publish(models, 1)
    write_picture_bundle(models)


@contextmanager
def traffic(
    server: Server, allowed: AllowedVersions, *, clients: int = 6, pause_seconds: float = 0.0
) -> Iterator[Outcomes]:
    """Send requests until the block ends: half of the clients keep their connections."""
    outcomes = Outcomes()
    stop = threading.Event()
    threads = [
        threading.Thread(
            target=_Client(server, allowed, outcomes, number).run, args=(stop, pause_seconds)
        )
        for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    try:
        yield outcomes
    finally:
        stop.set()
        for thread in threads:
            thread.join()


class _Client:
    """One client: rows, a picture and a table in turn, on a connection that it keeps or renews."""

    def __init__(
        self, server: Server, allowed: AllowedVersions, outcomes: Outcomes, number: int
    ) -> None:
        self._allowed = allowed
        self._outcomes = outcomes
        self._number = number
        self._connection = server.connect()

    def run(self, stop: threading.Event, pause_seconds: float) -> None:
        """Send requests until the event is set, with a pause after each."""
        keeps_connection = self._number % 2 == 0
        for send in itertools.islice(itertools.cycle(_REQUESTS), self._number, None):
            if stop.is_set():
                break
            if self._connects():
                self._send(send)
            if not keeps_connection:
                self._connection.close()
            stop.wait(pause_seconds)
        self._connection.close()

    def _connects(self) -> bool:
        try:
            if self._connection.sock is None:
                self._connection.connect()
        except OSError:
            self._outcomes.refused += 1
            self._connection.close()
            time.sleep(0.01)
            return False
        return True

    def _send(self, send: Callable[[http.client.HTTPConnection], int | None]) -> None:
        before = self._allowed.get()
        started = time.perf_counter()
        try:
            version = send(self._connection)
        except (OSError, http.client.HTTPException) as error:
            what = f"{send.__name__} of client {self._number}: {error!r}"
            self._outcomes.broken.append((time.monotonic(), what))
            self._connection.close()
        except AssertionError as error:
            self._outcomes.wrong.append(f"{send.__name__}: {error}")
            self._connection.close()
        else:
            seconds = time.perf_counter() - started
            self._outcomes.slowest_seconds = max(self._outcomes.slowest_seconds, seconds)
            self._count(version, before | self._allowed.get())

    def _count(self, version: int | None, allowed: frozenset[int]) -> None:
        self._outcomes.answered[version or 0] += 1
        if version is not None and version not in allowed:
            self._outcomes.wrong.append(f"version {version} was not allowed: {sorted(allowed)}")


def _predict(
    connection: http.client.HTTPConnection, path: str, body: bytes, kind: str
) -> tuple[http.client.HTTPResponse, bytes]:
    connection.request("POST", path, body, {"Content-Type": kind})
    response = connection.getresponse()
    answer = response.read()
    assert response.status == http.HTTPStatus.OK, answer[:200]
    return response, answer


def _send_row(connection: http.client.HTTPConnection) -> int:
    body = b'{"instances": [{"size": 1, "colour": "red"}]}'
    _, answer = _predict(connection, "/models/rooms/predict", body, "application/json")
    members = json.loads(answer)
    version: int = members["version"]
    assert members["predictions"] == [{"value": 13.0 + STEP * version}], answer
    return version


def _send_picture(connection: http.client.HTTPConnection) -> None:
    _, answer = _predict(connection, "/models/strokes/predict", picture(), "image/png")
    assert json.loads(answer)["predictions"][0]["label"] == "left", answer


def _send_table(connection: http.client.HTTPConnection) -> int:
    response, answer = _predict(connection, "/models/rooms/predict", table(_ROWS), "text/csv")
    version = int(response.headers["X-Model-Version"])
    lines = answer.decode().splitlines()[1:]
    expected = [f"{10.0 * (row % 1000) + 3 + STEP * version}," for row in range(_ROWS)]
    assert lines == expected, f"{len(lines)} lines of version {version}"
    return version


_REQUESTS = (_send_row, _send_picture, _send_table)
