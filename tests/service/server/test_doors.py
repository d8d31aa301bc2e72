"""Who is let in by the real server, whose workers share keys and rates."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from service.keys import Key, hash_secret, make_secret, write_keys
from tests.bundles import write_table_bundle
from tests.fakes import picture, table
from tests.servers import ROOT, Server, serving, stopped
from tests.traffic import restart_workers, until

STROKES = "/models/strokes/predict"
SECRETS = {name: make_secret() for name in ("ana", "slow", "even", "ops", "later")}
KEYS = [
    Key(name="ana", sha256=hash_secret(SECRETS["ana"])),
    Key(name="slow", sha256=hash_secret(SECRETS["slow"]), rate=0.001, burst=12),
    Key(name="even", sha256=hash_secret(SECRETS["even"]), rate=0.001, burst=12),
    Key(name="ops", sha256=hash_secret(SECRETS["ops"]), role="manage"),
]


@pytest.fixture(scope="module")
def published(published: Path) -> Path:
    """A folder with two real bundles, one of them in two versions."""
    write_table_bundle(published, version=2)
    return published


@pytest.fixture(scope="module")
def key_file(published: Path) -> Path:
    """The key file of the server."""
    path = published.parent / f"{published.name}-keys.json"
    write_keys(path, KEYS)
    return path


@pytest.fixture(scope="module")
def server(published: Path, key_file: Path) -> Iterator[Server]:
    """A server of four workers that asks for keys."""
    with serving(models=published, workers=4, keys=key_file) as running:
        yield running


def ask(
    server: Server,
    name: str | None,
    method: str = "POST",
    path: str = STROKES,
    body: bytes | None = None,
) -> http.client.HTTPResponse:
    """Send one request, on a connection of its own, and read the whole answer."""
    headers = {} if name is None else {"Authorization": f"Bearer {SECRETS[name]}"}
    with closing(server.connect()) as connection:
        connection.request(method, path, picture() if body is None else body, headers)
        response = connection.getresponse()
        response.read()
        return response


def status(server: Server, name: str | None, method: str = "POST", path: str = STROKES) -> int:
    """Return the status of an answer."""
    return ask(server, name, method, path).status


def test_server_asks_for_keys_but_for_its_probes(server: Server) -> None:
    assert [status(server, None, "GET", path) for path in ("/livez", "/readyz", "/")] == [200] * 3
    assert [status(server, None, "GET", path) for path in ("/metrics", "/models")] == [401] * 2
    assert [status(server, None), status(server, "later"), status(server, "ana")] == [401, 401, 200]
    assert ask(server, None).headers["WWW-Authenticate"] == 'Bearer realm="vitrine"'


def test_body_of_a_stranger_is_not_waited_for(server: Server) -> None:
    head = (
        f"POST {STROKES} HTTP/1.1\r\nHost: here\r\nContent-Type: image/png\r\n"
        "Content-Length: 20000000\r\nExpect: 100-continue\r\n{}\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as stranger:
        stranger.sendall(head.format("").encode())
        refused = stranger.recv(2**16)
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as known:
        known.sendall(head.format(f"Authorization: Bearer {SECRETS['ana']}\r\n").encode())
        asked = known.recv(2**16)

    assert refused.startswith(b"HTTP/1.1 401 ")
    assert b"WWW-Authenticate: Bearer" in refused
    assert asked.startswith(b"HTTP/1.1 100 ")


def test_rate_holds_over_all_workers_and_both_ways(server: Server) -> None:
    def predict(number: int) -> int:
        path, body = (STROKES, picture()) if number % 2 else ("/models/rooms/predict", table(2))
        return ask(server, "slow", path=path, body=body).status

    with ThreadPoolExecutor(8) as pool:
        answers = Counter(pool.map(predict, range(40)))

    assert set(answers) == {200, 429}
    # Two workers may count one request where there were two, if both look in the same microsecond.
    assert 12 <= answers[200] <= 13


def test_killed_and_stopped_workers_neither_hang_nor_forget(server: Server) -> None:
    before = set(server.workers())
    first = [status(server, "even") for _ in range(6)]
    killed, halted = sorted(before)[:2]
    os.kill(killed, signal.SIGKILL)
    until(lambda: len(set(server.workers()) - before) == 1)
    with stopped(halted):
        rest = [status(server, "even") for _ in range(12)]

    assert first == [200] * 6
    assert rest == [200] * 6 + [429] * 6


def test_key_file_is_read_again_by_every_worker_without_a_restart(
    server: Server, key_file: Path
) -> None:
    workers = set(server.workers())
    added = Key(name="later", sha256=hash_secret(SECRETS["later"]))

    write_keys(key_file, [*KEYS, added])
    until(lambda: [status(server, "later") for _ in range(12)] == [200] * 12)
    write_keys(key_file, KEYS)
    until(lambda: [status(server, "later") for _ in range(12)] == [401] * 12)

    assert set(server.workers()) == workers


def test_last_good_keys_outlive_the_workers_that_have_read_them(
    server: Server, key_file: Path
) -> None:
    key_file.write_text("{")
    restart_workers(server, 4)

    answered = [status(server, name) for name in ("ana", "later") for _ in range(6)]

    write_keys(key_file, KEYS)
    assert answered == [200] * 6 + [401] * 6


def test_server_without_readable_keys_does_not_start(published: Path, tmp_path: Path) -> None:
    environment = {"VITRINE_MODELS": str(published), "VITRINE_KEYS": str(tmp_path / "none.json")}
    command = [sys.executable, "-m", "service", "serve"]

    ended = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )

    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith("The key file ")


def test_no_request_makes_the_server_connect_to_anybody(server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.setblocking(False)
        url = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/picture.png"
        instances = [url, {"url": url}, {"b64": url}, {"uri": url}, f"data:{url}", f"@{url}"]
        bodies = [
            *(
                (json.dumps({"instances": [each]}).encode(), "application/json")
                for each in instances
            ),
            (f"image={url}".encode(), "application/x-www-form-urlencoded"),
            (url.encode(), "text/plain"),
            (f'<svg><image href="{url}"/></svg>'.encode(), "image/svg+xml"),
        ]
        statuses = [predicted(server, body, kind) for body, kind in bodies]
        change = json.dumps({"source": url, "models": url}).encode()
        statuses.append(ask(server, "ops", "PATCH", "/models/rooms", change).status)

        with pytest.raises(BlockingIOError):
            elsewhere.accept()

    assert all(400 <= status < 500 for status in statuses), statuses


def predicted(server: Server, body: bytes, kind: str) -> int:
    """Ask for a prediction on a body that has addresses in it, and in its headers."""
    headers = {
        "Authorization": f"Bearer {SECRETS['ana']}",
        "Content-Type": kind,
        "Content-Location": "http://127.0.0.1:1/",
        "Referer": "http://127.0.0.1:1/",
    }
    with closing(server.connect()) as connection:
        connection.request("POST", STROKES, body, headers)
        return connection.getresponse().status


def test_metrics_name_keys(server: Server) -> None:
    status(server, "ana")
    until(lambda: b'vitrine_key_requests_total{key="ana",status="200"}' in metrics(server))

    assert b"vitrine_rejected_total" in metrics(server)
    assert not any(secret.encode() in metrics(server) for secret in SECRETS.values())


def metrics(server: Server) -> bytes:
    """Return the metrics of all workers."""
    with closing(server.connect()) as connection:
        headers = {"Authorization": f"Bearer {SECRETS['ana']}"}
        connection.request("GET", "/metrics", headers=headers)
        return connection.getresponse().read()


@pytest.mark.parametrize(("name", "expected"), [("ana", 403), (None, 401), ("ops", 200)])
def test_management_takes_a_management_key(server: Server, name: str | None, expected: int) -> None:
    assert status(server, name, "POST", "/models/rooms/rollback") == expected


# Run in a network namespace, where another address than that of the loopback can be given.
_MANAGE_FROM_TWO_ADDRESSES = """
import http.client, subprocess
from tests.servers import serving

subprocess.run("ip link set lo up; ip addr add 198.51.100.7/32 dev lo", shell=True, check=True)
with serving(models={models!r}, workers=1, host="0.0.0.0") as server:
    for address in ("198.51.100.7", "127.0.0.1"):
        connection = http.client.HTTPConnection(address, server.port, source_address=(address, 0))
        connection.request("POST", "/models/rooms/rollback", headers={{"Host": "127.0.0.1"}})
        print("answered", connection.getresponse().status)
"""
_NAMESPACE = ["unshare", "--map-root-user", "--net"]


@pytest.mark.skipif(
    subprocess.run([*_NAMESPACE, "true"], capture_output=True, check=False).returncode != 0,
    reason="This machine allows no network namespaces.",
)
def test_management_without_keys_is_refused_from_another_address(published: Path) -> None:
    program = _MANAGE_FROM_TWO_ADDRESSES.format(models=str(published))

    output = subprocess.check_output(
        [*_NAMESPACE, sys.executable, "-c", program], cwd=ROOT, text=True
    )

    answered = [line for line in output.splitlines() if line.startswith("answered")]
    assert answered == ["answered 403", "answered 200"]
