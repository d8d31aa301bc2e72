"""The short way of a small request for predictions: answered where it was received, without Flask.

It answers what costs about a millisecond or less, and leaves everything else to the ordinary route.
Both call the same functions in the same order, so that no client can tell them apart.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from service.errors import BodyTooLarge
from service.http import problems
from service.http.access import Access
from service.http.api import PREDICT_RULES, VERSION_PATTERN
from service.http.batches import predict_together
from service.http.content import MediaHeaders
from service.http.context import RequestContext
from service.http.cors import Sharing
from service.http.predictor import Predictor, Prepared, Target
from service.http.reply import Headers, Reply, complete
from service.http.transfer import PEEKED_BYTES
from service.telemetry.metrics import Metrics
from service.telemetry.observer import DeferredObserver, count_together
from service.telemetry.tracing import Tracing
from vitrine.model import Model
from vitrine.observer import Unlimited
from vitrine.options import Options
from vitrine.pictures import declared_pixels

# Name of the fast path among the extensions of an application.
FAST_PATH = "vitrine.fast_path"

_MAX_BODY_BYTES = 2**16
_MAX_INSTANCES = 16
# A drawing of 280 x 280 pixels is found, fitted and read in about a millisecond; a small one, whose
# geometry costs more than its pixels, in half of that.
_MAX_PIXELS = 2**17
_LEAST_PIXELS = 2**16
_MAX_INFERENCE_SECONDS = 0.001
# A path of plain characters alone: whatever is escaped is left to the ordinary route.
_PATH = re.compile(
    rf"/models/([\w.~-]+)(?:/versions/({VERSION_PATTERN})|/labels/([\w.~-]+))?/predict/?", re.ASCII
)
_MEDIA = (b"content-type", b"content-encoding", b"accept")
_TRACE = (b"traceparent", b"tracestate")
_READ = frozenset((*_MEDIA, *_TRACE, b"authorization", b"origin", b"x-request-id"))


class _TooCostly(Exception):
    """The ordinary route should answer: the request costs too much, or needs Flask."""


@dataclass(frozen=True, slots=True)
class SmallRequest:
    """A request whose body is complete.

    Attributes:
        target: Path and query, as the client sent them.
        headers: Name in lower case and value of each header.
        body: The body.
        remote: Address of the client.
        root: Path under which the client sees the service; empty for none.
        is_secure: Whether the client asked over TLS.
    """

    target: bytes
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    remote: str
    root: str = ""
    is_secure: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """A route of predictions that a path matched.

    Attributes:
        target: What is asked.
        rule: Rule that the path matched.
        path: The path.
    """

    target: Target
    rule: str
    path: str


class FastPath:
    """Answers small requests for predictions, those that arrive together in one go.

    Args:
        predictor: Answers them.
        metrics: Where they are counted.
        sharing: What is said to pages of other origins.
        tracing: Begins the traces of requests.
        access: Checks the API keys; None where none are asked for.
    """

    def __init__(
        self,
        predictor: Predictor,
        metrics: Metrics,
        sharing: Sharing,
        tracing: Tracing,
        access: Access | None = None,
    ) -> None:
        self._predictor = predictor
        self._metrics = metrics
        self._sharing = sharing
        self._tracing = tracing
        self._access = access
        self._answered: list[_Asked] = []

    def takes(self, method: bytes, target: bytes, body_bytes: int) -> bool:
        """Tell whether a request may be one for this path.

        Args:
            method: HTTP method, in capitals.
            target: Path and query, as the client sent them.
            body_bytes: Length of the body.
        """
        return method == b"POST" and body_bytes <= _MAX_BODY_BYTES and match(target) is not None

    def answer(self, requests: Iterable[SmallRequest]) -> list[Reply | None]:
        """Answer requests; None for each that the ordinary route should answer.

        They are counted and logged by the next call of `settle`.

        Args:
            requests: Requests that this path takes, and whose bodies are complete.
        """
        all_asked = [self._prepare(request) for request in requests]
        outcomes = [asked.outcome for asked in all_asked if asked is not None]
        predict_together([each for each in outcomes if isinstance(each, Prepared)])
        return [None if asked is None else self._reply(asked) for asked in all_asked]

    def settle(self) -> None:
        """Count and log what was answered since the last call, all together.

        Counted one by one, small requests would spend a sixth of their time on it; and the answers
        have left by now.
        """
        answered, self._answered = self._answered, []
        count_together((asked.observer for asked in answered), self._metrics)
        for asked in answered:
            asked.context.finish()

    def _prepare(self, request: SmallRequest) -> "_Asked | None":
        """Decode the body of a request; None where the ordinary route should."""
        route, read = match(request.target), _read(request.headers)
        if route is None or read is None:
            return None
        observer = DeferredObserver(self._metrics)
        context = RequestContext(
            method="POST",
            path=route.path,
            remote=request.remote,
            given_id=read.get(b"x-request-id", ""),
            slot=Unlimited(),
            observer=observer,
        )
        context.root, context.is_secure = request.root, request.is_secure
        context.route = route.rule
        context.follow(self._tracing, read.get(b"traceparent"), read.get(b"tracestate"))
        body = _Whole(request.body)
        media = MediaHeaders(*[read.get(name, "") for name in _MEDIA])
        outcome: Prepared | Exception
        try:
            if self._access is not None:
                self._access.admit(read.get(b"authorization", ""), context)
            prepared = self._predictor.prepare(
                route.target, media, body, context, url=_decline, admit=_admit
            )
            with observer.decode:
                blocks = list(prepared.stream.blocks)
            outcome = replace(prepared, stream=replace(prepared.stream, blocks=blocks))
        except _TooCostly:
            if self._access is not None:
                self._access.withdraw(context)
            return None
        except Exception as error:  # noqa: BLE001 - every error has an answer
            outcome = error
        context.received_bytes = body.received_bytes
        return _Asked(context, observer, read.get(b"origin"), outcome)

    def _reply(self, asked: "_Asked") -> Reply:
        context = asked.context
        try:
            status, headers, body = self._answer(asked)
        except Exception as error:  # noqa: BLE001 - every error has an answer
            problem = problems.describe(error, context)
            status = problem.status
            headers = [("Content-Type", problems.PROBLEM_TYPE), *problem.headers.items()]
            body = problems.write_problem(problem)
        reply = complete(context, status, headers, body, self._sharing.headers(asked.origin))
        context.end()
        self._answered.append(asked)
        return reply

    def _answer(self, asked: "_Asked") -> tuple[int, Headers, bytes]:
        if isinstance(asked.outcome, Exception):
            raise asked.outcome
        answer = asked.outcome.answer()
        return HTTPStatus.OK, answer.headers, b"".join(answer.pieces)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that is being answered, and what came of its body: instances, or an error."""

    context: RequestContext
    observer: DeferredObserver
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


# Clients ask for the same few paths again and again.
@lru_cache(maxsize=1024)
def match(target: bytes) -> Route | None:
    """Return the route of a target that asks for predictions; None for any other target."""
    path, _, query = target.decode("latin-1").partition("?")
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    name, version, label = found.groups()
    rule = PREDICT_RULES[1 if version else 2 if label else 0]
    number = None if version is None else int(version)
    return Route(Target(name, number, label, query), rule, path)


def _read(headers: Sequence[tuple[bytes, bytes]]) -> dict[bytes, str] | None:
    """Return the headers that matter here; None where one of them comes twice."""
    read: dict[bytes, str] = {}
    for name, value in headers:
        if name in _READ:
            if name in read:
                return None
            read[name] = value.decode("latin-1")
    return read


def _admit(model: Model, options: Options, instances: Sequence[object] | None) -> None:
    """Leave to the ordinary route what costs more than about a millisecond."""
    if instances is None or options.explain or len(instances) > _MAX_INSTANCES:
        raise _TooCostly
    if len(instances) * model.pass_seconds > _MAX_INFERENCE_SECONDS:
        raise _TooCostly
    is_picture = model.manifest.signature.picture is not None
    if is_picture and sum(map(_pixels, instances)) > _MAX_PIXELS:
        raise _TooCostly


def _pixels(picture: object) -> float:
    return max(_LEAST_PIXELS, declared_pixels(picture))


def _decline() -> Any:
    """Leave to the ordinary route what needs the address by which the service was asked."""
    raise _TooCostly
