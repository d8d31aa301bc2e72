"""Clients that misbehave: they send what they are given, then hold their connections."""

import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_TURN_SECONDS = 0.2


@dataclass(slots=True)
class Holders:
    """Connections that are held.

    Attributes:
        payload: What each sends.
        sent: How much of it each has, by the number of its socket.
        closed: How many the server closed, or reset, while they sent.
    """

    payload: bytes
    sent: dict[int, int] = field(default_factory=dict)
    closed: int = 0
    _sockets: dict[int, socket.socket] = field(default_factory=dict)
    _poller: select.epoll = field(default_factory=select.epoll)

    def add(self, connection: socket.socket) -> None:
        """Begin to send on one more connection."""
        self._sockets[connection.fileno()] = connection
        self.sent[connection.fileno()] = 0
        self._poller.register(connection.fileno(), select.EPOLLOUT)

    def wait(self, seconds: float) -> None:
        """Send what the server takes, and never read."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            for number, _ in self._poller.poll(min(left, _TURN_SECONDS)):
                self._send(number)

    def _send(self, number: int) -> None:
        rest = memoryview(self.payload)[self.sent[number] :]
        try:
            self.sent[number] += self._sockets[number].send(rest, socket.MSG_NOSIGNAL)
        except BlockingIOError:
            return
        except OSError:
            self.closed += 1
            self._poller.unregister(number)
            return
        if self.sent[number] == len(self.payload):
            self._poller.unregister(number)

    @property
    def finished(self) -> int:
        """How many have sent all that they had to send."""
        return sum(sent == len(self.payload) for sent in self.sent.values())

    def close(self) -> None:
        """Let all go."""
        for connection in self._sockets.values():
            connection.close()
        self._poller.close()


@contextmanager
def holding(
    port: int, payload: bytes, *, number: int, seconds: float, receive_buffer: int = 0
) -> Iterator[Holders]:
    """Hold so many connections, opened one after the other in a time, until the block ends."""
    holders = Holders(payload)
    try:
        for _ in range(number):
            connection = socket.socket()
            if receive_buffer:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            connection.setblocking(False)
            connection.connect_ex(("127.0.0.1", port))
            holders.add(connection)
            holders.wait(seconds / number)
        yield holders
    finally:
        holders.close()
