"""What clients notice of new versions, damaged versions, killed workers and restarts."""

import http.client
import os
import random
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers import Server, serving
from tests.soak.figures import Figure
from tests.soak.footprint import SERVICE_PYTHON
from tests.traffic import (
    AllowedVersions,
    publish,
    publish_both,
    publish_whole,
    restart_workers,
    traffic,
    until,
)

RELOADS = 50
KILLS = 10
HANGUPS = 20
WORKERS = 3
CLIENTS = 6
REQUESTS = 100_000
DAMAGES = 40
# Reloads before memory is measured for the first time: allocators and caches fill up once.
WARM_UP = 5
# A client notices within this time that its worker was killed.
NOTICED_SECONDS = 0.5
REFUSED = http.HTTPStatus.CONFLICT


def reloads_and_kills() -> Iterator[Figure]:
    """Publish fifty versions and kill ten workers while clients send requests."""
    with (
        tempfile.TemporaryDirectory() as folder,
        _served(Path(folder)) as (server, models),
    ):
        allowed = AllowedVersions(1)
        killed: list[float] = []
        with traffic(server, allowed, clients=CLIENTS) as outcomes:
            killing = threading.Thread(target=_kill, args=(server, killed))
            killing.start()
            for version in range(2, RELOADS + 2):
                allowed.set(version - 1, version)
                publish_whole(models, version, staging=Path(folder) / "staging")
                change(server, "POST", "/models/rooms/load")
                allowed.set(version)
            killing.join()
    name = f"{RELOADS} reloads, {KILLS} kills"
    yield Figure(name=f"{name}: answers", value=outcomes.count, unit="")
    yield Figure(name=f"{name}: wrong answers", value=len(outcomes.wrong), unit="", at_most=0)
    yield Figure(name=f"{name}: broken by kills", value=len(outcomes.broken), unit="")
    others = [
        what
        for when, what in outcomes.broken
        if not any(0 <= when - at <= NOTICED_SECONDS for at in killed)
    ]
    yield Figure(name=f"{name}: broken otherwise", value=len(others), unit="", at_most=0)


def hangups_and_stop() -> Iterator[Figure]:
    """Restart all workers twenty times, then stop, while clients send requests."""
    with (
        tempfile.TemporaryDirectory() as folder,
        _served(Path(folder)) as (server, _),
        traffic(server, AllowedVersions(1), clients=CLIENTS) as outcomes,
    ):
        for _ in range(HANGUPS):
            restart_workers(server, WORKERS)
        hung_up = outcomes.count
        os.kill(server.process, signal.SIGTERM)
        until(lambda: outcomes.refused > 0)
    yield Figure(name=f"{HANGUPS} HUPs and a TERM: answers", value=hung_up, unit="")
    lost = len(outcomes.broken) + len(outcomes.wrong)
    yield Figure(name=f"{HANGUPS} HUPs and a TERM: lost", value=lost, unit="", at_most=0)


def bad_versions() -> Iterator[Figure]:
    """Publish damaged versions and a slow copy while clients send requests."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with _served(folder) as (server, models):
            whole = publish(folder / "staging", 2)
            files = sorted(path.name for path in whole.iterdir())
            refused = 0
            with traffic(server, AllowedVersions(1), clients=CLIENTS) as outcomes:
                for number in range(DAMAGES):
                    _damage(whole, models / "rooms/2", files[number % len(files)])
                    refused += change(server, "POST", "/models/rooms/load") == REFUSED
                    shutil.rmtree(models / "rooms/2")
                _copy_slowly(whole, models / "rooms/2", files)
                before = outcomes.count
            with traffic(server, AllowedVersions(1, 2), clients=CLIENTS) as after:
                until(lambda: after.answered[2] > 0)
    yield Figure(name=f"{DAMAGES} damaged versions: answers meanwhile", value=before, unit="")
    yield Figure(name="not refused", value=DAMAGES - refused, unit="", at_most=0)
    wrong = len(outcomes.wrong) + len(outcomes.broken) + len(after.wrong)
    yield Figure(name="wrong or lost answers", value=wrong, unit="", at_most=0)


def _damage(whole: Path, folder: Path, name: str) -> None:
    """Copy a version with one file changed in a byte, cut off, or left out."""
    shutil.copytree(whole, folder)
    data = bytearray((folder / name).read_bytes())
    position = random.randrange(len(data))
    kind = random.choice(["changed", "cut off", "left out"])
    if kind == "left out" and name != "manifest.json":  # a folder without it is no version
        (folder / name).unlink()
        return
    if kind == "changed" and name != "manifest.json":  # a change of some of its bytes is harmless
        data[position] ^= 1 << random.randrange(8)
    else:
        del data[position:]
    (folder / name).write_bytes(data)


def _copy_slowly(whole: Path, folder: Path, files: list[str]) -> None:
    """Copy the manifest first and the other files in pieces, over several listings."""
    folder.mkdir()
    for name in sorted(files, key=lambda name: name != "manifest.json"):
        data = (whole / name).read_bytes()
        with (folder / name).open("wb") as stream:
            for start in range(0, len(data), len(data) // 4 + 1):
                time.sleep(0.5)
                stream.write(data[start : start + len(data) // 4 + 1])
                stream.flush()


def memory_over_reloads() -> Iterator[Figure]:
    """Measure memory before and after fifty reloads and a hundred thousand requests."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with _served(folder) as (server, models):
            for version in range(2, WARM_UP + 2):
                _reload(server, models, folder, version)
            _send_many(server, WARM_UP * REQUESTS // RELOADS)
            before = _resident_megabytes(server)
            for version in range(WARM_UP + 2, WARM_UP + RELOADS + 2):
                _reload(server, models, folder, version)
                _send_many(server, REQUESTS // RELOADS)
            after = _resident_megabytes(server)
    yield Figure(name="resident memory of the workers", value=before, unit="MB")
    yield Figure(
        name=f"its growth over {RELOADS} reloads, {REQUESTS} requests", value=after - before,
        unit="MB", at_most=0.05 * before,
    )  # fmt: skip


def _reload(server: Server, models: Path, folder: Path, version: int) -> None:
    publish_whole(models, version, staging=folder / "staging")
    change(server, "POST", "/models/rooms/load")


def _send_many(server: Server, count: int) -> None:
    threads = [threading.Thread(target=_send, args=(server, count // 4)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _send(server: Server, count: int) -> None:
    """Send requests on one connection, and read the answers as bytes: the client must be fast."""
    body = b'{"instances": [{"size": 1, "colour": "red"}]}'
    lines = [
        *("POST /models/rooms/predict HTTP/1.1", "Host: here", "Content-Type: application/json"),
        f"Content-Length: {len(body)}",
    ]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode() + body
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        for _ in range(count):
            connection.sendall(request)
            answer = connection.recv(2**16)
            while not answer.endswith(b"]}\n"):
                answer += connection.recv(2**16)
            if not answer.startswith(b"HTTP/1.1 200 "):
                raise RuntimeError(answer[:100])


def _resident_megabytes(server: Server) -> float:
    total = 0
    for worker in server.workers():
        for line in Path(f"/proc/{worker}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1])
    return total * 1024 / 1e6


def _kill(server: Server, killed: list[float]) -> None:
    for _ in range(KILLS):
        time.sleep(random.uniform(1.0, 1.5))
        killed.append(time.monotonic())
        os.kill(random.choice(server.workers()), signal.SIGKILL)


def change(server: Server, method: str, path: str) -> int:
    """Request a change until a worker answers that was not killed meanwhile."""
    while True:
        connection = server.connect()
        try:
            connection.request(method, path)
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            continue
        finally:
            connection.close()
        if response.status not in {http.HTTPStatus.OK, REFUSED}:
            raise RuntimeError(f"{path}: {response.status}")
        return response.status


@contextmanager
def _served(folder: Path) -> Iterator[tuple[Server, Path]]:
    models = folder / "models"
    publish_both(models)
    with serving(SERVICE_PYTHON, models=models, workers=WORKERS, log_level="ERROR") as server:
        yield server, models
