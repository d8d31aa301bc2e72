"""Clients that ask without a pause and check every answer: who answered, and was it right?"""

import http.client
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

# What version v of the table model adds to its values, times v: an answer tells who gave it.
STEP = 1000.0
_ROWS = 3000
_LOOKS = 20_000
_LOOK_SECONDS = 0.005


@dataclass(slots=True)
class Tally:
    """What became of the requests.

    Attributes:
        answered: By version of the table model.
        wrong: What was wrong with answers.
        broken: Requests whose connection broke before the answer was whole, with the time.
        refused: Connections that were not taken.
        slowest_seconds: The longest an answer took.
    """

    answered: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    broken: list[tuple[float, str]] = field(default_factory=list)
    refused: int = 0
    slowest_seconds: float = 0.0

    @property
    def count(self) -> int:
        """Requests that were answered."""
        return self.answered.total()


class Wanted:
    """The versions that may answer now; those that came or went while a request ran may as well."""

    def __init__(self, *versions: int) -> None:
        self._now = frozenset(versions)

    def set(self, *versions: int) -> None:
        """Say which may answer from now on."""
        self._now = frozenset(versions)

    def get(self) -> frozenset[int]:
        """Return those that may answer now."""
        return self._now


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that is about to happen."""
    for _ in range(_LOOKS):
        if condition():
            return
        time.sleep(_LOOK_SECONDS)
    raise TimeoutError


def hang_up(server: Server, workers: int) -> None:
    """Restart all workers, of which there are so many, and wait until the old ones have gone."""
    before = set(server.workers())
    os.kill(server.process, signal.SIGHUP)
    until(lambda: len(set(server.workers()) - before) == workers)
    until(lambda: not before & set(server.workers()))


def publish(models: Path, version: int) -> Path:
    """Publish a version of the table model `rooms` whose answers tell its number."""
    return write_table_bundle(models, version=version, more=STEP * version)


def publish_whole(models: Path, version: int, *, staging: Path) -> None:
    """Publish by renaming a whole folder into place."""
    publish(staging, version).rename(models / "rooms" / str(version))


def publish_both(models: Path) -> None:
    """Publish the first versions of `rooms` and of `strokes`, which tells pictures apart."""
    publish(models, 1)
    write_picture_bundle(models)


@contextmanager
def crowd(server: Server, wanted: Wanted, *, clients: int = 6) -> Iterator[Tally]:
    """Let clients ask until the block ends: half keep their connections, half take new ones."""
    tally = Tally()
    stop = threading.Event()
    threads = [
        threading.Thread(
            target=_ask_on, args=(server, wanted, tally, stop, place), name=f"client {place}"
        )
        for place in range(clients)
    ]
    for thread in threads:
        thread.start()
    try:
        yield tally
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _ask_on(
    server: Server, wanted: Wanted, tally: Tally, stop: threading.Event, place: int
) -> None:
    asks: list[Callable[[http.client.HTTPConnection], int | None]]
    asks = [_ask_row, _ask_picture, _ask_table]
    keeps = place % 2 == 0
    connection = server.connect()
    number = place
    while not stop.is_set():
        ask = asks[number % len(asks)]
        number += 1
        before = wanted.get()
        started = time.perf_counter()
        try:
            if connection.sock is None:
                connection.connect()
        except OSError:
            tally.refused += 1
            connection.close()
            time.sleep(0.01)
            continue
        try:
            version = ask(connection)
        except (OSError, http.client.HTTPException) as error:
            what = f"{ask.__name__} of client {place}: {error!r}"
            tally.broken.append((time.monotonic(), what))
            connection.close()
            continue
        except AssertionError as error:
            tally.wrong.append(f"{ask.__name__}: {error}")
            connection.close()
            continue
        tally.slowest_seconds = max(tally.slowest_seconds, time.perf_counter() - started)
        if version is not None:
            tally.answered[version] += 1
            if version not in before | wanted.get():
                tally.wrong.append(f"version {version} was not wanted: {sorted(before)}")
        else:
            tally.answered[0] += 1
        if not keeps:
            connection.close()
    connection.close()


def _ask(
    connection: http.client.HTTPConnection, path: str, body: bytes, kind: str
) -> tuple[http.client.HTTPResponse, bytes]:
    connection.request("POST", path, body, {"Content-Type": kind})
    response = connection.getresponse()
    answer = response.read()
    assert response.status == http.HTTPStatus.OK, answer[:200]
    return response, answer


def _ask_row(connection: http.client.HTTPConnection) -> int:
    body = b'{"instances": [{"size": 1, "colour": "red"}]}'
    _, answer = _ask(connection, "/models/rooms/predict", body, "application/json")
    members = json.loads(answer)
    version: int = members["version"]
    assert members["predictions"] == [{"value": 13.0 + STEP * version}], answer
    return version


def _ask_picture(connection: http.client.HTTPConnection) -> None:
    _, answer = _ask(connection, "/models/strokes/predict", picture(), "image/png")
    assert json.loads(answer)["predictions"][0]["label"] == "left", answer


def _ask_table(connection: http.client.HTTPConnection) -> int:
    response, answer = _ask(connection, "/models/rooms/predict", table(_ROWS), "text/csv")
    version = int(response.headers["X-Model-Version"])
    lines = answer.decode().splitlines()[1:]
    expected = [f"{10.0 * (row % 1000) + 3 + STEP * version}," for row in range(_ROWS)]
    assert lines == expected, f"{len(lines)} lines of version {version}"
    return version
