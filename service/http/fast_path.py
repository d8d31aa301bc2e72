"""The short way of a small request for predictions: without Flask, and together with others.

What costs about a millisecond is answered on the event loop, what costs more in a thread. What
costs more than is computed in one piece is left to the ordinary route. All call the same functions
in the same order, so that no client can tell them apart.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any

from service.errors import BodyTooLarge
from service.http import costs, problems
from service.http.access import Access
from service.http.batches import predict_together
from service.http.content import MediaHeaders
from service.http.context import RequestContext, finish_together
from service.http.cors import Sharing
from service.http.deadlines import TIMEOUT_HEADER, read_timeout, within
from service.http.languages import READ_HEADERS, Language, Languages, Question
from service.http.predictor import Predictor, Prepared
from service.http.reply import Headers, Reply, complete
from service.http.transfer import PEEKED_BYTES
from service.telemetry.metrics import Metrics
from service.telemetry.observer import DeferredObserver, count_together
from service.telemetry.tracing import Tracing
from vitrine.model import Model
from vitrine.observer import Unlimited
from vitrine.options import Options

# Name of the fast path among the extensions of an application.
FAST_PATH = "vitrine.fast_path"

_MAX_BODY_BYTES = 2**16
# What may be computed on the event loop: a drawing of 280 x 280 pixels, or two small ones.
LOOP_SECONDS = 0.00115
# What a small request takes beside its network, as long as nothing is known of its body.
_LEAST_SECONDS = 0.0002
_MEDIA = ("content-type", "content-encoding", "accept")
_TIMEOUT = TIMEOUT_HEADER.lower()
_TRACE = ("traceparent", "tracestate")
_OTHERS = ("authorization", "origin", "x-request-id")
_READ = {name.encode(): name for name in (*_MEDIA, *_TRACE, *READ_HEADERS, _TIMEOUT, *_OTHERS)}


class _TooCostly(Exception):
    """The request should be answered elsewhere: it costs too much, or needs Flask.

    Args:
        seconds: Estimated time that it takes.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Costly:
    """What is not answered here.

    Attributes:
        seconds: Estimated time that it takes.
    """

    seconds: float


@dataclass(slots=True)  # not frozen: that takes four times as long to make
class SmallRequest:
    """A request whose body is complete.

    Attributes:
        target: Path and query, as the client sent them.
        headers: Name in lower case and value of each header.
        body: The body.
        remote: Address of the client.
        root: Path under which the client sees the service; empty for none.
        is_secure: Whether the client asked over TLS.
        arrived: Moment at which it arrived, by `time.monotonic`.
    """

    target: bytes
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    remote: str
    root: str = ""
    is_secure: bool = False
    arrived: float = field(default_factory=time.monotonic)


class FastPath:
    """Answers small requests for predictions, those that are there together in one go.

    Args:
        predictor: Finds models, and reads instances for them.
        languages: The languages in which predictions are asked for.
        metrics: Where they are counted.
        sharing: What is said to pages of other origins.
        tracing: Begins the traces of requests.
        access: Checks the API keys; None where none are asked for.
    """

    def __init__(
        self,
        predictor: Predictor,
        languages: Languages,
        metrics: Metrics,
        sharing: Sharing,
        tracing: Tracing,
        access: Access | None = None,
    ) -> None:
        self._predictor = predictor
        self._match = languages.match
        self._metrics = metrics
        self._sharing = sharing
        self._tracing = tracing
        self._access = access
        self._max_timeout_seconds = predictor.settings.request_timeout_seconds

    def takes(self, method: bytes, target: bytes, body_bytes: int) -> bool:
        """Tell whether a request may be one for this path.

        Args:
            method: HTTP method, in capitals.
            target: Path and query, as the client sent them.
            body_bytes: Length of the body.
        """
        return (
            method == b"POST" and body_bytes <= _MAX_BODY_BYTES and self._match(target) is not None
        )

    def look_up(self, target: bytes) -> "Expected":
        """Return what is known of a request that this path takes, before its body is read.

        Args:
            target: Path and query, as the client sent them.
        """
        model = self._predictor.find(self._match(target))
        if model is None:  # the answer will say that there is none
            return Expected(seconds=_LEAST_SECONDS, max_batch=1)
        seconds = _LEAST_SECONDS + model.pass_seconds
        return Expected(seconds=seconds, max_batch=model.max_batch_instances)

    def answer(
        self, requests: Iterable[SmallRequest], *, max_seconds: float = LOOP_SECONDS
    ) -> "Answered":
        """Answer requests, and leave those that cost more than others.

        Args:
            requests: Requests that this path takes, and whose bodies are complete.
            max_seconds: Most that each of them may cost.
        """
        all_asked = [self._prepare(request, max_seconds) for request in requests]
        outcomes = [asked.outcome for asked in all_asked if isinstance(asked, _Asked)]
        calls = predict_together([each for each in outcomes if isinstance(each, Prepared)])
        replies = [
            asked if isinstance(asked, Costly) else self._reply(asked) for asked in all_asked
        ]
        answered = [asked for asked in all_asked if isinstance(asked, _Asked)]
        return Answered(replies, answered, calls, self._metrics)

    def _prepare(self, request: SmallRequest, max_seconds: float) -> "_Asked | Costly":
        """Decode the body of a request, unless another way should answer it."""
        route, read = self._match(request.target), _read(request.headers)
        if route is None or read is None:
            return Costly(_LEAST_SECONDS)
        observer = DeferredObserver(self._metrics)
        header = partial(_value, read)
        context = RequestContext(
            method="POST",
            path=route.path,
            remote=request.remote,
            given_id=header("x-request-id"),
            slot=Unlimited(),
            observer=observer,
        )
        context.root, context.is_secure = request.root, request.is_secure
        context.route = route.rule
        context.follow(self._tracing, read.get("traceparent"), read.get("tracestate"))
        context.waited_since(request.arrived)
        body = _Whole(request.body)
        outcome: Prepared | Exception
        try:
            if self._access is not None:
                self._access.admit(header("authorization"), context)
            given = read.get(_TIMEOUT)
            if given is not None:
                self._limit(request.arrived, read_timeout(given))
            question = Question(
                target=route.target,
                rule=route.rule,
                media=MediaHeaders(*map(header, _MEDIA)),
                header=header,
                url=_decline,
                limit=partial(self._limit, request.arrived),
                admit=partial(
                    _admit,
                    max_seconds=max_seconds,
                    body=request.body,
                    max_pixels=self._predictor.settings.max_pixels,
                ),
            )
            prepared = route.language.prepare(question, body, context)
            with observer.decode:
                outcome = prepared.decoded()
        except _TooCostly as costly:
            if self._access is not None:
                self._access.withdraw(context)
            return Costly(costly.seconds)
        except Exception as error:  # noqa: BLE001 - every error has an answer
            outcome = error
        context.received_bytes = body.received_bytes
        return _Asked(context, observer, route.language, read.get("origin"), outcome)

    def _limit(self, arrived: float, seconds: float) -> None:
        """Check that a request has not taken longer than it may."""
        deadline = within(seconds, arrived, max_seconds=self._max_timeout_seconds)
        deadline.check(time.monotonic())

    def _reply(self, asked: "_Asked") -> Reply:
        context = asked.context
        try:
            status, headers, body = self._answer(asked)
        except Exception as error:  # noqa: BLE001 - every error has an answer
            problem = problems.describe(error, context)
            said = asked.language.error_body(problem)
            status, body = said.status, said.body
            headers = [("Content-Type", said.content_type), *problem.headers.items()]
        reply = complete(context, status, headers, body, self._sharing.headers(asked.origin))
        context.end()
        return reply

    def _answer(self, asked: "_Asked") -> tuple[int, Headers, bytes]:
        if isinstance(asked.outcome, Exception):
            raise asked.outcome
        answer = asked.outcome.answer()
        return HTTPStatus.OK, answer.headers, b"".join(answer.pieces)


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known of a request before its body is read.

    Attributes:
        seconds: Estimated time that it takes.
        max_batch: Number of such requests that are worth predicting together.
    """

    seconds: float
    max_batch: int


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of some requests.

    Attributes:
        replies: The answer to each request, in order, or what it costs where it has none.
    """

    replies: Sequence[Reply | Costly]
    _asked: "Sequence[_Asked]"
    _calls: Sequence[tuple[Model, int]]
    _metrics: Metrics

    def settle(self) -> None:
        """Count and log what was answered, all together.

        Counted one by one, small requests would spend a sixth of their time on it; and the answers
        have left by now.
        """
        count_together((asked.observer for asked in self._asked), self._metrics)
        for model, instances in self._calls:
            self._metrics.batch_instances.labels(model.name, model.version).observe(instances)
        finish_together([asked.context for asked in self._asked])


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that is being answered, and what came of its body: instances, or an error."""

    context: RequestContext
    observer: DeferredObserver
    language: Language
    origin: str | None
    outcome: Prepared | Exception


class _Whole:
    """A body that is there.

    Attributes:
        received_bytes: Number of bytes that were looked at.
    """

    __slots__ = ("_body", "_read", "received_bytes")

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._read = 0
        self.received_bytes = 0

    def limit(self, max_bytes: int) -> None:
        """Refuse a body of more bytes."""
        if len(self._body) > max_bytes:
            raise BodyTooLarge(max_bytes)

    def peek(self) -> bytes:
        """Return the first bytes of the body, which can still be read."""
        head = self._body[:PEEKED_BYTES]
        self.received_bytes = len(head)
        return head

    def read(self, size: int, /) -> bytes:
        """Return the next bytes."""
        piece = self._body[self._read : self._read + size]
        self._read += len(piece)
        self.received_bytes = max(self.received_bytes, self._read)
        return piece

    def read_all(self) -> bytes:
        """Return the body."""
        self.received_bytes = len(self._body)
        return self._body


def _read(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str] | None:
    """Return the headers that matter here; None where one of them comes twice."""
    read: dict[str, str] = {}
    for raw, value in headers:
        name = _READ.get(raw)
        if name is not None:
            if name in read:
                return None
            read[name] = value.decode("latin-1")
    return read


def _value(read: Mapping[str, str], name: str) -> str:
    return read.get(name, "")


def _admit(
    model: Model,
    options: Options,
    instances: Sequence[object] | None,
    *,
    max_seconds: float,
    body: bytes,
    max_pixels: int,
) -> None:
    """Leave to others what costs too much, and what can be explained or read in pieces alone."""
    if instances is None:
        raise _TooCostly(costs.estimate_table(model, options, body, len(body)))
    seconds = costs.estimate(model, options, instances, max_pixels=max_pixels)
    if seconds > max_seconds or options.explain:
        raise _TooCostly(seconds)


def _decline() -> Any:
    """Leave to the ordinary route what needs the address by which the service was asked."""
    raise _TooCostly(_LEAST_SECONDS)
