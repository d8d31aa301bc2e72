"""Our own language: the route of predictions."""

import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from flask import Blueprint, Response, request
from werkzeug.routing import BaseConverter

from service.admission.jobs import ClientGone
from service.admission.slots import ComputeSlot
from service.errors import OutOfMemory
from service.http import context, costs, problems
from service.http.content import MediaHeaders
from service.http.context import RequestContext
from service.http.deadlines import TIMEOUT_HEADER, read_deadline
from service.http.predictor import Predictor, Target
from service.http.transfer import AnswerBroken, current_body, current_slot
from vitrine.errors import VitrineError
from vitrine.model import Model
from vitrine.options import Options
from vitrine.tables.writer import write_csv

PREDICT_RULES = tuple(
    f"/models/<name>{version}/predict"
    for version in ("", "/versions/<version:version>", "/labels/<label>")
)
VERSION_PATTERN = r"[1-9][0-9]{0,17}"


class VersionConverter(BaseConverter):
    """A version in a path: a positive integer of at most 18 digits."""

    regex = VERSION_PATTERN

    def to_python(self, value: str) -> int:
        """Return the number."""
        return int(value)


class Api:
    """The view, and what it needs.

    Args:
        predictor: Answers requests.
        max_timeout_seconds: Longest time that a request may take.
    """

    def __init__(self, predictor: Predictor, *, max_timeout_seconds: float) -> None:
        self._predictor = predictor
        self._max_timeout_seconds = max_timeout_seconds

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        routes = Blueprint("api", __name__)
        for rule in PREDICT_RULES:
            routes.add_url_rule(rule, view_func=self.predict, methods=["POST"])
        return routes

    def predict(self, name: str, version: int | None = None, label: str | None = None) -> Response:
        """Predict every instance in the body with one version of a model."""
        current, slot = context.current(), current_slot()
        self._read_deadline(slot)
        prepared = self._predictor.prepare(
            Target(name, version, label, request.query_string.decode(errors="replace")),
            MediaHeaders(
                request.headers.get("Content-Type", ""),
                request.headers.get("Content-Encoding", ""),
                request.headers.get("Accept", ""),
            ),
            current_body(),
            current,
            url=lambda: request.base_url,
            admit=partial(_estimate, slot, max_pixels=self._predictor.max_pixels),
        )
        answer = prepared.answer()
        if not answer.is_streamed:
            return Response(b"".join(answer.pieces), headers=answer.headers)
        pieces = _interruptible(answer.pieces, current, as_csv=answer.is_csv)
        return Response(pieces, headers=answer.headers)

    def _read_deadline(self, slot: ComputeSlot) -> None:
        given = request.headers.get(TIMEOUT_HEADER)
        if given is not None:
            deadline = read_deadline(given, slot.arrived, max_seconds=self._max_timeout_seconds)
            deadline.check(time.monotonic())
            slot.limit(deadline)


def _estimate(
    slot: ComputeSlot,
    model: Model,
    options: Options,
    instances: Sequence[object] | None,
    *,
    max_pixels: int,
) -> None:
    """Say what the instances will take; of a table that is not known before."""
    if instances is not None:
        slot.estimate(costs.estimate(model, options, instances, max_pixels=max_pixels))


def _interruptible(
    pieces: Iterable[bytes], current: RequestContext, *, as_csv: bool
) -> Iterator[bytes]:
    """Break an answer off where making it fails: its status was sent, nothing can mend it.

    Raises:
        AnswerBroken: Making the answer failed.
    """
    try:
        yield from pieces
    except AnswerBroken:
        raise
    except ClientGone:
        problems.abandon(current)
        raise AnswerBroken from None
    except VitrineError as error:
        current.reason = error.slug()
        if as_csv:  # a line that no reader takes for a row; nothing can be said in broken JSON
            yield b"#error," + write_csv({"": [error.detail]}, header=False)
        raise AnswerBroken from None
    except MemoryError:
        current.reason = OutOfMemory.slug()
        raise AnswerBroken from None
    except Exception as error:  # noqa: BLE001 - no error may leave an answer half-written
        problems.log_unexpected(error, current.request_id)
        raise AnswerBroken from None
