"""What a connection makes of the bytes of its client, without a socket and without a clock."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from service.server.connection import Connection, Refusal
from service.server.outgoing import Outgoing
from service.server.request import Request

REMOTE = "203.0.113.7"
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: here\r\n\r\n"


class Wire(asyncio.Transport):
    """Keeps what a connection sends."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.is_read = True

    def write(self, data: Any) -> None:
        """Keep bytes."""
        self.sent += data

    def can_write_eof(self) -> bool:
        """Say that a client may be told that nothing follows."""
        return True

    def write_eof(self) -> None:
        """Do nothing."""

    def is_closing(self) -> bool:
        """Say that the connection is open."""
        return False

    def pause_reading(self) -> None:
        """Take note."""
        self.is_read = False

    def resume_reading(self) -> None:
        """Take note."""
        self.is_read = True

    def get_write_buffer_size(self) -> int:
        """Say that the client reads."""
        return 0


class Host:
    """Takes note of the requests that a thread would answer."""

    timeout_seconds = 20.0
    idle_seconds = 75.0
    held_bytes = 0
    is_draining = False
    has_room = True

    def __init__(self) -> None:
        self.asked: list[tuple[Request, Outgoing]] = []

    def opened(self, connection: Connection) -> None:
        """Do nothing."""

    def closed(self, connection: Connection) -> None:
        """Do nothing."""

    def locate(self, request: Request) -> None:
        """Leave a request as it came."""

    def takes(self, connection: Connection, request: Request) -> bool:  # noqa: ARG002 - as Host's
        """Leave every request to a thread."""
        return False

    def answer_later(self, request: Request, outgoing: Outgoing) -> None:
        """Take note."""
        self.asked.append((request, outgoing))

    def refuse(self, refusal: Refusal, remote: str) -> bytes:  # noqa: ARG002 - as Host's
        """Answer with the status alone."""
        return b"HTTP/1.1 %d\r\n\r\n" % refusal.status


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop that does not run."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def connect(loop: asyncio.AbstractEventLoop, host: Host) -> tuple[Connection, Wire]:
    """Open a connection."""
    connection, wire = Connection(host, loop, REMOTE), Wire()
    connection.connection_made(wire)
    return connection, wire


def test_thread_sees_that_its_client_is_gone(loop: asyncio.AbstractEventLoop) -> None:
    host = Host()
    connection, _ = connect(loop, host)
    connection.data_received(LIVEZ)
    ((request, _),) = host.asked
    before = request.client.is_gone

    connection.connection_lost(None)

    assert (before, request.client.is_gone, connection.is_gone) == (False, True, True)
