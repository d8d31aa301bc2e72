"""Clients that are slow, silent or never leave, met by a real server with two threads."""

import contextlib
import http.client
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from service.server.sharing import refuse_connections
from tests.servers import ROOT, Server, serving

STROKES = "/models/strokes/predict"
ROOMS = "/models/rooms/predict"
ROWS = b"size,colour\n1,red\n"
ANSWER = b"prediction,warnings\n13.0,\n"
PATIENCE_SECONDS = 30
MANY = 20
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: here\r\n\r\n"


@pytest.fixture(scope="module")
def server(published: Path) -> Iterator[Server]:
    """A server of one worker with two threads, that waits for silent clients as long as a test."""
    with serving(
        models=published,
        workers=1,
        threads=2,
        streams=2,
        body_timeout_seconds=2 * PATIENCE_SECONDS,
    ) as running:
        yield running


@pytest.fixture(scope="module")
def impatient(published: Path) -> Iterator[Server]:
    """A server of one worker with two threads, that waits half a second for silent clients."""
    with serving(
        models=published, workers=1, threads=2, body_timeout_seconds=0.5, transfer_seconds=1.5
    ) as running:
        yield running


def connect(server: Server) -> socket.socket:
    """Open a bare connection."""
    return socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_SECONDS)


def post(path: str, body: bytes, *lines: str) -> bytes:
    """Return a request with a body of announced length."""
    first = [f"POST {path} HTTP/1.1", "Host: here", f"Content-Length: {len(body)}", *lines]
    return ("\r\n".join(first) + "\r\n\r\n").encode() + body


CHUNKED = b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"
CSV_REQUEST = post(ROOMS, ROWS, "Content-Type: text/csv")
LAST_REQUEST = post(ROOMS, ROWS, "Content-Type: text/csv", "Connection: close")


def receive(connection: socket.socket) -> bytes:
    """Read until the server closes."""
    received = b""
    while piece := connection.recv(2**16):
        received += piece
    return received


def receive_one(connection: socket.socket) -> tuple[http.client.HTTPResponse, bytes]:
    """Read one answer, and leave the connection open."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response, response.read()


def status(connection: socket.socket) -> int:
    """Read one answer, and return its status."""
    return receive_one(connection)[0].status


def assert_serves(server: Server) -> None:
    """Ask for a prediction and for a probe."""
    with closing(connect(server)) as connection:
        connection.sendall(CSV_REQUEST)
        assert receive_one(connection)[1] == ANSWER
        connection.sendall(LIVEZ)
        assert status(connection) == 200


@contextmanager
def many(server: Server, sent: bytes) -> Iterator[list[socket.socket]]:
    """Open more connections than there are threads, and send the same on each."""
    with ExitStack() as stack:
        connections = [stack.enter_context(connect(server)) for _ in range(MANY)]
        for connection in connections:
            connection.sendall(sent)
        yield connections


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /models/ro",
        CSV_REQUEST[:-5],
        post(STROKES, bytes(10**6))[:10_000],
        b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nsize,\r\n",
    ],
    ids=["nothing", "half a head", "half a body", "some of a large body", "a chunk"],
)
def test_unfinished_requests_take_no_threads(server: Server, sent: bytes) -> None:
    with many(server, sent):
        assert_serves(server)


def test_slow_tables_keep_nobody_waiting(server: Server) -> None:
    rows = b"size,colour\n" + b"1,red\n" * 100_000
    with many(server, post(ROOMS, rows + rows, "Content-Type: text/csv")[: len(rows)]):
        for _ in range(3):
            assert_serves(server)


def test_bodies_beyond_the_memory_wait_in_a_file_and_beyond_the_file_are_refused(
    published: Path,
) -> None:
    rows = b"size,colour\n" + b"1,red\n" * 100_000
    with (
        serving(
            models=published,
            workers=1,
            threads=2,
            body_memory_bytes=2**17,
            body_disk_bytes=2**20,
        ) as server,
        closing(connect(server)) as connection,
    ):
        connection.sendall(post(ROOMS, rows, "Content-Type: text/plain"))
        assert receive_one(connection)[1].count(b"13.0") == 100_000
        connection.sendall(post(ROOMS, rows * 3, "Content-Type: text/plain"))
        response, problem = receive_one(connection)
        assert response.status == 503
        assert response.getheader("Retry-After") == "1"
        assert json.loads(problem)["type"] == "/problems/out-of-memory"
        connection.sendall(CSV_REQUEST)
        assert receive_one(connection)[1] == ANSWER


def test_unfinished_next_requests_take_no_threads(server: Server) -> None:
    with many(server, LIVEZ + CSV_REQUEST[:-5]) as connections:
        assert {status(connection) for connection in connections} == {200}
        assert_serves(server)
        for connection in connections:
            connection.sendall(CSV_REQUEST[-5:])
            assert receive_one(connection)[1] == ANSWER


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "Script-Name"])
def test_client_cannot_move_the_service_to_another_path(server: Server, name: str) -> None:
    with closing(connect(server)) as connection:
        connection.sendall(
            f"GET /models HTTP/1.1\r\nHost: here\r\n{name}: /models\r\n\r\n".encode()
        )

        assert status(connection) == 200


def test_full_worker_closes_who_is_silent_for_longest(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUNICORN_CMD_ARGS", f"--worker-connections {MANY}")
    with (
        serving(models=published, workers=1, threads=2) as server,
        many(server, b"") as silent,
        many(server, CSV_REQUEST[:-5]) as sending,
    ):
        assert_serves(server)

        assert {connection.recv(1) for connection in silent} == {b""}
        sending[-1].sendall(CSV_REQUEST[-5:])
        assert receive_one(sending[-1])[1] == ANSWER


def test_clients_that_never_leave_hold_up_nobody(server: Server) -> None:
    goodbye = LIVEZ.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with many(server, goodbye) as connections:
        started = time.monotonic()
        assert {status(connection) for connection in connections} == {200}
        assert_serves(server)
        # Waiting for each in turn would take two seconds a client.
        assert time.monotonic() - started < MANY


def test_client_sending_on_after_its_last_answer_still_reads_it(server: Server) -> None:
    with closing(connect(server)) as connection:
        connection.sendall(b"GET /livez HTTP/1.0\r\n\r\n" + bytes(100_000))

        assert receive(connection).startswith(b"HTTP/1.0 200 ")
        for _ in range(3):
            connection.sendall(b"not a broken pipe")


def test_pipelined_requests_are_answered_in_turn(server: Server) -> None:
    with closing(connect(server)) as connection:
        connection.sendall(CSV_REQUEST * 3 + LIVEZ + LAST_REQUEST)

        received = receive(connection)

    assert received.count(b"HTTP/1.1 200 OK") == 5
    assert received.count(b"13.0") == 4


def test_request_sent_byte_by_byte_is_answered(server: Server) -> None:
    with closing(connect(server)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in CSV_REQUEST:
            connection.sendall(bytes([byte]))

        assert receive_one(connection)[1] == ANSWER


def test_chunks_in_pieces_are_answered_with_the_next_request(server: Server) -> None:
    lines = ["Host: here", "Content-Type: text/csv", "Transfer-Encoding: chunked"]
    head = "\r\n".join([f"POST {ROOMS} HTTP/1.1", *lines, "", ""]).encode()
    body = b"8;a=b\r\nsize,col\r\n00a\r\nour\n1,red\n\r\n0\r\nChecked: yes\r\n\r\n"
    sent = head + body + LAST_REQUEST
    with closing(connect(server)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(sent), 7):
            connection.sendall(sent[start : start + 7])

        assert receive(connection).count(b"13.0") == 2


@pytest.mark.parametrize("already", [0, 5])
def test_continue_is_said_before_the_body(server: Server, already: int) -> None:
    request = post(ROOMS, ROWS, "Content-Type: text/csv", "Expect: 100-continue")
    held = len(ROWS) - already
    with closing(connect(server)) as connection:
        connection.sendall(request[:-held])
        assert connection.recv(2**16) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(request[-held:])

        assert receive_one(connection)[1] == ANSWER


def test_large_body_is_read_by_a_thread(server: Server) -> None:
    rows = 200_000
    body = b"size,colour\n" + b"1,red\n" * rows
    half = len(body) // 2
    with closing(connect(server)) as connection:
        connection.sendall(post(ROOMS, body, "Content-Type: text/csv")[:-half])
        assert connection.recv(8, socket.MSG_PEEK) == b"HTTP/1.1"
        connection.sendall(body[-half:])

        assert receive_one(connection)[1].count(b"13.0") == rows


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"GET / HTTP/1.1\nHost: here\n\n", 400),
        (b"\r\n\r\n", 400),
        (b"GET /" + b"a" * 40_000, 414),
        (b"GET / HTTP/1.1\r\n" + b"A: a\r\n" * 10_000, 431),
        (post(ROOMS, b"", "Content-Length: 7"), 400),
        (post(ROOMS, b"", "Transfer-Encoding: chunked"), 400),
        (LIVEZ[:-2] + b"Content-Length: -1\r\n\r\n", 400),
        (LIVEZ[:-2] + b"Transfer-Encoding: gzip\r\n\r\n", 400),
        (b"GET /livez HTTP/1.1\r\n\r\n", 400),
        (b"GET /livez HTTP/1.1\r\nHost: here\r\nHost: here\r\n\r\n", 400),
        (LIVEZ.replace(b"1.1", b"2.0"), 505),
        (b"\x16\x03\x01\x01\x00" + b"\x01" * 200, 400),
        (CHUNKED + b"fffffffffffffffff\r\n", 400),
        (CHUNKED + b"5\n", 400),
        (CHUNKED + b"1\r\na\r\n" * 20_000, 400),
        (CHUNKED + b"5;" + b"a" * 70_000, 400),
        (post(STROKES, b"")[:-5] + b"33554433\r\nContent-Type: image/png\r\n\r\n", 413),
    ],
    ids=[
        *("lines", "empty", "address", "fields", "lengths", "both", "negative", "coding"),
        *("no host", "two hosts", "version", "encrypted", "overflow", "chunk line", "tiny chunks"),
        *("extension", "announced"),
    ],
)
def test_what_is_no_request_is_refused_at_once(server: Server, sent: bytes, expected: int) -> None:
    with closing(connect(server)) as connection:
        connection.sendall(sent)

        response, body = receive_one(connection)

    assert response.status == expected
    assert response.getheader("Content-Type") == "application/problem+json"
    assert response.getheader("X-Request-Id") == json.loads(body)["instance"]


@pytest.mark.parametrize("path", ["/livez", "/readyz/", "/metrics"])
def test_probes_are_answered_when_every_thread_is_taken(server: Server, path: str) -> None:
    rows = b"size,colour\n" + b"1,red\n" * 500_000
    request = post(f"{ROOMS}?echo=true", rows, "Content-Type: text/csv")
    with contextlib.ExitStack() as stack:
        for _ in range(3):  # readers that never read, one more than there are threads
            stack.enter_context(never_reading(server, request))
        with closing(connect(server)) as connection:
            for _ in range(50):
                connection.sendall(f"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode())

                assert receive_one(connection)[0].status == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n" + b"x" * 300_000,
        b"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
    ],
    ids=["large body", "continue"],
)
def test_probe_with_a_body_is_no_probe(server: Server, sent: bytes) -> None:
    with many(server, sent), closing(connect(server)) as connection:
        for _ in range(20):
            connection.sendall(LIVEZ)

            assert receive_one(connection)[0].status == 200


def test_readers_that_never_read_keep_no_turn_to_compute(published: Path) -> None:
    rows = b"size,colour,remark\n" + (b"1,red," + b"x" * 1500 + b"\n") * 3000
    request = post(f"{ROOMS}?echo=true", rows, "Content-Type: text/csv")
    with (
        serving(
            models=published, workers=1, threads=40, body_timeout_seconds=2 * PATIENCE_SECONDS
        ) as server,
        contextlib.ExitStack() as stack,
    ):
        for _ in range(20):
            stack.enter_context(never_reading(server, request))
        for _ in range(50):
            with closing(connect(server)) as connection:
                connection.sendall(CSV_REQUEST)

                assert receive_one(connection)[1] == ANSWER


@contextmanager
def never_reading(server: Server, request: bytes) -> Iterator[None]:
    """Send a request for as long as the server takes it, and read nothing of the answer."""
    with closing(socket.socket()) as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect(("127.0.0.1", server.port))
        sending = threading.Thread(target=send_all, args=(reader, request))
        sending.start()
        try:
            yield
        finally:
            reader.shutdown(socket.SHUT_RDWR)
            sending.join()


def send_all(connection: socket.socket, data: bytes) -> None:
    """Send what the server takes, for as long as it does."""
    with contextlib.suppress(OSError):
        connection.sendall(data)


def test_silent_body_is_answered_without_taking_a_thread(impatient: Server) -> None:
    started = time.monotonic()
    with many(impatient, CSV_REQUEST[:-5]) as connections:
        assert_serves(impatient)
        answers = [receive(connection) for connection in connections]

    # Waiting once more in two threads would take half a second for each two.
    assert time.monotonic() - started < MANY / 2 * 0.5
    assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in answers)
    assert all(b"application/problem+json" in answer for answer in answers)
    assert all(b"/problems/body-timeout" in answer for answer in answers)


@pytest.mark.parametrize("sent", [b"", b"GET /livez HT"], ids=["nothing", "half a head"])
def test_silent_head_is_closed(impatient: Server, sent: bytes) -> None:
    with many(impatient, sent) as connections:
        assert {receive(connection) for connection in connections} == {b""}


def test_dripping_head_is_closed(impatient: Server) -> None:
    with closing(connect(impatient)) as connection:
        connection.settimeout(0.2)
        connection.sendall(b"GET / HTTP/1.1\r\n")
        for _ in range(10 * PATIENCE_SECONDS):
            try:
                connection.sendall(b"a")
                assert connection.recv(1) == b""
            except TimeoutError:
                continue
            except ConnectionError:
                pass
            return
    pytest.fail("The connection was kept.")


def test_body_that_breaks_off_is_answered(server: Server) -> None:
    with closing(connect(server)) as connection:
        connection.sendall(CSV_REQUEST[:-5])
        connection.shutdown(socket.SHUT_WR)

        assert b"/problems/malformed-body" in receive(connection)


def is_alive(process: int) -> bool:
    """Return whether a process is there."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_reload_answers_what_is_half_received(published: Path) -> None:
    with (
        serving(models=published, workers=1, threads=2) as server,
        closing(connect(server)) as begun,
        closing(connect(server)) as kept,
    ):
        (old,) = server.workers()
        kept.sendall(LIVEZ)
        assert status(kept) == 200
        begun.sendall(CSV_REQUEST[:-5])
        os.kill(server.process, signal.SIGHUP)
        while True:  # until the old worker, which alone knows this connection, is told to stop
            kept.sendall(LIVEZ)
            response, _ = receive_one(kept)
            if response.will_close:
                break
        assert response.status == 200
        assert is_alive(old)
        assert_serves(server)
        begun.sendall(CSV_REQUEST[-5:])
        response, body = receive_one(begun)

        assert (response.will_close, body) == (True, ANSWER)


@pytest.mark.parametrize("under_way", [0, 1])
def test_stop_answers_whoever_was_heard(published: Path, under_way: int) -> None:
    with serving(models=published, workers=1, threads=2) as server, ExitStack() as stack:
        (worker,) = server.workers()
        begun = [stack.enter_context(connect(server)) for _ in range(under_way)]
        for connection in begun:
            connection.sendall(CSV_REQUEST[:-5])
        if begun:
            assert_serves(server)  # they are accepted
        os.kill(worker, signal.SIGSTOP)
        waiting = [stack.enter_context(connect(server)) for _ in range(MANY)]
        os.kill(server.process, signal.SIGTERM)
        while listens(server):
            continue
        for connection in waiting:
            connection.sendall(CSV_REQUEST)
        os.kill(worker, signal.SIGCONT)
        answers = [receive_one(connection) for connection in waiting]
        for connection in begun:
            connection.sendall(CSV_REQUEST[-5:])
            answers.append(receive_one(connection))

    assert {(response.will_close, body) for response, body in answers} == {(True, ANSWER)}


def listens(server: Server) -> bool:
    """Return whether a server still hears of new clients."""
    try:
        socket.create_connection(("127.0.0.1", server.port), timeout=0.2).close()
    except OSError:
        return False
    return True


def test_refusing_socket_keeps_what_it_has() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        with socket.create_connection(address, timeout=PATIENCE_SECONDS) as known:
            refuse_connections([listener])
            with pytest.raises(TimeoutError):
                socket.create_connection(address, timeout=0.1)
            accepted, _ = listener.accept()
            with accepted:
                known.sendall(b"heard")
                assert accepted.recv(10) == b"heard"


def test_server_out_of_files_goes_on_when_there_are_some(published: Path) -> None:
    with serving(models=published, workers=1, threads=2) as server:
        assert_serves(server)
        (worker,) = server.workers()
        _, hard = resource.prlimit(worker, resource.RLIMIT_NOFILE)
        open_files = len(list(Path(f"/proc/{worker}/fd").iterdir()))
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (open_files + MANY // 2, hard))
        used = processor_seconds(worker)
        with many(server, b"") as connections:
            connections[0].sendall(LIVEZ)
            assert status(connections[0]) == 200
            connections[-1].settimeout(2)
            with pytest.raises(TimeoutError):
                connections[-1].recv(1)
            # It would be all of them, did the loop only try to accept.
            assert processor_seconds(worker) - used < 1
        assert_serves(server)
        assert server.workers() == [worker]


def processor_seconds(process: int) -> float:
    """Return the time that a process has computed."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_plain_gunicorn_runs_as_configured() -> None:
    command = [sys.executable, "-m", "gunicorn", "--print-config", "service.wsgi:app"]
    environment = {"PATH": os.environ["PATH"], "VITRINE_PORT": "8765", "VITRINE_THREADS": "7"}
    printed = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout
    shown = dict(line.split(" = ", 1) for line in printed.splitlines() if " = " in line)
    settings = {name.strip(): value.strip() for name, value in shown.items()}

    assert "8765" in settings["bind"]
    assert settings["threads"] == "7"
    assert "Worker" in settings["worker_class"]


def connections_of(process: int) -> int:
    """Count the open sockets of a process."""
    count = 0
    for path in Path(f"/proc/{process}/fd").iterdir():
        with contextlib.suppress(OSError):
            count += str(path.readlink()).startswith("socket:")
    return count


def shares(server: Server, number: int) -> list[int]:
    """Keep so many connections, and return how many each worker has of them."""
    before = [connections_of(worker) for worker in server.workers()]
    with contextlib.ExitStack() as stack:
        for _ in range(number):
            connection = stack.enter_context(closing(connect(server)))
            connection.sendall(LIVEZ)
            assert receive_one(connection)[0].status == 200
        after = [connections_of(worker) for worker in server.workers()]
    return [more - less for more, less in zip(after, before, strict=True)]


def test_workers_share_the_connections_that_are_kept(published: Path) -> None:
    with serving(models=published, workers=3) as server:
        while len(server.workers()) < 3 or 0 in shares(server, 9):
            time.sleep(0.05)  # some have not begun

        found = shares(server, 30)

    # Of earlier ones some may be closed only now, which lessens a worker's number.
    assert 5 <= min(found) <= max(found) <= 15, found


def test_killed_worker_is_not_waited_for(published: Path) -> None:
    with serving(models=published, workers=2) as server, contextlib.ExitStack() as stack:
        killed = server.workers()[0]
        os.kill(killed, signal.SIGKILL)
        while killed in server.workers():
            time.sleep(0.01)
        for _ in range(10):
            connection = stack.enter_context(closing(connect(server)))
            connection.sendall(LIVEZ)
            assert receive_one(connection)[0].status == 200
