"""Hostile clients: connections that are held, fed slowly, left unread or abandoned."""

import heapq
import select
import socket
import struct
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from math import inf

_RESET = struct.pack("ii", 1, 0)
_PIECE_BYTES = 2**18
_TURN_SECONDS = 0.2
_GONE = select.EPOLLHUP | select.EPOLLERR | select.EPOLLRDHUP
_RETURN_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Clients that all do the same.

    Attributes:
        number: How many they are.
        sends: What each sends as soon as it is connected.
        trickle: What each sends after that, piece by piece, and again from its start.
        piece_bytes: Size of such a piece.
        every_seconds: Time between two pieces.
        reads: Whether they read what comes.
        receive_buffer: Of each connection, in bytes; 0 for the system's own.
        arrival_seconds: Time in which they come, one after the other.
        stays_seconds: After this time each breaks its connection off with a reset.
        returns: Whether one whose connection has ended opens another.
    """

    number: int
    sends: bytes = b""
    trickle: bytes = b""
    piece_bytes: int = 1
    every_seconds: float = 1.0
    reads: bool = False
    receive_buffer: int = 0
    arrival_seconds: float = 1.0
    stays_seconds: float = inf
    returns: bool = False


class Crowds:
    """Brings crowds to a server.

    Args:
        port: Of the server, on 127.0.0.1.
        crowds: Who comes.
    """

    def __init__(self, port: int, crowds: Sequence[Crowd]) -> None:
        self.address = ("127.0.0.1", port)
        self.poller = select.epoll()
        self.clients: dict[int, _Client] = {}  # by the number of their socket
        self._numbers = count()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        now = time.monotonic()
        for crowd in crowds:
            for number in range(crowd.number):
                when = now + crowd.arrival_seconds * number / crowd.number
                self.later(when, _Client(self, crowd).connect)

    def later(self, when: float, action: Callable[[], None]) -> None:
        """Do something at a moment of the monotonic clock."""
        heapq.heappush(self._due, (when, next(self._numbers), action))

    def run(self, seconds: float) -> None:
        """Let them do what they do for a time."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            while self._due and self._due[0][0] <= now:
                heapq.heappop(self._due)[2]()
            due = self._due[0][0] if self._due else inf
            patience = min(max(0.0, due - time.monotonic()), _TURN_SECONDS)
            for number, events in self.poller.poll(patience):
                if number in self.clients:
                    self.clients[number].on_event(events)

    def close(self) -> None:
        """Let all go at once."""
        for client in [*self.clients.values()]:
            client.leave()
        self._due.clear()
        self.poller.close()


class _Client:
    """One connection after the other of one hostile client."""

    def __init__(self, crowds: Crowds, crowd: Crowd) -> None:
        self._crowds = crowds
        self._crowd = crowd
        self._socket: socket.socket | None = None
        self._unsent = memoryview(b"")
        self._offset = 0  # of the next piece in the trickle
        self._connections = 0

    def connect(self) -> None:
        """Open a connection."""
        connection = socket.socket()
        if self._crowd.receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._crowd.receive_buffer)
        connection.setblocking(False)
        connection.connect_ex(self._crowds.address)  # an error is told by the poller
        self._socket = connection
        self._connections += 1
        self._unsent = memoryview(self._crowd.sends)
        self._crowds.clients[connection.fileno()] = self
        self._crowds.poller.register(connection.fileno(), self._events() | select.EPOLLOUT)
        if self._crowd.stays_seconds < inf:
            number = self._connections
            when = time.monotonic() + self._crowd.stays_seconds
            self._crowds.later(when, lambda: self._abandon(number))

    def _events(self) -> int:
        wanted = select.EPOLLRDHUP
        if self._crowd.reads:
            wanted |= select.EPOLLIN
        if self._unsent:
            wanted |= select.EPOLLOUT
        return wanted

    def on_event(self, events: int) -> None:
        """Send, read, or see that the server has ended the connection."""
        try:
            if events & select.EPOLLOUT:
                self._send()
            if events & select.EPOLLIN and not self._read():
                events |= select.EPOLLHUP
        except OSError:
            events |= select.EPOLLHUP
        if events & _GONE:
            self.leave()
            if self._crowd.returns:
                self._crowds.later(time.monotonic() + _RETURN_SECONDS, self.connect)

    def _send(self) -> None:
        assert self._socket is not None
        if self._unsent:
            sent = self._socket.send(self._unsent[:_PIECE_BYTES], socket.MSG_NOSIGNAL)
            self._unsent = self._unsent[sent:]
        if self._unsent:
            return
        self._crowds.poller.modify(self._socket.fileno(), self._events())
        if self._crowd.trickle:
            number = self._connections
            when = time.monotonic() + self._crowd.every_seconds
            self._crowds.later(when, lambda: self._go_on(number))

    def _go_on(self, connection: int) -> None:
        """Send the next piece, if the connection still is the same."""
        if self._socket is None or connection != self._connections:
            return
        trickle = self._crowd.trickle
        self._unsent = memoryview(trickle)[self._offset : self._offset + self._crowd.piece_bytes]
        self._offset = (self._offset + self._crowd.piece_bytes) % len(trickle)
        self._crowds.poller.modify(self._socket.fileno(), self._events())

    def _read(self) -> bytes:
        assert self._socket is not None
        return self._socket.recv(_PIECE_BYTES)

    def _abandon(self, connection: int) -> None:
        if self._socket is None or connection != self._connections:
            return
        with suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.leave()
        if self._crowd.returns:
            self.connect()

    def leave(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            del self._crowds.clients[self._socket.fileno()]
            self._socket.close()
            self._socket = None
