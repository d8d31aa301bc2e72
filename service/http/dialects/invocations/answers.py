"""Predictions and errors -> bodies."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson

from service.errors import DeadlineExceeded
from service.http.content import JSON_TYPE
from service.http.problems import ErrorBody, Problem
from vitrine.errors import InvalidParameter
from vitrine.pipeline import Encoder, JsonEncoder
from vitrine.predictions import PredictedBlock

_TEXT_TYPE = "text/plain; charset=utf-8"
# MLflow's names of what went wrong; where there is none for a status, that of its hundred.
_CODES = {
    HTTPStatus.UNAUTHORIZED: "UNAUTHENTICATED",
    HTTPStatus.FORBIDDEN: "PERMISSION_DENIED",
    HTTPStatus.NOT_FOUND: "RESOURCE_DOES_NOT_EXIST",
    HTTPStatus.TOO_MANY_REQUESTS: "REQUEST_LIMIT_EXCEEDED",
    HTTPStatus.SERVICE_UNAVAILABLE: "TEMPORARILY_UNAVAILABLE",
    HTTPStatus.INSUFFICIENT_STORAGE: "RESOURCE_EXHAUSTED",
}
_OVERTIME = b"Request processing time exceeded limit"


class RecordsEncoder(JsonEncoder):
    """Writes predictions as MLflow does: one object for each instance, and nothing beside them."""

    def begin(self) -> bytes:
        """Return the opening of the list."""
        return b'{"predictions":['


@dataclass(frozen=True, slots=True)
class BareCsv:
    """Writes the lines of predictions without a header, as the body has none.

    Attributes:
        encoder: Writes the lines.
    """

    encoder: Encoder

    def begin(self) -> bytes:
        """Return nothing."""
        return b""

    def encode(self, predicted: PredictedBlock) -> bytes:
        """Return the lines of one block."""
        return self.encoder.encode(predicted)

    def end(self) -> bytes:
        """Return what stands behind the last line."""
        return self.encoder.end()


def error_body(problem: Problem) -> ErrorBody:
    """Say what is wrong with a request as MLflow's scoring server does."""
    status = problem.status
    if status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
        return ErrorBody(status, _TEXT_TYPE, problem.detail.encode())
    if isinstance(problem.error, DeadlineExceeded):
        return ErrorBody(status, JSON_TYPE, _OVERTIME)
    # What was parsed, but does not fit, is a bad request there like any other.
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        status = HTTPStatus.BAD_REQUEST
    members: dict[str, Any] = {"error_code": _code(problem), "message": _message(problem)}
    return ErrorBody(status, JSON_TYPE, orjson.dumps(members))


def _code(problem: Problem) -> str:
    if isinstance(problem.error, InvalidParameter):
        return "INVALID_PARAMETER_VALUE"
    of_hundred = "BAD_REQUEST" if problem.status < 500 else "INTERNAL_ERROR"
    return _CODES.get(HTTPStatus(problem.status), of_hundred)


def _message(problem: Problem) -> str:
    """Name all faults that were found, each in a line of its own."""
    if len(problem.faults) < 2:
        return problem.detail
    summary = problem.detail.removesuffix(problem.faults[0].detail).rstrip()
    return "\n".join([summary, *(fault.detail for fault in problem.faults)])
