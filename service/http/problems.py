"""Any exception -> the error body of the language that was spoken.

Our own routes answer RFC 9457 problem+json. Who installs this module says which language is spoken
at a path; this module knows none of them.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import orjson
from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException

from service.admission.jobs import ClientGone
from service.errors import OutOfMemory
from service.http import context
from service.http.context import RequestContext
from vitrine.errors import Fault, VitrineError

PROBLEM_TYPE = "application/problem+json"
# Reason and status of a request whose client did not wait for its answer; the status is nginx's.
CLIENT_GONE = "client-gone"
CLIENT_CLOSED_REQUEST = 499
_ERROR_BODIES = "vitrine.error_bodies"
_DETAILS = {
    HTTPStatus.NOT_FOUND: "Nothing is served at this path.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This path does not take that method; Allow says which.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "The service failed; its log says more under this id.",
}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What went wrong with one request, in no language yet.

    Attributes:
        status: HTTP status of the answer.
        kind: Short name of the problem, as in metrics; None where the status says everything.
        title: Title of the problem, the same for every occurrence.
        detail: What is wrong with this request.
        faults: All faults of the body, where there is more to say than `detail`.
        request_id: Id of the request.
        root: Path under which the client sees the service.
        headers: Headers of the answer, in every language alike.
        error: The error, where it is one that a client can cause or meet.
        method: HTTP method of the request, as the client sent it.
        path: Its decoded path.
    """

    status: int
    kind: str | None
    title: str
    detail: str
    faults: tuple[Fault, ...] = ()
    request_id: str
    root: str
    headers: Mapping[str, str] = field(default_factory=dict)
    error: VitrineError | None = None
    method: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """How a language says what is wrong.

    Attributes:
        status: HTTP status.
        content_type: Media type of the body.
        body: The body.
    """

    status: int
    content_type: str
    body: bytes


# Given a path and what is wrong with a request to it.
WriteErrorBody = Callable[[str, Problem], ErrorBody]


def install(app: Flask, write_error_body: WriteErrorBody) -> None:
    """Turn every exception of an application into an answer.

    Args:
        app: The application.
        write_error_body: Says it in the language that is spoken at a path.
    """
    app.extensions[_ERROR_BODIES] = write_error_body
    app.register_error_handler(VitrineError, _answer_service_error)
    app.register_error_handler(HTTPException, _answer_http_exception)
    app.register_error_handler(ClientGone, _answer_nobody)
    app.register_error_handler(Exception, _answer_unexpected)


def _answer_service_error(error: VitrineError) -> Response:
    return _answer(describe(error, context.current()))


def _answer_http_exception(error: HTTPException) -> Response:
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    answer = _answer(of_status(status, context.current()))
    for name, value in error.get_headers():
        if name != "Content-Type":
            answer.headers[name] = value
    return answer


def _answer_unexpected(error: Exception) -> Response:
    return _answer(describe(error, context.current()))


def _answer_nobody(_: ClientGone) -> Response:
    """End a request whose client is gone; nobody reads the answer, but it is logged."""
    abandon(context.current())
    return Response(status=CLIENT_CLOSED_REQUEST)


def abandon(current: RequestContext) -> None:
    """Note and count that nobody waits for the answer to a request."""
    current.reason = CLIENT_GONE
    current.observer.metrics.abandoned.labels().inc()


def _answer(problem: Problem) -> Response:
    write: WriteErrorBody = current_app.extensions[_ERROR_BODIES]
    said = write(request.path, problem)
    return Response(said.body, said.status, problem.headers, content_type=said.content_type)


def describe(error: Exception, current: RequestContext) -> Problem:
    """Say what an exception means for the request that it ended; log it if it is our fault.

    Args:
        error: The exception.
        current: Context of the request, which notes the reason.
    """
    if isinstance(error, MemoryError):
        error = OutOfMemory()
    if not isinstance(error, VitrineError):
        log_unexpected(error, current.request_id)
        return of_status(HTTPStatus.INTERNAL_SERVER_ERROR, current)
    current.reason = error.slug()
    return Problem(
        status=error.status,
        kind=current.reason,
        title=error.title,
        detail=error.detail,
        faults=tuple(error.faults),
        request_id=current.request_id,
        root=current.root,
        headers=error.headers,
        error=error,
        method=current.method,
        path=current.path,
    )


def of_status(status: HTTPStatus, current: RequestContext, detail: str | None = None) -> Problem:
    """Say what a status means, where it says everything.

    Args:
        status: HTTP status of the answer.
        current: Context of the request, which notes the reason.
        detail: What is wrong; by default what the status always means.
    """
    current.reason = status.name.lower().replace("_", "-")
    return Problem(
        status=status,
        kind=None,
        title=status.phrase,
        detail=detail or _DETAILS.get(status, status.description),
        request_id=current.request_id,
        root=current.root,
        method=current.method,
        path=current.path,
    )


def write_problem(problem: Problem) -> bytes:
    """Write a problem as RFC 9457 asks.

    References:
        Nottingham, Wilde, Dalal (2023), Problem Details for HTTP APIs, RFC 9457.
    """
    body: dict[str, Any] = {
        "type": f"{problem.root}/problems/{problem.kind}" if problem.kind else "about:blank",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": problem.request_id,
    }
    if problem.faults:
        body["errors"] = [_describe(fault) for fault in problem.faults]
    return orjson.dumps(body)


def _describe(fault: Fault) -> dict[str, str | int]:
    members = {
        "pointer": fault.pointer,
        "line": fault.line,
        "column": fault.column,
        "detail": fault.detail,
    }
    return {name: value for name, value in members.items() if value is not None}


def log_unexpected(error: Exception, request_id: str) -> None:
    """Log an error of our own with its traceback."""
    _log.error("unexpected error", exc_info=error, extra={"fields": {"request_id": request_id}})
