"""Callers who send requests without a pause, each over a connection of its own.

As load balancers do, they ask each host again and again whether it takes requests, and leave one
that says no, as a proxy without replicas does for half a minute before it ends.
"""

import http.client
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

_TIMEOUT_SECONDS = 60
# A host that has gone, or a proxy that is not there yet, is asked again after some time.
_PAUSE_SECONDS = 0.05
_PROBE_SECONDS = 1.0


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


@dataclass(slots=True)
class Calls:
    """What became of the requests.

    Attributes:
        requests: All that were sent, in the order in which they ended.
    """

    requests: list[Request] = field(default_factory=list)
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
    addresses: Sequence[str], port: int, question: Question, *, probe: str, each: int = 2
) -> Iterator[Calls]:
    """Ask until the block ends.

    Args:
        addresses: Hosts that are asked.
        port: Port of all of them.
        question: What is asked.
        probe: Path at which a host says whether it takes requests.
        each: Number of callers for each host.
    """
    calls, is_over = Calls(), threading.Event()
    callers = [_Caller(address, port, probe) for address in addresses for _ in range(each)]
    threads = [
        threading.Thread(target=caller.ask_on, args=(question, calls, is_over))
        for caller in callers
    ]
    for thread in threads:
        thread.start()
    try:
        yield calls
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


class _Caller:
    def __init__(self, address: str, port: int, probe: str) -> None:
        self._connection = http.client.HTTPConnection(address, port, timeout=_TIMEOUT_SECONDS)
        self._address = address
        self._probe = probe
        self._probed = 0.0

    def ask_on(self, question: Question, calls: Calls, is_over: threading.Event) -> None:
        """Ask again and again."""
        while not is_over.is_set():
            if not self._may_ask():
                self._connection.close()
                is_over.wait(_PAUSE_SECONDS)
                continue
            calls.add(self._ask(question))
        self._connection.close()

    def _may_ask(self) -> bool:
        now = time.monotonic()
        if self._connection.sock is not None and now < self._probed + _PROBE_SECONDS:
            return True
        self._probed = now
        try:
            self._connection.request("GET", self._probe)
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            return False
        return answer.status == HTTPStatus.OK

    def _ask(self, question: Question) -> Request:
        sent = time.monotonic()
        error = version = ""
        try:
            headers = {"Content-Type": question.content_type}
            self._connection.request("POST", question.path, question.body, headers)
            answer = self._connection.getresponse()
            text = answer.read()
            version = answer.headers.get("X-Model-Version", "")
            if answer.status != HTTPStatus.OK:
                error = f"{answer.status} {text[:300]!r}"
        except (OSError, http.client.HTTPException) as broken:
            error = repr(broken)
        if error:
            self._connection.close()
        return Request(self._address, sent, time.monotonic(), error, version)
