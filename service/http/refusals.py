"""The answers to what the server refuses before any route sees it."""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from urllib.parse import unquote

from service.http import problems
from service.http.access import Access
from service.http.context import RequestContext
from service.http.cors import Sharing
from service.http.languages import Languages
from service.http.problems import Problem
from service.http.reply import Headers, Reply, complete
from service.telemetry.metrics import Metrics
from service.telemetry.observer import PredictionObserver
from service.telemetry.tracing import Tracing
from vitrine.errors import VitrineError
from vitrine.observer import Unlimited

# Name of the refusals among the extensions of an application.
REFUSALS = "vitrine.refusals"


class Refusals:
    """Answers what the server refuses, counts it and logs it.

    Args:
        metrics: Where it is counted.
        sharing: What is said to pages of other origins.
        tracing: Begins the traces of requests.
        languages: The languages in which predictions are asked for.
        access: Checks the API keys; None where none are asked for.
        root: Path under which clients see the service; empty for none.
        is_secure: Whether the server encrypts its connections.
    """

    def __init__(  # noqa: PLR0913 - each is a part that is made elsewhere
        self,
        metrics: Metrics,
        sharing: Sharing,
        tracing: Tracing,
        languages: Languages,
        access: Access | None = None,
        *,
        root: str = "",
        is_secure: bool = False,
    ) -> None:
        self._tracing = tracing
        self._languages = languages
        self._access = access
        self._root = root
        self._is_secure = is_secure
        self._metrics = metrics
        self._sharing = sharing

    def answer(self, status: HTTPStatus, detail: str, remote: str) -> Reply:
        """Say why something is no HTTP request.

        Args:
            status: HTTP status of the answer.
            detail: What is wrong.
            remote: Address of the client.
        """
        context = self._context(method="", path="", remote=remote, given_id="")
        return self._finish(context, "", problems.of_status(status, context, detail), [])

    def judge(
        self, method: bytes, target: bytes, headers: Sequence[tuple[bytes, bytes]]
    ) -> VitrineError | None:
        """Return why a request for predictions is refused before its body arrives, if it is.

        Without this, whoever has no key could send bodies, and have them kept, as anybody else.

        Args:
            method: HTTP method.
            target: Path and query, as the client sent them.
            headers: Name in lower case and value of each header of the request.
        """
        if self._access is None or method != b"POST" or self._languages.match(target) is None:
            return None
        return self._access.refusal(_value(headers, b"authorization") or "")

    def refuse(
        self,
        error: VitrineError,
        *,
        method: str,
        target: bytes,
        headers: Sequence[tuple[bytes, bytes]],
        remote: str,
    ) -> Reply:
        """Refuse a request of which the head has arrived.

        Args:
            error: Says why.
            method: HTTP method.
            target: Path and query, as the client sent them.
            headers: Name in lower case and value of each header of the request.
            remote: Address of the client.
        """
        given_id = _value(headers, b"x-request-id") or ""
        path = unquote(target.partition(b"?")[0], errors="replace")
        context = self._context(method=method, path=path, remote=remote, given_id=given_id)
        parent, state = _value(headers, b"traceparent"), _value(headers, b"tracestate")
        context.follow(self._tracing, parent, state)
        route = self._languages.match(target)
        if route is not None:
            context.route = route.rule
        shared = self._sharing.headers(_value(headers, b"origin"))
        reply = self._finish(context, path, problems.describe(error, context), shared)
        return replace(reply, body=b"") if method == "HEAD" else reply

    def _context(self, *, method: str, path: str, remote: str, given_id: str) -> RequestContext:
        context = RequestContext(
            method=method,
            path=path,
            remote=remote,
            given_id=given_id,
            slot=Unlimited(),
            observer=PredictionObserver(self._metrics),
        )
        context.root, context.is_secure = self._root, self._is_secure
        return context

    def _finish(
        self, context: RequestContext, path: str, problem: Problem, shared: Headers
    ) -> Reply:
        said = self._languages.of(path).error_body(problem)
        headers = [("Content-Type", said.content_type), *problem.headers.items()]
        reply = complete(context, said.status, headers, said.body, shared)
        context.finish()
        return reply


def _value(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> str | None:
    """Return the value of a header, joined as WSGI has it where it comes twice; None for none."""
    values = [value.decode("latin-1") for key, value in headers if key == name]
    return ",".join(values) if values else None
