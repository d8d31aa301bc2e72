"""Requests that are so cheap that a load must write many at once to send more than is answered."""

import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

CONNECTIONS = 64
BURST = 8
_PIECE_BYTES = 2**18
_TURN_SECONDS = 0.005
_ANSWERED, _ANY = b"HTTP/1.1 200 ", b"HTTP/1.1 "


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a load, in requests a second.

    Attributes:
        sent: Of those that were due; a server that reads no more is sent no more.
        answered: With 200.
        refused: With another status.
    """

    sent: float
    answered: float
    refused: float


def closed(port: int, request: bytes, *, seconds: float) -> Outcome:
    """Send the next burst on each connection when the last one is answered."""
    return _run(port, request, seconds, lambda connection, _: connection.waiting == 0)


def opened(port: int, request: bytes, *, rate: float, seconds: float) -> Outcome:
    """Send bursts at a rate, whatever is answered."""
    each = rate / CONNECTIONS / BURST

    def is_due(connection: "_Connection", elapsed: float) -> bool:
        return connection.bursts <= each * elapsed

    return _run(port, request, seconds, is_due)


class _Connection:
    """A connection with requests that wait for their answers."""

    def __init__(self, port: int, burst: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setblocking(False)
        self._burst = burst
        self._unsent = memoryview(b"")
        self._tail = b""
        self.bursts = self.waiting = self.answered = self.others = 0

    def begin(self) -> None:
        """Send a burst, as far as the server takes it."""
        if not self._unsent:
            self._unsent = memoryview(self._burst)
            self.bursts += 1
            self.waiting += BURST
        self.go_on()

    def go_on(self) -> None:
        """Send what is left of a burst."""
        try:
            if self._unsent:
                self._unsent = self._unsent[self.socket.send(self._unsent) :]
        except BlockingIOError:
            pass

    def receive(self) -> None:
        """Count answers."""
        data = self._tail + self.socket.recv(_PIECE_BYTES)
        # A first line that is cut off is counted when the rest of it has come.
        cut = max(data.rfind(_ANY[:1], -len(_ANSWERED) + 1), -1) % (len(data) + 1)
        self._tail, data = data[cut:], data[:cut]
        answered, all_of_them = data.count(_ANSWERED), data.count(_ANY)
        self.answered += answered
        self.others += all_of_them - answered
        self.waiting -= all_of_them


def _run(
    port: int, request: bytes, seconds: float, is_due: Callable[[_Connection, float], bool]
) -> Outcome:
    connections = {}
    poller = select.epoll()
    for _ in range(CONNECTIONS):
        connection = _Connection(port, request * BURST)
        connections[connection.socket.fileno()] = connection
        poller.register(connection.socket.fileno(), select.EPOLLIN)
    begun = time.monotonic()
    while (elapsed := time.monotonic() - begun) < seconds:
        for connection in connections.values():
            connection.go_on()
            if is_due(connection, elapsed):
                connection.begin()
        for number, _ in poller.poll(_TURN_SECONDS):
            connections[number].receive()
    answered = sum(each.answered for each in connections.values())
    others = sum(each.others for each in connections.values())
    sent = sum(each.bursts for each in connections.values()) * BURST
    for connection in connections.values():
        connection.socket.close()
    return Outcome(sent=sent / seconds, answered=answered / seconds, refused=others / seconds)
