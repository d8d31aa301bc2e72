"""Where and when requests are answered; a test decides how long a network takes."""

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from http.client import HTTPResponse
from typing import Any

import msgspec
import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from service.admission.scheduler import MAX_WAIT_SECONDS
from service.http.admission import ADMISSION
from service.http.app import create_app
from service.http.fast_path import FAST_PATH, FastPath
from service.http.refusals import REFUSALS
from service.rollout.repository import Repository
from service.server.connection import Connection, Refusal
from service.server.crowd import Crowd
from service.server.dispatch import Dispatcher, Parts, Threads
from service.server.gateway import Gateway
from service.server.outgoing import Outgoing
from service.server.request import Request
from service.server.streams import Streams
from service.settings import Settings
from service.telemetry.metrics import Metrics
from tests.bundles import table_manifest
from tests.fakes import FakeControlPlane, price
from tests.spaces import LIMITS, space
from vitrine.bundle import Batching
from vitrine.engines import Tensors
from vitrine.errors import VitrineError
from vitrine.model import Model

PATIENCE_SECONDS = 20
SLOW_SECONDS = 0.02
ROOMS = "/models/rooms/predict"


class Network:
    """A network that answers only while a gate is open.

    Attributes:
        gate: Whether it answers.
        calls: The sizes of the rooms in each call.
        called: Whether it was ever called.
    """

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.called = threading.Event()
        self.calls: list[list[float]] = []

    def __call__(self, tensors: Tensors) -> Any:
        """Predict, once the gate is open."""
        self.calls.append(np.ravel(tensors["size"]).tolist())
        self.called.set()
        assert self.gate.wait(PATIENCE_SECONDS)
        return price(tensors)


class Host:
    """What the connections share; the dispatcher decides where they are answered."""

    limits = LIMITS
    is_draining = False

    def __init__(self) -> None:
        self.space = space(memory_bytes=2**26, disk_bytes=2**26)
        self.crowd = Crowd()
        self.streams = Streams(1)
        self.dispatcher: Dispatcher

    def closed(self, connection: Connection) -> None:
        """Do nothing."""

    def judge(self, request: Request) -> VitrineError | None:
        """Ask the dispatcher."""
        return self.dispatcher.judge(request)

    def locate(self, request: Request) -> None:
        """Leave a request as it came."""

    def takes(self, connection: Connection, request: Request) -> bool:
        """Ask the dispatcher."""
        return self.dispatcher.takes(connection, request)

    def reads_while_it_arrives(self, content_type: bytes) -> bool:
        """Read a table while it arrives."""
        return content_type == b"text/csv"

    def most_body_bytes(self, request: Request, content_type: bytes) -> int | None:  # noqa: ARG002
        """Refuse no body."""
        return None

    def answer_later(self, request: Request, outgoing: Outgoing, *, is_stream: bool) -> None:
        """Ask the dispatcher."""
        self.dispatcher.run(request, outgoing, on_end=(lambda: None) if is_stream else None)

    def refuse(self, refusal: Refusal, remote: str) -> bytes:
        """Ask the dispatcher."""
        return self.dispatcher.refuse_bytes(refusal, remote)

    def turn_away(self, request: Request, error: VitrineError, *, keeps_alive: bool) -> bytes:
        """Ask the dispatcher."""
        return self.dispatcher.turn_away(request, error, keeps_alive=keeps_alive)


class Service:
    """A service whose event loop runs in a thread.

    Attributes:
        network: The network of the model.
        port: Where it listens.
    """

    def __init__(self, *, max_batch: int = 1, pass_seconds: float = SLOW_SECONDS) -> None:
        self.network = Network()
        manifest = table_manifest("rooms")
        if max_batch > 1:
            batching = Batching(max_instances=max_batch, speedup=2.0)
            manifest = msgspec.structs.replace(manifest, batching=batching)
        model = Model(manifest, self.network)
        model.pass_seconds = pass_seconds
        repository = Repository({"rooms": {1: model}})
        self._registry = CollectorRegistry()
        app = create_app(
            Settings(), repository, Metrics(self._registry), FakeControlPlane(repository)
        )
        gateway = Gateway(app, address=("here", 80), scheme="http", is_multiprocess=False)
        self._parts = Parts(
            app.extensions[ADMISSION], app.extensions[REFUSALS], app.extensions[FAST_PATH], gateway
        )
        self._parts.admission.scheduler.cores = 1
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        host = Host()
        host.dispatcher = Dispatcher(
            self._parts,
            self._loop,
            threads=Threads(large=4, streams=1),
            is_encrypted=False,
            keeps_alive=lambda: True,
            count=lambda: None,
        )
        server = await self._loop.create_server(
            lambda: Connection(host, self._loop, "192.0.2.7"), "127.0.0.1", 0
        )
        self.port = server.sockets[0].getsockname()[1]
        looking = self._loop.create_task(self._look(host))
        self._ready.set()
        await self._stopping.wait()
        looking.cancel()
        server.close()
        for connection in host.crowd:
            connection.abort()
        await asyncio.sleep(0)  # the transports close their sockets
        host.dispatcher.close()

    async def _look(self, host: Host) -> None:
        while True:
            for connection in list(host.crowd):
                connection.check(self._loop.time())
            await asyncio.sleep(0.01)

    def __enter__(self) -> "Service":
        self._thread.start()
        assert self._ready.wait(PATIENCE_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self.network.gate.set()
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(PATIENCE_SECONDS)

    def fail_together(self) -> None:
        """Let requests together fail, in a way that nobody has thought of."""

        class Failing(FastPath):
            def answer(self, *_: object, **__: object) -> Any:
                raise ZeroDivisionError

        path = self._parts.fast_path
        assert path is not None
        path.__class__ = Failing

    @property
    def waiting(self) -> int:
        """Number of requests that wait."""
        return self._parts.admission.scheduler.waiting

    def count(self, name: str, **labels: str) -> float:
        """Return a number of the metrics."""
        return self._registry.get_sample_value(name, labels) or 0.0


def ask(
    service: Service, *sizes: float, path: str = ROOMS, headers: Sequence[str] = ()
) -> socket.socket:
    """Send a request for predictions, and return the connection."""
    rows = [{"size": size, "colour": "red"} for size in sizes]
    body = json.dumps({"instances": rows})
    lines = [
        f"POST {path} HTTP/1.1",
        *("Host: here", "Content-Type: application/json", f"Content-Length: {len(body)}"),
        *headers,
    ]
    connection = socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE_SECONDS)
    connection.sendall("\r\n".join([*lines, "", body]).encode())
    return connection


def answer(connection: socket.socket) -> tuple[int, Any, str | None]:
    """Receive an answer: its status, its JSON, and when to try again."""
    with closing(connection):
        response = HTTPResponse(connection)
        response.begin()
        return response.status, json.loads(response.read()), response.getheader("Retry-After")


def values(connection: socket.socket) -> list[float]:
    """Receive predictions."""
    status, members, _ = answer(connection)
    assert status == 200, members
    return [each["value"] for each in members["predictions"]]


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition that is about to hold."""
    for _ in range(PATIENCE_SECONDS * 1000):
        if condition():
            return
        threading.Event().wait(0.001)
    pytest.fail("It never came to hold.")


def ask_while_busy(service: Service, *all_sizes: Sequence[float]) -> Iterator[socket.socket]:
    """Ask once, wait until the network is at work, and let further requests wait one by one."""
    yield ask(service, 1)
    assert service.network.called.wait(PATIENCE_SECONDS)
    for number, sizes in enumerate(all_sizes, 1):
        yield ask(service, *sizes)
        until(lambda number=number: service.waiting == number)  # type: ignore[misc]


def test_requests_that_wait_for_a_network_that_gains_are_predicted_together() -> None:
    with Service(max_batch=8) as service:
        asked = [*ask_while_busy(service, [2], [3], [4, 5])]
        service.network.gate.set()
        found = [values(connection) for connection in asked]

        assert found == [[13.0], [23.0], [33.0], [43.0, 53.0]]
        assert service.network.calls == [[1], [2, 3, 4, 5]]
        labels = {"model": "rooms", "version": "1"}
        until(lambda: service.count("vitrine_batch_instances_sum", **labels) == 5)


def test_no_more_requests_are_predicted_together_than_were_measured() -> None:
    with Service(max_batch=2) as service:
        asked = [*ask_while_busy(service, [2], [3], [4])]
        service.network.gate.set()
        for connection in asked:
            values(connection)

        assert service.network.calls == [[1], [2, 3], [4]]


def test_all_requests_for_a_slow_network_are_answered() -> None:
    with Service(max_batch=8, pass_seconds=0.06) as service:
        service.network.gate.set()
        for number in range(12):  # more than may have begun
            assert values(ask(service, number)) == [3.0 + 10 * number]


def test_network_that_does_not_gain_is_called_for_each_request() -> None:
    with Service() as service:
        asked = [*ask_while_busy(service, [2], [3])]
        service.network.gate.set()
        for connection in asked:
            values(connection)

        assert service.network.calls == [[1], [2], [3]]


def test_faulty_instance_harms_no_other_request() -> None:
    with Service(max_batch=8) as service:
        asked = [*ask_while_busy(service, [2], [1e39], [3])]
        service.network.gate.set()

        assert [answer(connection)[0] for connection in asked] == [200, 200, 422, 200]


def test_request_of_a_client_that_has_gone_is_not_computed() -> None:
    with Service() as service:
        first, gone, last = ask_while_busy(service, [2], [3])
        gone.close()
        until(lambda: service.waiting == 1)
        service.network.gate.set()

        assert (values(first), values(last)) == ([13.0], [33.0])
        assert service.network.calls == [[1], [3]]
        assert service.count("vitrine_abandoned_requests_total") == 1


def test_client_that_leaves_while_its_request_is_computed_is_counted() -> None:
    with Service(max_batch=8) as service:
        first, second = ask_while_busy(service, [2])
        first.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        first.close()  # resets the connection
        third = ask(service, 3)
        until(lambda: service.waiting == 2)
        service.network.gate.set()

        assert (values(second), values(third)) == ([23.0], [33.0])
        assert service.count("vitrine_abandoned_requests_total") == 1


def test_request_whose_time_is_over_is_refused_while_it_waits() -> None:
    with Service() as service:
        (first,) = ask_while_busy(service)
        late = ask(service, 2, headers=["X-Request-Timeout: 0.05", "X-Request-Id: mine"])

        status, members, _ = answer(late)

        assert (status, members["type"]) == (504, "/problems/deadline-exceeded")
        assert members["instance"] == "mine"
        service.network.gate.set()
        assert values(first) == [13.0]
        assert service.network.calls == [[1]]


def test_overload_is_refused_soon_and_the_newest_is_answered() -> None:
    seconds = 0.045
    with Service(pass_seconds=seconds) as service, ExitStack() as stack:
        count = 2 + int(MAX_WAIT_SECONDS / seconds)
        connections = [stack.enter_context(each) for each in ask_while_busy(service)]
        connections += [stack.enter_context(ask(service, 2)) for _ in range(count)]
        refused = [answer(connection) for connection in connections[1:]]
        newest = ask(service, 3)
        until(lambda: service.waiting == 1)
        service.network.gate.set()

        assert {(status, members["type"]) for status, members, _ in refused} == {
            (503, "/problems/overloaded")
        }
        assert {retry for *_, retry in refused} == {"1"}
        assert (values(connections[0]), values(newest)) == ([13.0], [33.0])
        assert service.network.calls == [[1], [3]]
        assert service.count("vitrine_rejected_total", reason="overloaded") == count


def test_large_request_waits_without_a_thread_and_is_answered_in_its_turn() -> None:
    with Service() as service:
        first, large = ask_while_busy(service, range(2, 12))
        service.network.gate.set()

        assert values(first) == [13.0]
        assert values(large) == [10.0 * size + 3 for size in range(2, 12)]


def test_requests_that_fail_together_are_answered_alone(caplog: pytest.LogCaptureFixture) -> None:
    with Service() as service:
        service.fail_together()
        service.network.gate.set()

        assert values(ask(service, 1)) == [13.0]
    assert "Requests cannot be answered together." in caplog.text


def test_body_of_many_instances_is_not_parsed_on_the_loop(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Service(pass_seconds=1e-5) as service:
        service.fail_together()
        service.network.gate.set()

        status, members, _ = answer(ask(service, *range(2000)))

        assert (status, len(members["predictions"])) == (200, 2000)
    assert "Requests cannot be answered together." not in caplog.text


def test_probe_is_answered_while_everything_computes() -> None:
    with Service() as service:
        asked = [*ask_while_busy(service, [2])]
        probe = socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE_SECONDS)
        probe.sendall(b"GET /livez HTTP/1.1\r\nHost: here\r\n\r\n")

        assert answer(probe)[:2] == (200, {"status": "live"})
        service.network.gate.set()
        for connection in asked:
            values(connection)


def test_probe_is_answered_while_readers_of_the_metrics_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate = threading.Event()

    def write(_: Metrics) -> bytes:
        assert gate.wait(PATIENCE_SECONDS)
        return b""

    monkeypatch.setattr(Metrics, "exposition", write)
    with Service() as service, ExitStack() as stack:
        connections = []
        for path in [b"/metrics"] * 4 + [b"/livez"]:
            address = ("127.0.0.1", service.port)
            connection = socket.create_connection(address, timeout=PATIENCE_SECONDS / 4)
            connections.append(stack.enter_context(closing(connection)))
            connection.sendall(b"GET %s HTTP/1.1\r\nHost: here\r\n\r\n" % path)
        *readers, probe = connections

        assert answer(probe)[:2] == (200, {"status": "live"})
        gate.set()
        for reader in readers:
            assert reader.recv(16).startswith(b"HTTP/1.1 200")
