"""Any exception -> the error body of the language that was spoken.

Our own routes answer RFC 9457 problem+json. A blueprint that speaks another language registers
the encoder of its error bodies; this module knows none of them.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
from flask import Blueprint, Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException

from service.http import context
from vitrine.errors import Fault, VitrineError

PROBLEM_TYPE = "application/problem+json"
_ENCODERS = "vitrine.error_encoders"
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
    """

    status: int
    kind: str | None
    title: str
    detail: str
    faults: tuple[Fault, ...] = ()
    request_id: str


ErrorEncoder = Callable[[Problem], Response]


def speak(blueprint: Blueprint, encoder: ErrorEncoder) -> None:
    """Answer the errors of a blueprint's routes in its own language."""
    blueprint.record(lambda state: _encoders(state.app.extensions).update({state.name: encoder}))


def _encoders(extensions: dict[str, Any]) -> dict[str, ErrorEncoder]:
    encoders: dict[str, ErrorEncoder] = extensions.setdefault(_ENCODERS, {})
    return encoders


def install(app: Flask) -> None:
    """Turn every exception of an application into an answer."""
    app.register_error_handler(VitrineError, _answer_service_error)
    app.register_error_handler(HTTPException, _answer_http_exception)
    app.register_error_handler(Exception, _answer_unexpected)


def _answer_service_error(error: VitrineError) -> Response:
    return _answer(
        status=error.status,
        kind=error.slug(),
        title=error.title,
        detail=error.detail,
        faults=error.faults,
    )


def _answer_http_exception(error: HTTPException) -> Response:
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    answer = _answer_status(status)
    for name, value in error.get_headers():
        if name != "Content-Type":
            answer.headers[name] = value
    return answer


def _answer_unexpected(error: Exception) -> Response:
    log_unexpected(error, context.current().request_id)
    return _answer_status(HTTPStatus.INTERNAL_SERVER_ERROR)


def _answer_status(status: HTTPStatus) -> Response:
    detail = _DETAILS.get(status, status.description)
    return _answer(status=status, kind=None, title=status.phrase, detail=detail)


def _answer(
    *, status: int, kind: str | None, title: str, detail: str, faults: tuple[Fault, ...] = ()
) -> Response:
    current = context.current()
    current.reason = kind or HTTPStatus(status).name.lower().replace("_", "-")
    problem = Problem(
        status=status,
        kind=kind,
        title=title,
        detail=detail,
        faults=faults,
        request_id=current.request_id,
    )
    encoder = _encoders(current_app.extensions).get(request.blueprint or "", encode_problem)
    return encoder(problem)


def encode_problem(problem: Problem) -> Response:
    """Write a problem as RFC 9457 asks.

    References:
        Nottingham, Wilde, Dalal (2023), Problem Details for HTTP APIs, RFC 9457.
    """
    body: dict[str, Any] = {
        "type": f"/problems/{problem.kind}" if problem.kind else "about:blank",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": problem.request_id,
    }
    if problem.faults:
        body["errors"] = [_describe(fault) for fault in problem.faults]
    return Response(orjson.dumps(body), problem.status, content_type=PROBLEM_TYPE)


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
