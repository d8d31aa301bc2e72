"""The load, in a process of its own: closed and open loops on raw sockets, cheap to run.

One line of JSON on standard input says what to do. It is done until standard input ends; then one
line of JSON on standard output says what became of every request, and what the load itself cost.
"""

import heapq
import json
import os
import random
import re
import select
import socket
import sys
import time
from dataclasses import dataclass
from itertools import count

# What became of a request.
ANSWERED = "answered"  # with 200
STATUS = "status"  # with another status
LOST = "lost"  # the connection broke after some of the request had been sent
WRONG = "wrong"  # with the answer to another request, or with more than one answer
REFUSED = "refused"  # the connection broke, or was refused, before anything was sent
UNANSWERED = "unanswered"  # when the load ended

_RETRY_SECONDS = 0.02
_RAMP_SECONDS = 0.4
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)")
_RETRY_AFTER = re.compile(rb"\r\nretry-after: *(\d+)\r\n", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"
_LAST_CHUNK = b"0\r\n\r\n"
_OK = 200
_BOTH = select.EPOLLIN | select.EPOLLOUT

# Lane, begun, seconds, outcome, connection was reused, status or 0, seconds of Retry-After or None.
Record = tuple[int, float, float, str, bool, int, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Callers of one kind.

    Attributes:
        name: Told apart by it in the end.
        request: What each sends, in Latin-1.
        callers: How many there are; each waits for its answer before it asks again.
        reuse: Whether they keep their connections.
        pause_seconds: Between an answer and the next request, on average.
        rate: Requests a second, sent whatever the answers take; in place of callers. Each is timed
            from the moment at which it was due.
        is_random: Whether they come at random moments, as those of callers who know nothing of each
            other, and not evenly.
        is_numbered: Whether each has an X-Request-Id of its own, which its answer must repeat.
    """

    name: str
    request: str
    callers: int = 1
    reuse: bool = True
    pause_seconds: float = 0.0
    rate: float = 0.0
    is_random: bool = False
    is_numbered: bool = False

    def parts(self) -> tuple[bytes, bytes]:
        """Return what stands before and behind the number of a request."""
        request = self.request.encode("latin-1")
        if not self.is_numbered:
            return request, b""
        head, end, body = request.partition(_HEAD_END)
        return head + b"\r\nX-Request-Id: ", end + body


class _Load:
    """The loop over all connections."""

    def __init__(self, port: int, lanes: list[Lane], *, drain_seconds: float) -> None:
        self.address = ("127.0.0.1", port)
        self.poller = select.epoll()
        self.busy: dict[int, _Caller] = {}  # by the number of their socket
        self.records: list[Record] = []
        self.is_stopping = False
        self._drain_seconds = drain_seconds
        self._lanes = lanes
        self._due: list[tuple[float, int, _Caller | _Clock]] = []
        self._numbers = count()
        self.request_numbers = count(10**9)  # all of one length

    def run(self) -> None:
        """Ask until standard input ends, then wait a little for the last answers."""
        self.poller.register(sys.stdin.fileno(), select.EPOLLIN)
        for place, lane in enumerate(self._lanes):
            self._start(place, lane)
        while not self.is_stopping:
            self._turn(self._patience())
        deadline = time.monotonic() + self._drain_seconds
        while any(caller.is_asking for caller in self.busy.values()):
            if (left := deadline - time.monotonic()) <= 0:
                break
            self._turn(left)
        for caller in list(self.busy.values()):
            caller.give_up()

    def _start(self, place: int, lane: Lane) -> None:
        now = time.monotonic()
        if lane.rate:
            self.later(now, _Clock(self, place, lane))
            return
        for number in range(lane.callers):
            # One after the other, as callers come: at once, one worker might take them all.
            spread = max(lane.pause_seconds, _RAMP_SECONDS) * number / lane.callers
            self.later(now + spread, _Caller(self, place, lane))

    def later(self, when: float, action: "_Caller | _Clock") -> None:
        """Begin something at a moment."""
        heapq.heappush(self._due, (when, next(self._numbers), action))

    def _patience(self) -> float:
        return max(0.0, self._due[0][0] - time.monotonic()) if self._due else 1.0

    def _turn(self, patience: float) -> None:
        for number, events in self.poller.poll(patience):
            if number == sys.stdin.fileno():
                self.poller.unregister(number)
                self.is_stopping = True
            elif number in self.busy:
                self.busy[number].on_event(events)
        now = time.monotonic()
        while self._due and self._due[0][0] <= now and not self.is_stopping:
            heapq.heappop(self._due)[2].begin()


class _Clock:
    """Lets a request begin at each of its ticks, on an idle connection or on a new one."""

    def __init__(self, load: _Load, place: int, lane: Lane) -> None:
        self._load = load
        self._place = place
        self._lane = lane
        self._next = time.monotonic()
        self._idle: list[_Caller] = []

    def begin(self) -> None:
        """Ask once, and come back at the next tick."""
        caller = self._idle.pop() if self._idle else self._new_caller()
        caller.begin_at(self._next)
        rate = self._lane.rate
        self._next += random.expovariate(rate) if self._lane.is_random else 1 / rate
        self._load.later(self._next, self)

    def _new_caller(self) -> "_Caller":
        return _Caller(self._load, self._place, self._lane, self._idle)


class _Caller:
    """One who asks, waits for the answer, pauses and asks again."""

    def __init__(
        self, load: _Load, place: int, lane: Lane, idle: "list[_Caller] | None" = None
    ) -> None:
        self._load = load
        self._place = place
        self._lane = lane
        self._idle = idle  # where it waits for its next request, in an open loop
        self._parts = lane.parts()
        self._request, _ = self._parts
        self._number = b""
        self._socket: socket.socket | None = None
        self._received = bytearray()
        self._sent = 0
        self._begun = 0.0
        self._is_reused = False
        self._is_watching_for_room = False
        self.is_asking = False

    def begin(self) -> None:
        """Send the request."""
        self.begin_at(time.monotonic())

    def begin_at(self, due: float) -> None:
        """Send the request, which is timed from this moment on."""
        self._begun = due
        if self._lane.is_numbered:
            self._number = b"%d" % next(self._load.request_numbers)
            self._request = self._number.join(self._parts)
        self._ask()

    def _ask(self) -> None:
        self._sent = 0
        self._received.clear()
        self.is_asking = True
        self._is_reused = self._socket is not None
        if self._socket is None:
            self._connect()
        else:
            self._send()

    def _connect(self) -> None:
        connection = socket.socket()
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.connect_ex(self._load.address)  # an error is told by the poller
        self._socket = connection
        self._load.busy[connection.fileno()] = self
        self._load.poller.register(connection.fileno(), _BOTH)
        self._is_watching_for_room = True

    def on_event(self, events: int) -> None:
        """Go on, now that the connection is ready for something."""
        if not self.is_asking:
            self._end_idle()
            return
        if self._sent < len(self._request) and events & ~select.EPOLLIN:
            self._send()
        if self.is_asking and self._socket is not None and events & ~select.EPOLLOUT:
            self._receive()

    def _end_idle(self) -> None:
        """Hang up where the server closed an idle connection; an answer is one too many."""
        assert self._socket is not None
        try:
            if self._socket.recv(1):
                self._record(WRONG)
        except OSError:
            pass
        self._hang_up()

    def _send(self) -> None:
        assert self._socket is not None
        piece = memoryview(self._request)[self._sent :]
        try:
            self._sent += self._socket.send(piece, socket.MSG_NOSIGNAL)
        except BlockingIOError:
            pass
        except OSError:
            self._broken()
            return
        self._watch_for_room(wanted=self._sent < len(self._request))

    def _watch_for_room(self, *, wanted: bool) -> None:
        if self._socket is not None and wanted != self._is_watching_for_room:
            events = _BOTH if wanted else select.EPOLLIN
            self._load.poller.modify(self._socket.fileno(), events)
            self._is_watching_for_room = wanted

    def _receive(self) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(2**18)
        except BlockingIOError:
            return
        except OSError:
            self._broken()
            return
        self._received += data
        is_complete, closes = _look_at(self._received, is_ended=not data)
        if is_complete:
            self._answered(closes=closes)
        elif not data:
            self._broken()

    def _answered(self, *, closes: bool) -> None:
        status = int(self._received[9:12])
        found = None if status == _OK else _RETRY_AFTER.search(self._received)
        retry_after = int(found[1]) if found else None
        if self._number not in self._received or self._has_more():
            self._record(WRONG, status)
        else:
            self._record(ANSWERED if status == _OK else STATUS, status, retry_after)
        if closes or not self._lane.reuse or self._sent < len(self._request):
            self._hang_up()
        self._pause(self._lane.pause_seconds * random.uniform(0.5, 1.5))

    def _has_more(self) -> bool:
        """Tell whether something follows the answer that ends where its head says."""
        length = _LENGTH.search(bytes(self._received).lower())
        end = self._received.find(_HEAD_END) + len(_HEAD_END)
        return length is not None and len(self._received) > end + int(length[1])

    def _broken(self) -> None:
        self._hang_up()
        if self._is_reused and not self._sent:
            self._ask()  # closed before anything was sent: no request is lost by asking again
            return
        self._record(LOST if self._sent else REFUSED)
        self._pause(_RETRY_SECONDS)

    def _pause(self, seconds: float) -> None:
        if self._idle is not None and self._socket is not None:
            self._idle.append(self)
        if self._idle is not None or self._load.is_stopping:
            return
        if seconds:
            self._load.later(time.monotonic() + seconds, self)
        else:
            self.begin()

    def _record(self, outcome: str, status: int = 0, retry_after: int | None = None) -> None:
        self.is_asking = False
        seconds = time.monotonic() - self._begun
        self._load.records.append(
            (self._place, self._begun, seconds, outcome, self._is_reused, status, retry_after)
        )

    def _hang_up(self) -> None:
        if self._socket is not None:
            del self._load.busy[self._socket.fileno()]
            self._socket.close()
            self._socket = None

    def give_up(self) -> None:
        """End without an answer."""
        if self.is_asking:
            self._record(UNANSWERED)
        self._hang_up()


def _look_at(received: bytearray, *, is_ended: bool) -> tuple[bool, bool]:
    """Tell whether an answer is complete, and whether the connection ends with it."""
    head_end = received.find(_HEAD_END)
    if head_end < 0:
        return False, is_ended
    head = bytes(received[: head_end + 2]).lower()
    closes = is_ended or b"\r\nconnection: close" in head or head.startswith(b"http/1.0")
    length = _LENGTH.search(head)
    if length:
        return len(received) - head_end - len(_HEAD_END) >= int(length[1]), closes
    if b"\r\ntransfer-encoding: chunked" in head:
        return received.endswith(_LAST_CHUNK), closes
    return is_ended, closes


def main() -> None:
    """Read what to do, do it, and write what came of it."""
    orders = json.loads(sys.stdin.buffer.readline())
    lanes = [Lane(**lane) for lane in orders["lanes"]]
    load = _Load(orders["port"], lanes, drain_seconds=orders["drain_seconds"])
    load.run()
    spent = os.times()
    found = {"records": load.records, "cpu_seconds": spent.user + spent.system}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
