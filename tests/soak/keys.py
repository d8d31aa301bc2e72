"""API keys: is a rate kept over all workers, and does the time of a wrong key tell anything?"""

import json
import socket
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.servers.client import ANSWERED, STATUS, WRONG, Lane
from benchmarks.servers.load import Load
from service.keys import hash_secret, make_secret
from tests.servers import NOWHERE, serving
from tests.soak.attacks import bodies
from tests.soak.figures import Figure
from tests.soak.footprint import SERVICE_PYTHON

WORKERS = 4
RATES = (10.0, 50.0, 200.0)
# Each key asks for so many times what it may.
TIMES = 3
SECONDS = 15
TRIES = 10_000
_SETTLING_SECONDS = 2.0
_MOST_OFF = 0.05


def rates_and_times() -> Iterator[Figure]:
    """Ask more often than keys may over four workers, then with keys that are nearly right."""
    secrets = {rate: make_secret() for rate in RATES}
    right = make_secret()
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "keys.json"
        _write(file, secrets, right)
        with serving(SERVICE_PYTHON, workers=WORKERS, keys=file, log=NOWHERE) as server:
            yield from _rates(server.port, secrets)
            yield from _times(server.port, right)


def _write(file: Path, secrets: dict[float, str], right: str) -> None:
    limited = [
        {"name": f"rate-{rate:g}", "sha256": hash_secret(secret), "rate": rate}
        for rate, secret in secrets.items()
    ]
    file.write_text(
        json.dumps({"keys": [*limited, {"name": "free", "sha256": hash_secret(right)}]})
    )
    file.chmod(0o600)


def _rates(port: int, secrets: dict[float, str]) -> Iterator[Figure]:
    lanes = [
        Lane(
            name=f"{rate:g}",
            request=_with_key(bodies.houses(1), secret).decode("latin-1"),
            rate=TIMES * rate,
            is_random=True,
            reuse=False,
        )
        for rate, secret in secrets.items()
    ]
    with Load(port, lanes) as load:
        time.sleep(_SETTLING_SECONDS)
        begun = time.monotonic()
        time.sleep(SECONDS)
        ended = time.monotonic()
        answers = load.stop().finished_between(begun, ended)
    for rate in secrets:
        asked = answers.of(f"{rate:g}")
        allowed = asked.answered / (ended - begun)
        name = f"keys, {rate:g}/s over {WORKERS} workers"
        yield Figure(
            name=f"{name}: off the rate",
            value=abs(allowed / rate - 1),
            unit="of it",
            at_most=_MOST_OFF,
        )
        refused = asked.with_outcome(STATUS)
        others = [each for each in refused if each.status != 429 or each.retry_after is None]
        odd = len(others) + len(asked) - asked.count(ANSWERED) - len(refused)
        yield Figure(name=f"{name}: neither 200 nor 429", value=odd, unit="", at_most=0)
        yield Figure(name=f"{name}: wrong", value=asked.count(WRONG), unit="", at_most=0)


def _with_key(request: bytes, secret: str) -> bytes:
    return request.replace(b"\r\n", f"\r\nAuthorization: Bearer {secret}\r\n".encode(), 1)


def _times(port: int, right: str) -> Iterator[Figure]:
    """Time wrong keys that share nothing, half, and all but one character with the right one."""
    wrong = {"nothing": _differing(right, 0), "half": _differing(right, len(right) // 2),
             "all but one": _differing(right, len(right) - 1)}  # fmt: skip
    requests = [
        f"GET /models HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {secret}\r\n\r\n".encode()
        for secret in wrong.values()
    ]
    times: list[list[float]] = [[] for _ in requests]
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for turn in range(TRIES):
            for place in range(len(requests)):
                # In another order each time, so that none always follows the same one.
                index = (place + turn) % len(requests)
                times[index].append(_time(connection, requests[index]))
    medians = [statistics.median(each) * 1e6 for each in times]
    for shared, microseconds in zip(wrong, medians, strict=True):
        yield Figure(name=f"wrong key, {shared} shared: median", value=microseconds, unit="µs")
    spread = (max(medians) - min(medians)) / min(medians)
    yield Figure(name="their spread", value=spread, unit="of it", at_most=0.02)


def _differing(secret: str, shared: int) -> str:
    """Return a key of the same length of which so many characters are those of another."""
    return secret[:shared] + "".join("x" if each != "x" else "y" for each in secret[shared:])


def _time(connection: socket.socket, request: bytes) -> float:
    started = time.perf_counter()
    connection.sendall(request)
    answer = connection.recv(2**16)
    seconds = time.perf_counter() - started
    if not answer.startswith(b"HTTP/1.1 401 "):
        raise RuntimeError(answer[:100])
    while not answer.endswith((b"}", b"}\n")):
        answer += connection.recv(2**16)
    return seconds
