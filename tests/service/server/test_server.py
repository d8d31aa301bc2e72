"""The real server: gunicorn over sockets, with tiny bundles."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.arrow_tables import arrow
from tests.fakes import picture, table
from tests.servers import ROOT, Server, serving, stopped
from tests.traffic import until
from vitrine.bundle import ONNX_NAME

STROKES = "/models/strokes/predict"
ROOMS = "/models/rooms/predict"
TIMEOUT_SECONDS = 60
MAX_BODY_BYTES = 100_000
# Several record batches, each smaller than a body may be at most.
MANY_BATCHES = arrow(
    {"size": [row % 1000 for row in range(200_000)], "colour": ["red"] * 200_000},
    max_chunksize=2000,
)
SERVE = [sys.executable, "-m", "service", "serve"]


@pytest.fixture(scope="module")
def server(published: Path) -> Iterator[Server]:
    """A server of two workers that waits one second for a silent client."""
    with serving(
        models=published,
        workers=2,
        threads=4,
        max_body_bytes=MAX_BODY_BYTES,
        body_timeout_seconds=1,
    ) as running:
        yield running


def connect(server: Server) -> socket.socket:
    """Open a bare connection."""
    return socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT_SECONDS)


def head(path: str, *lines: str, version: str = "1.1", method: str = "POST") -> bytes:
    """Return the head of a request."""
    first = [f"{method} {path} HTTP/{version}", "Host: here", *lines]
    return ("\r\n".join(first) + "\r\n\r\n").encode()


def receive(connection: socket.socket) -> bytes:
    """Read until the server closes."""
    received = b""
    while piece := connection.recv(2**16):
        received += piece
    return received


def request(
    server: Server, method: str, path: str, body: bytes | None = None, kind: str = "text/csv"
) -> tuple[int, bytes]:
    """Send one request on a connection of its own, the whole body before reading."""
    with closing(server.connect()) as connection:
        connection.request(method, path, body, {"Content-Type": kind} if body else {})
        response = connection.getresponse()
        return response.status, response.read()


def metric(server: Server, sample: str) -> float:
    """Return one number of /metrics."""
    _, body = request(server, "GET", "/metrics")
    found = re.search(rf"^{re.escape(sample)} (\S+)$", body.decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


def settled(server: Server, sample: str, expected: float) -> float:
    """Return one number of /metrics; a request is counted a moment after its answer has left."""
    found = 0.0
    for _ in range(100):
        found = metric(server, sample)
        if found == expected:
            break
    return found


def test_picture_and_rows_are_answered(server: Server) -> None:
    status, body = request(server, "POST", STROKES, picture(), "image/png")
    assert (status, json.loads(body)["predictions"][0]["label"]) == (200, "left")

    status, body = request(server, "POST", ROOMS, b"size,colour\n1,red\n")
    assert (status, body) == (200, b"prediction,warnings\n13.0,\n")


def test_connection_is_kept_after_answers_and_refusals(server: Server) -> None:
    with closing(server.connect()) as connection:
        connection.connect()
        kept = connection.sock
        for path in (STROKES, ROOMS, "/nowhere", STROKES):
            connection.request("POST", path, picture(), {"Content-Type": "image/png"})
            connection.getresponse().read()

        assert connection.sock is kept


@pytest.mark.parametrize("path", [STROKES, "/nowhere", "/livez"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_client_that_sends_too_much_still_reads_why(
    server: Server, path: str, framing: str
) -> None:
    size = 40 * MAX_BODY_BYTES
    with closing(server.connect()) as connection:
        if framing == "length":
            connection.request("POST", path, b"x" * size, {"Content-Type": "image/png"})
        else:
            pieces = (b"x" * 1000 for _ in range(size // 1000))
            headers = {"Content-Type": "image/png", "Transfer-Encoding": "chunked"}
            connection.request("POST", path, pieces, headers, encode_chunked=True)
        response = connection.getresponse()
        problem = json.loads(response.read())

    assert response.status == problem["status"]
    assert response.status == {STROKES: 413, "/nowhere": 404, "/livez": 405}[path]


def test_body_of_chunks_is_read(server: Server) -> None:
    with closing(server.connect()) as connection:
        pieces = iter([b"size,col", b"our\n1,r", b"ed\n"])
        headers = {"Content-Type": "text/csv", "Transfer-Encoding": "chunked"}
        connection.request("POST", ROOMS, pieces, headers, encode_chunked=True)

        assert connection.getresponse().read() == b"prediction,warnings\n13.0,\n"


@pytest.mark.parametrize("chunk", [b"zz\r\n", b"5\r\nabcdeX", b"-1\r\n", b"5;a=\x00\r\nabcde\r\n"])
def test_body_of_bad_chunks_is_refused(server: Server, chunk: bytes) -> None:
    lines = ("Content-Type: image/png", "Transfer-Encoding: chunked")
    with closing(connect(server)) as connection:
        connection.sendall(head(STROKES, *lines) + chunk + b"\r\n")

        received = receive(connection)

    assert received.startswith(b"HTTP/1.1 400 ")
    assert b"/problems/malformed-body" in received


def test_body_is_asked_for_with_continue(server: Server) -> None:
    body = picture()
    lines = ("Content-Type: image/png", f"Content-Length: {len(body)}", "Expect: 100-continue")
    with closing(connect(server)) as connection:
        connection.sendall(head(STROKES, *lines))
        interim = connection.recv(2**16)
        connection.sendall(body)
        final = connection.recv(2**16)

    assert interim.startswith(b"HTTP/1.1 100 ")
    assert final.startswith(b"HTTP/1.1 200 ")


def test_old_client_is_answered_without_chunks(server: Server) -> None:
    body = b"size,colour\n1,red\n"
    lines = ("Content-Type: text/csv", f"Content-Length: {len(body)}")
    with closing(connect(server)) as connection:
        connection.sendall(head(ROOMS, *lines, version="1.0") + body)

        answer_head, _, rows = receive(connection).partition(b"\r\n\r\n")

    assert b"chunked" not in answer_head
    assert rows == b"prediction,warnings\n13.0,\n"


@pytest.mark.parametrize("sent", [0, 20])
def test_half_sent_body_is_refused_in_time(server: Server, sent: int) -> None:
    lines = ("Content-Type: image/png", "Content-Length: 1000")
    with closing(connect(server)) as connection:
        connection.sendall(head(STROKES, *lines) + picture()[:sent])

        received = receive(connection)

    assert received.startswith(b"HTTP/1.1 408 ")
    assert b"/problems/body-timeout" in received


def test_body_whose_client_stops_is_not_taken_for_whole(server: Server) -> None:
    body = b"size,colour\n1,red\n"
    lines = ("Content-Type: text/csv", f"Content-Length: {len(body) + 1}")
    with closing(connect(server)) as connection:
        connection.sendall(head(ROOMS, *lines) + body)
        connection.shutdown(socket.SHUT_WR)

        received = receive(connection)

    assert b"HTTP/1.1 400 " in received
    assert b"13.0" not in received


def test_later_fault_breaks_the_answer_off(server: Server) -> None:
    body = table(50_000, bad=[49_999])
    lines = ("Content-Type: text/csv", f"Content-Length: {len(body)}")
    with closing(connect(server)) as connection:
        connection.sendall(head(ROOMS, *lines) + body)

        received = receive(connection)

    assert received.startswith(b"HTTP/1.1 200 ")
    assert b"\n#error," in received
    assert not received.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("accept", ["text/csv", "application/json"])
def test_client_library_sees_that_the_answer_is_broken(server: Server, accept: str) -> None:
    headers = {"Content-Type": "text/csv", "Accept": accept}
    with closing(server.connect()) as connection:
        connection.request("POST", ROOMS, table(300_000, bad=[20_000]), headers)
        response = connection.getresponse()

        with pytest.raises(http.client.IncompleteRead):
            response.read()


def test_client_that_reads_only_after_sending_is_answered_whole(server: Server) -> None:
    rows = 400_000
    body = table(rows)
    lines = ("Content-Type: text/csv", f"Content-Length: {len(body)}")
    with closing(socket.socket()) as connection:
        # A small buffer, so that the answer would block the server where it does not spool it.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(TIMEOUT_SECONDS)
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(head(f"{ROOMS}?echo=true", *lines) + body)
        response = http.client.HTTPResponse(connection)
        response.begin()

        received = response.read()

    assert received.count(b"\n") == rows + 1
    assert received.endswith(b"999,red,9993.0,\n")


@pytest.mark.parametrize(
    ("body", "media_type"),
    [(table(200_000), "text/csv"), (MANY_BATCHES, "application/vnd.apache.arrow.stream")],
    ids=["CSV", "Arrow"],
)
def test_client_that_reads_while_sending_is_answered_meanwhile(
    server: Server, body: bytes, media_type: str
) -> None:
    half = len(body) // 2
    lines = (f"Content-Type: {media_type}", f"Content-Length: {len(body)}")
    with closing(connect(server)) as connection:
        connection.sendall(head(ROOMS, *lines) + body[:half])
        first = connection.recv(2**16)
        connection.sendall(body[half:])

    assert first.startswith(b"HTTP/1.1 200 ")


def test_client_that_never_reads_does_not_keep_a_thread(published: Path) -> None:
    body = table(1_000_000)
    lines = ("Content-Type: text/csv", f"Content-Length: {len(body)}")
    with (
        serving(models=published, workers=1, threads=1, body_timeout_seconds=0.5) as server,
        closing(socket.socket()) as connection,
    ):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(head(f"{ROOMS}?echo=true", *lines) + body)

        assert request(server, "POST", ROOMS, b"size,colour\n1,red\n")[0] == 200


def test_metrics_are_summed_over_the_workers(server: Server) -> None:
    sample = 'vitrine_requests_total{method="GET",route="/livez",status="200"}'
    before = metric(server, sample)

    for worker in server.workers():
        with stopped(worker):  # the other one answers
            for _ in range(5):
                request(server, "GET", "/livez")

    assert settled(server, sample, before + 10) == before + 10
    assert metric(server, 'vitrine_models{model="rooms",version="1"}') == 1


def test_connections_and_bodies_that_wait_are_shown(server: Server) -> None:
    # Not those of others who have just left: the one that asks, at most.
    until(lambda: metric(server, "vitrine_connections") <= 1)
    with connect(server) as sending, connect(server), connect(server):
        sending.sendall(head(STROKES, "Content-Length: 5000", "Content-Type: image/png"))
        sending.sendall(b"x" * 4000)

        until(lambda: metric(server, "vitrine_connections") >= 3)
        until(lambda: metric(server, "vitrine_body_memory_bytes") >= 4000)

    assert metric(server, "vitrine_max_connections") == 2 * 4096
    until(lambda: metric(server, "vitrine_body_memory_bytes") == 0)


def test_metrics_of_a_killed_worker_are_kept(published: Path) -> None:
    sample = 'vitrine_requests_total{method="GET",route="/models",status="200"}'
    with serving(models=published, workers=1) as server:
        for number in range(1, 4):
            (worker,) = server.workers()
            assert request(server, "GET", "/models")[0] == 200
            assert settled(server, sample, number) == number
            os.kill(worker, signal.SIGKILL)
            # Waits in the listening socket until there is a worker again.
            assert metric(server, sample) == number


def environment(port: int, **settings: object) -> dict[str, str]:
    """Return the environment of a server that is started by hand."""
    given = {"port": port, **settings}
    return {
        "PATH": os.environ["PATH"],
        **{f"VITRINE_{name.upper()}": str(value) for name, value in given.items()},
    }


@pytest.fixture
def port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found


def started(command: list[str], port: int, **settings: object) -> "subprocess.Popen[str]":
    """Start a server by hand, and wait until it answers."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(port, **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            continue
        return process
    raise AssertionError(process.communicate())


def ready(connection: http.client.HTTPConnection) -> tuple[int, str]:
    """Ask whether the worker behind a connection is ready."""
    connection.request("GET", "/readyz")
    response = connection.getresponse()
    return response.status, json.loads(response.read())["status"]


def test_worker_leaves_the_keyboard_to_its_parent(server: Server) -> None:
    for worker in server.workers():
        status = Path(f"/proc/{worker}/status").read_text()
        ignored = re.search(r"^SigIgn:\s*([0-9a-f]+)$", status, re.MULTILINE)

        assert ignored is not None
        assert int(ignored[1], 16) >> (signal.SIGINT - 1) & 1


def test_server_told_to_stop_is_not_ready_and_exits_cleanly(published: Path, port: int) -> None:
    process = started(SERVE, port, models=published)
    running = Server(port, process.pid, 0.0)
    with closing(running.connect()) as connection:
        answers = [ready(connection)]
        process.terminate()
        while answers[-1] == (200, "ready"):
            answers.append(ready(connection))

    output, errors = process.communicate(timeout=TIMEOUT_SECONDS)
    assert answers[0] == (200, "ready")
    assert answers[-1] == (503, "draining")
    assert process.returncode == 0
    assert errors == ""
    assert output


def test_every_line_of_the_log_is_json(published: Path, port: int) -> None:
    process = started(SERVE, port, models=published)
    running = Server(port, process.pid, 0.0)

    request(running, "POST", STROKES, picture(), "image/png")
    with closing(connect(running)) as connection:
        connection.sendall(b"no HTTP at all\r\n\r\n")
        receive(connection)
    process.terminate()
    output, errors = process.communicate(timeout=TIMEOUT_SECONDS)

    lines = [json.loads(line) for line in output.splitlines()]
    requested = [line for line in lines if line["logger"] == "service.access"]
    # In any order: an answer is sent before its line is written.
    assert {(line["route"], line["status"]) for line in requested} == {
        ("/models/<name>/predict", 200),
        ("unmatched", 400),
    }
    assert len(requested) == 2
    assert {"gunicorn.error"} <= {line["logger"] for line in lines}
    assert errors == ""


def test_every_answered_request_has_its_line_when_the_server_was_stopped(
    published: Path, port: int
) -> None:
    process = started(SERVE, port, models=published, workers=2, threads=4)
    running = Server(port, process.pid, 0.0)
    answered: list[str] = []

    def ask() -> None:
        with closing(running.connect()) as connection:
            while True:
                try:
                    connection.request("GET", "/models")
                    response = connection.getresponse()
                    response.read()
                except (OSError, http.client.HTTPException):
                    return
                answered.append(response.headers["X-Request-Id"])

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    while len(answered) < 200:
        threading.Event().wait(0.01)
    process.terminate()
    output, errors = process.communicate(timeout=TIMEOUT_SECONDS)
    for client in clients:
        client.join()

    logged = {json.loads(line).get("request_id") for line in output.splitlines()}
    assert set(answered) <= logged
    assert errors == ""


def test_log_that_nobody_reads_stops_no_request(published: Path, port: int) -> None:
    process = started(SERVE, port, models=published, workers=1)
    running = Server(port, process.pid, 0.0)

    # A pipe takes 64 KiB.
    with closing(running.connect()) as connection:
        for number in range(400):
            connection.request("GET", "/models", headers={"X-Request-Id": f"{number:x>50}"})
            connection.getresponse().read()

    process.terminate()
    output, _ = process.communicate(timeout=TIMEOUT_SECONDS)
    assert sum("xxx" in line for line in output.splitlines()) == 400


def test_refusals_that_were_not_logged_are_summed_up_at_the_end(published: Path, port: int) -> None:
    process = started(SERVE, port, models=published, workers=1)
    with closing(Server(port, process.pid, 0.0).connect()) as connection:
        for _ in range(50):
            connection.request("GET", "/nowhere")
            connection.getresponse().read()

    process.terminate()
    output, _ = process.communicate(timeout=TIMEOUT_SECONDS)
    lines = [json.loads(line) for line in output.splitlines()]
    refused = [line for line in lines if line.get("status") == 404 and "request_id" in line]
    left_out = [line["lines"] for line in lines if line["message"] == "requests not logged"]
    assert len(refused) + sum(left_out) == 50
    assert left_out


def test_server_without_our_configuration_serves_too(
    published: Path, port: int, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.py"
    empty.touch()
    server = [sys.executable, "-m", "gunicorn", "--config", str(empty)]
    command = [*server, "--bind", f"127.0.0.1:{port}", "service.wsgi:app"]
    process = started(command, port, models=published)

    status, _ = request(Server(port, process.pid, 0.0), "POST", STROKES, picture(), "image/png")
    process.terminate()
    process.communicate(timeout=TIMEOUT_SECONDS)

    assert status == 200


def refused(port: int, *, command: Sequence[str] = SERVE, **settings: object) -> str:
    """Start a server that cannot start, and return its only line of complaint."""
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env=environment(port, **settings),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert ended.returncode != 0
    assert "Traceback" not in ended.stdout + ended.stderr
    (line,) = ended.stderr.splitlines()
    return line


def test_unknown_or_bad_setting_ends_the_start(port: int) -> None:
    assert "VITRINE_THREADS" in refused(port, treads=3)
    assert "VITRINE_WORKERS must be at least 1" in refused(port, workers=0)


def test_models_that_cannot_be_loaded_end_the_server(models: Path, port: int) -> None:
    assert "cannot be read" in refused(port, models=models / "nowhere")

    (models / "rooms/1" / ONNX_NAME).write_bytes(b"something else")

    assert "does not have the bytes" in refused(port, models=models, workers=3)


def test_lack_of_room_for_the_metrics_ends_the_start(models: Path, port: int) -> None:
    little = 2**17 - 1  # bytes that any one file may have

    line = refused(port, command=["prlimit", f"--fsize={little}", *SERVE], models=models)

    assert line == "The folder of the metrics cannot be written: File too large."


def test_unwritable_state_ends_the_start(models: Path, port: int, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    line = refused(port, models=models, state=tmp_path / "file")

    assert line == "The folder of the state cannot be written: Not a directory."


def test_taken_port_ends_the_start(models: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        line = refused(port, models=models)

    assert line == f"Cannot listen on 127.0.0.1 port {port}: Address already in use."


def test_unwritable_folder_of_metrics_ends_the_start(models: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ended = subprocess.run(
        SERVE,
        cwd=ROOT,
        env={**environment(port, models=models), "PROMETHEUS_MULTIPROC_DIR": str(file)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )

    assert ended.returncode != 0
    assert ended.stderr.count("\n") == 1
    assert "The folder of the metrics cannot be written" in ended.stderr
