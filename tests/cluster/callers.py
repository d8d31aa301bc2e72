"""Callers who send requests without a pause, each over a connection of its own."""

import http.client
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus

_TIMEOUT_SECONDS = 60
# A host that has gone, or a proxy that is not there yet, is asked again after some time.
_PAUSE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Question:
    """What callers ask.

    Attributes:
        path: Path and query.
        content_type: Media type of the body.
        body: The body.
    """

    path: str
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a caller.

    Attributes:
        address: Host that was asked.
        sent, ended: Moments, by `time.monotonic`, of its begin and of its end.
        error: What was answered instead of a prediction; empty for a good answer.
        version: Version that answered.
    """

    address: str
    sent: float
    ended: float
    error: str = ""
    version: str = ""

    def is_in_flight(self, moment: float) -> bool:
        """Tell whether it was under way at a moment."""
        return self.sent <= moment <= self.ended


@dataclass(slots=True)
class Calls:
    """What became of the requests.

    Attributes:
        requests: All that were sent, in the order in which they ended.
        refused: Number of connections that could not be made: nothing was sent on them.
    """

    requests: list[Request] = field(default_factory=list)
    refused: int = 0
    _new: threading.Condition = field(default_factory=threading.Condition)

    @property
    def failed(self) -> list[Request]:
        """Those that were not answered as they should be."""
        return [request for request in self.requests if request.error]

    def add(self, request: Request) -> None:
        """Take note of a request."""
        with self._new:
            self.requests.append(request)
            self._new.notify_all()

    def wait(self, more: int) -> None:
        """Wait for so many further answers."""
        with self._new:
            wanted = self._answered() + more
            if not self._new.wait_for(lambda: self._answered() >= wanted, _TIMEOUT_SECONDS):
                raise TimeoutError(f"{wanted} answers did not come: {self.failed[-3:]}.")

    def _answered(self) -> int:
        return len(self.requests) - len(self.failed)


@contextmanager
def calling(
    addresses: Sequence[str], port: int, question: Question, *, each: int = 2
) -> Iterator[Calls]:
    """Ask until the block ends.

    Args:
        addresses: Hosts that are asked.
        port: Port of all of them.
        question: What is asked.
        each: Number of callers for each host.
    """
    calls, is_over = Calls(), threading.Event()
    threads = [
        threading.Thread(target=_call, args=(address, port, question, calls, is_over))
        for address in addresses
        for _ in range(each)
    ]
    for thread in threads:
        thread.start()
    try:
        yield calls
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def _call(
    address: str, port: int, question: Question, calls: Calls, is_over: threading.Event
) -> None:
    connection = http.client.HTTPConnection(address, port, timeout=_TIMEOUT_SECONDS)
    while not is_over.is_set():
        if connection.sock is None:
            try:
                connection.connect()
            except OSError:
                calls.refused += 1
                is_over.wait(_PAUSE_SECONDS)
                continue
        request = _ask(connection, address, question)
        calls.add(request)
        if request.error:
            connection.close()
    connection.close()


def _ask(connection: http.client.HTTPConnection, address: str, question: Question) -> Request:
    sent = time.monotonic()
    error = version = ""
    try:
        headers = {"Content-Type": question.content_type}
        connection.request("POST", question.path, question.body, headers)
        answer = connection.getresponse()
        text = answer.read()
        version = answer.headers.get("X-Model-Version", "")
        if answer.status != HTTPStatus.OK:
            error = f"{answer.status} {text[:300]!r}"
    except (OSError, http.client.HTTPException) as broken:
        error = repr(broken)
        with suppress(OSError):
            connection.close()
    return Request(address, sent, time.monotonic(), error, version)
