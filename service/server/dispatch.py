"""Where, and when, a request is answered: on the event loop or in a thread, now or in its turn.

- A small request for predictions of a quick network is answered on the loop, with those that are
  there at the same moment.
- One of a slow network waits until a core is free. Then a thread answers it, with others that wait
  for the same model, if that gains from it.
- Other requests for predictions wait on the loop as well, and take a thread, which runs the
  application, when it is their turn. Only a body that is read while it arrives takes one before.
- Probes, metrics, management and everything else have threads of their own.

What waits takes no thread, and refusing it costs little, which matters under overload.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TypeGuard

from service.admission.backlog import Backlog
from service.admission.jobs import NEVER, SHORT_SECONDS, Deadline, Job
from service.admission.slots import UNKNOWN_SECONDS
from service.errors import Overloaded
from service.http.admission import Admission
from service.http.fast_path import LOOP_SECONDS, Answered, Costly, Expected, FastPath, SmallRequest
from service.http.refusals import Refusals
from service.http.reply import Reply
from service.server.connection import Connection, Refusal
from service.server.gateway import Gateway
from service.server.outgoing import Outgoing
from service.server.request import Request
from service.server.wire import write_head
from vitrine.errors import VitrineError

# What is asked to find out whether the service lives must not wait behind what it is busy with.
_METRICS = b"/metrics"
_READING_METHODS = frozenset((b"GET", b"HEAD", b"OPTIONS"))
_PROBE_THREADS = 2
# Those that wait for the metrics at the same time get the same text.
_METRICS_THREADS = 8
_MANAGEMENT_THREADS = 4
_PAGE_THREADS = 4
_SPARE_THREADS = 64
# More of one kind wait only where clients ask faster than anything can be answered.
_MAX_WAITING = 1024
# Small requests that are answered before the loop looks at its connections again, and the time that
# these may take, by what others took before.
_ANSWERED_AT_ONCE = 16
_TURN_SECONDS = 0.004
# Of small requests on the loop, not more waits than is answered in this time.
_MAX_LOOP_SECONDS = 0.5
# A smaller body cannot hold many instances.
_GUESSED_BYTES = 4096
# A first guess of what a small request takes on the loop, and how fast the measured time follows.
_SMALL_SECONDS = 0.0002
_TIME_WEIGHT = 0.02
# While anything waits, what has waited for too long is looked for so often.
_SWEEP_SECONDS = 0.01

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of the application that a dispatcher works with.

    Attributes:
        admission: Estimates what requests cost, and starts them in their turn.
        refusals: Answers what is refused.
        fast_path: Answers small requests; None where every request goes through the application.
        gateway: Runs the application in a thread.
    """

    admission: Admission
    refusals: Refusals
    fast_path: FastPath | None
    gateway: Gateway


@dataclass(frozen=True, slots=True)
class Threads:
    """How many requests hold threads.

    Attributes:
        large: Number of large requests that may have begun.
        streams: Number of bodies that are read while they arrive.
    """

    large: int
    streams: int


class Dispatcher:
    """Decides where and when the requests of one worker are answered.

    Args:
        parts: The parts of the application.
        loop: The event loop.
        threads: How many requests hold threads.
        is_encrypted: Whether the connections are encrypted.
        keeps_alive: Tells whether connections are kept after an answer.
        count: Called for each request that is answered.
    """

    def __init__(
        self,
        parts: Parts,
        loop: asyncio.AbstractEventLoop,
        *,
        threads: Threads,
        is_encrypted: bool,
        keeps_alive: Callable[[], bool],
        count: Callable[[], None],
    ) -> None:
        self._admission = parts.admission
        self._scheduler = parts.admission.scheduler
        self._refusals = parts.refusals
        languages = parts.admission.languages
        self._is_for_predictions = languages.asks_for_predictions
        self._probe_paths = frozenset(path.encode() for path in languages.probes)
        self._fast_path = parts.fast_path
        self._gateway = parts.gateway
        self._is_encrypted = is_encrypted
        self._loop = loop
        self._keeps_alive = keeps_alive
        self._count = count
        self._small: Backlog[_Small] = Backlog(max_wait_seconds=_MAX_LOOP_SECONDS)
        self._small_seconds = _SMALL_SECONDS
        self._expected: dict[bytes, Expected] = {}
        self._is_sweeping = False
        self._batches = ThreadPoolExecutor(self._scheduler.cores, thread_name_prefix="batch")
        # A job that was started needs a thread: others may wait for what it holds.
        self._large = _Lane(2 * threads.large + _SPARE_THREADS, "request")
        self._scheduler.max_begun = threads.large
        self._streams = _Lane(threads.streams, "stream")
        self._probes = _Lane(_PROBE_THREADS, "probe")
        self._sums = _Lane(_METRICS_THREADS, "metrics")
        self._management = _Lane(_MANAGEMENT_THREADS, "management")
        self._pages = _Lane(_PAGE_THREADS, "page")
        predictions, others = (self._large, self._streams), (self._management, self._pages)
        self._lanes = (*predictions, self._probes, self._sums, *others)
        parts.admission.watch(self._forget_models)

    def close(self) -> None:
        """Start no more threads."""
        self._batches.shutdown(wait=False)
        for lane in self._lanes:
            lane.close()

    def takes(self, connection: Connection, request: Request) -> bool:
        """Take a request that is not to be handed to a thread at once.

        Args:
            connection: Where it came from. Its `answered` is called later, never at once.
            request: The request, of which all has arrived.
        """
        if not self._asks_for_predictions(request):
            lane = self._lane(request)
            if lane.is_full:
                self._loop.call_soon(self.refuse, connection, request, Overloaded(1.0))
            return lane.is_full
        path, body = self._fast_path, request.body
        is_small = path is not None and path.takes(b"POST", request.target, body.arrived_bytes)
        if path is not None and is_small and body.is_complete:
            self._take_small(connection, request, path)
        else:
            self._take_large(connection, request)
        return True

    def run(
        self, request: Request, outgoing: Outgoing, *, on_end: Callable[[], None] | None
    ) -> None:
        """Let a thread answer a request that was not taken, or whose turn has come.

        Args:
            request: The request.
            outgoing: Where the answer goes.
            on_end: Called in the thread, at its end, where the body is read while it arrives; None
                for a request of which all has arrived.
        """
        self._count()
        if on_end is not None:
            request.slot = self._admission.slot(request.client, NEVER, arrived=time.monotonic())
        lane = self._lane(request) if on_end is None else self._streams
        lane.submit(partial(self._answer, request, outgoing, on_end))

    def report(self, *, connections: int, max_connections: int, body_memory_bytes: int) -> None:
        """Show what waits, computes, and is open.

        Args:
            connections: Number of open connections.
            max_connections: Number of connections that may be open.
            body_memory_bytes: Memory of the bodies and answers that wait.
        """
        metrics, scheduler = self._admission.metrics, self._scheduler
        metrics.connections.labels().set(connections)
        metrics.max_connections.labels().set(max_connections)
        metrics.body_memory.labels().set(body_memory_bytes)
        metrics.waiting_requests.labels().set(scheduler.waiting + len(self._small))
        metrics.waiting_seconds.labels().set(scheduler.waiting_seconds + self._small.cost_seconds)
        metrics.computing_requests.labels().set(scheduler.computing)

    @property
    def is_busy(self) -> bool:
        """Whether requests compute, or wait to."""
        return bool(self._scheduler.computing or self._scheduler.waiting or self._small)

    def _answer(
        self, request: Request, outgoing: Outgoing, on_end: Callable[[], None] | None
    ) -> None:
        try:
            self._gateway.answer(request, outgoing, self._keeps_alive)
        finally:
            if request.slot is not None:
                request.slot.close()
            if on_end is not None:
                on_end()

    def _lane(self, request: Request) -> "_Lane":
        if self._asks_for_predictions(request):
            return self._large
        if request.method not in _READING_METHODS:
            return self._management
        path = request.target.partition(b"?")[0].rstrip(b"/")
        if path == _METRICS and not request.has_body:
            return self._sums
        is_probe = path in self._probe_paths and not request.has_body
        return self._probes if is_probe else self._pages

    def _asks_for_predictions(self, request: Request) -> bool:
        return request.method == b"POST" and self._is_for_predictions(request.target)

    # What is refused.

    def refuse(self, connection: Connection, request: Request, error: VitrineError | None) -> None:
        """Answer a request that was taken with an error; with none where its client is gone."""
        if request.slot is not None:
            request.slot.close()
        if error is None or connection.is_gone:
            self._admission.metrics.abandoned.labels().inc()
            return
        self._count()
        connection.answered(
            lambda keeps_alive: self.turn_away(request, error, keeps_alive=keeps_alive)
        )

    def judge(self, request: Request) -> VitrineError | None:
        """Return why a request is refused before its body arrives; None where it is not."""
        return self._refusals.judge(request.method, request.target, request.headers)

    def turn_away(self, request: Request, error: VitrineError, *, keeps_alive: bool) -> bytes:
        """Return the answer to a request that is refused before any route sees it."""
        reply = self._refusals.refuse(
            error,
            method=request.method.decode("ascii"),
            target=request.target,
            headers=request.headers,
            remote=request.remote,
        )
        return write(reply, request.version, keeps_alive=keeps_alive)

    def refuse_bytes(self, refusal: Refusal, remote: str) -> bytes:
        """Return the answer to what is no request."""
        reply = self._refusals.answer(refusal.status, refusal.detail, remote)
        return write(reply, "1.1", keeps_alive=False)

    def _watch(self) -> None:
        """Look soon for what has waited for too long, if anything waits."""
        if not self._is_sweeping and (self._small or self._scheduler.waiting):
            self._is_sweeping = True
            self._loop.call_later(_SWEEP_SECONDS, self._sweep)

    def _sweep(self) -> None:
        self._is_sweeping = False
        self._scheduler.sweep()
        for job, error in self._small.sweep(time.monotonic()):
            job.refuse(error)
        self._watch()

    def call_soon(self, callback: Callable[..., object], *values: object) -> None:
        """Let the loop call back; called in any thread."""
        try:
            self._loop.call_soon_threadsafe(callback, *values)
        except RuntimeError:  # the worker has ended, and its loop is closed
            _log.debug("The loop is closed.")

    # Small requests.

    def _forget_models(self, _: object) -> None:
        """Look anew at what requests ask for: other versions are served now."""
        self._expected = {}

    def _expect(self, target: bytes, path: FastPath) -> Expected:
        expected = self._expected.get(target)
        if expected is None:
            if len(self._expected) >= _MAX_WAITING:
                self._expected = {}
            expected = self._expected[target] = path.look_up(target)
        return expected

    def _take_small(self, connection: Connection, request: Request, path: FastPath) -> None:
        expected = self._expect(request.target, path)
        if request.body.arrived_bytes > _GUESSED_BYTES:
            guessed = self._guess(request)
            if guessed > SHORT_SECONDS:  # even to look at it closely costs too much on the loop
                self._queue(connection, request, guessed, arrived=time.monotonic())
                return
        if expected.seconds <= LOOP_SECONDS:
            if not self._small:
                self._loop.call_soon(self._answer_small, path)
            self._small.add(_Small(self, connection, request, self._small_seconds))
        elif expected.seconds <= SHORT_SECONDS:
            deadline = self._admission.deadline(request.headers)
            self._submit(_Batched(self, connection, request, expected, deadline))
        else:
            self._queue(connection, request, expected.seconds, arrived=time.monotonic())

    def _answer_small(self, path: FastPath) -> None:
        """Answer some of the small requests on the loop; the others follow in its next turn."""
        # By the clock of the thread: what else the machine does makes no request larger.
        started = time.thread_time()
        most = max(1, min(_ANSWERED_AT_ONCE, int(_TURN_SECONDS / self._small_seconds)))
        taken = list(islice(iter(partial(self._small.take, time.monotonic()), None), most))
        if self._small:
            self._loop.call_soon(self._answer_small, path)
            self._watch()
        answered = self._answer_all(path, taken, LOOP_SECONDS)
        self._deliver(taken, answered)
        if answered is not None:
            answered.settle()
        if taken:
            seconds = (time.thread_time() - started) / len(taken)
            self._small_seconds += _TIME_WEIGHT * (seconds - self._small_seconds)

    def start_batch(self, job: "_Batched") -> None:
        """Let a thread answer a job, with others that wait; called in any thread."""
        self._batches.submit(self._answer_batch, job)

    def _answer_batch(self, job: "_Batched") -> None:
        path = self._fast_path
        assert path is not None  # noqa: S101 - it looked the job up
        started = time.monotonic()
        jobs = [job]
        try:
            jobs += self._scheduler.take_alike(job.is_alike, job.max_batch - 1)
            answered = self._answer_all(path, jobs, SHORT_SECONDS)
        finally:
            self._scheduler.finish(
                is_short=True,
                estimated_seconds=sum(job.cost_seconds for job in jobs),
                seconds=time.monotonic() - started,
            )
        self.call_soon(self._deliver, jobs, answered)
        if answered is not None:
            answered.settle()

    def _answer_all(
        self, path: FastPath, jobs: "Sequence[_Small | _Batched]", max_seconds: float
    ) -> Answered | None:
        """Answer requests; None where that fails altogether, whichever it is that makes it fail."""
        try:
            return path.answer(map(self._small_request, jobs), max_seconds=max_seconds)
        except Exception:  # noqa: BLE001 - none of them may wait for ever
            _log.exception("Requests cannot be answered together.")
            return None

    def _small_request(self, job: "_Small | _Batched") -> SmallRequest:
        request, origin = job.request, job.request.origin
        scheme = None if origin is None else origin.scheme
        return SmallRequest(
            request.target,
            request.headers,
            request.body.whole(),
            request.remote,
            "" if origin is None else origin.root,
            self._is_encrypted if scheme is None else scheme == "https",
            job.arrived,
        )

    def _deliver(self, jobs: "Sequence[_Small | _Batched]", answered: Answered | None) -> None:
        """Send answers; what is too costly for a small request waits as a large one."""
        if answered is None:
            for job in jobs:
                self._queue(job.connection, job.request, UNKNOWN_SECONDS, arrived=job.arrived)
            return
        for job, reply in zip(jobs, answered.replies, strict=True):
            if isinstance(reply, Costly):
                self._queue(job.connection, job.request, reply.seconds, arrived=job.arrived)
            else:
                self._count()
                if not job.connection.answered(partial(write, reply, job.request.version)):
                    self._admission.metrics.abandoned.labels().inc()

    # Large requests.

    def _take_large(self, connection: Connection, request: Request) -> None:
        self._queue(connection, request, self._guess(request), arrived=time.monotonic())

    def _guess(self, request: Request) -> float:
        body = request.body
        return self._admission.guess(
            request.target, request.headers, body.head(), body.arrived_bytes
        )

    def _queue(
        self, connection: Connection, request: Request, seconds: float, *, arrived: float
    ) -> None:
        """Let a request wait for its turn to be answered by the application."""
        deadline = self._admission.deadline(request.headers)
        request.slot = self._admission.slot(request.client, deadline, arrived=arrived)
        try:
            request.slot.estimate(seconds)
        except VitrineError as error:
            self._loop.call_soon(self.refuse, connection, request, error)
        else:
            self._submit(_Large(self, connection, request, seconds, deadline))

    def _submit(self, job: Job) -> None:
        self._scheduler.submit(job)
        self._watch()

    def begin(self, job: "_Large") -> None:
        """Hand a large request over to a thread: its turn has come."""
        slot = job.request.slot
        if slot is not None:
            slot.grant(is_short=job.is_short)
            if not job.connection.answered(None):  # the client is gone
                self.refuse(job.connection, job.request, None)


class _Lane:
    """Threads for one kind of requests, and how many of these may wait for one.

    Args:
        threads: Number of threads.
        name: Name of the threads.
        most: Number of requests that may wait or be answered.
    """

    def __init__(self, threads: int, name: str, *, most: int = _MAX_WAITING) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._most = most
        self._count = 0
        self._lock = threading.Lock()

    @property
    def is_full(self) -> bool:
        """Whether no further request may wait."""
        return self._count >= self._most

    def submit(self, work: Callable[[], None]) -> None:
        """Let a thread do some work."""
        with self._lock:
            self._count += 1
        self._pool.submit(self._do, work)

    def _do(self, work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            with self._lock:
                self._count -= 1

    def close(self) -> None:
        """Start no more threads."""
        self._pool.shutdown(wait=False)


class _Taken(Job):
    """A request that was taken from its connection."""

    __slots__ = ("connection", "dispatcher", "request")

    def __init__(
        self,
        dispatcher: Dispatcher,
        connection: Connection,
        request: Request,
        cost_seconds: float,
        deadline: Deadline,
    ) -> None:
        super().__init__(cost_seconds, request.client, deadline)
        self.dispatcher = dispatcher
        self.connection = connection
        self.request = request

    def refuse(self, error: VitrineError | None) -> None:
        """Let the loop answer with an error."""
        self.dispatcher.call_soon(self.dispatcher.refuse, self.connection, self.request, error)


class _Small(_Taken):
    """A small request that is answered on the loop."""

    __slots__ = ()

    def __init__(
        self,
        dispatcher: Dispatcher,
        connection: Connection,
        request: Request,
        cost_seconds: float,
    ) -> None:
        # Its deadline is looked at when it is answered, which is soon.
        super().__init__(dispatcher, connection, request, cost_seconds, NEVER)

    def start(self) -> None:
        """Do nothing: the loop takes it."""


class _Batched(_Taken):
    """A small request that a thread answers, with others like it."""

    __slots__ = ("max_batch",)

    def __init__(
        self,
        dispatcher: Dispatcher,
        connection: Connection,
        request: Request,
        expected: Expected,
        deadline: Deadline,
    ) -> None:
        super().__init__(dispatcher, connection, request, expected.seconds, deadline)
        self.max_batch = expected.max_batch

    def start(self) -> None:
        """Let a thread answer it."""
        self.dispatcher.start_batch(self)

    def is_alike(self, other: Job) -> "TypeGuard[_Batched]":
        """Tell whether another job asks the same of the same model."""
        return isinstance(other, _Batched) and other.request.target == self.request.target


class _Large(_Taken):
    """A request that a thread answers by the application, when it is its turn."""

    __slots__ = ()

    def start(self) -> None:
        """Let the loop hand it over."""
        self.dispatcher.call_soon(self.dispatcher.begin, self)


def write(reply: Reply, version: str, keeps_alive: bool) -> bytes:
    """Write an answer as it is sent."""
    head = write_head(reply.status, reply.headers, version=version, keeps_alive=keeps_alive)
    return head + reply.body
