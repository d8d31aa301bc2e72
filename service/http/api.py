"""The routes of predictions, in every language."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from flask import Blueprint, Response, request
from werkzeug.routing import BaseConverter

from service.admission.jobs import ClientGone
from service.admission.slots import ComputeSlot
from service.errors import OutOfMemory
from service.http import context, costs, operations, problems
from service.http.content import MediaHeaders
from service.http.context import RequestContext
from service.http.deadlines import TIMEOUT_HEADER, read_timeout, within
from service.http.languages import VERSION_PATTERN, Language, Languages, Question
from service.http.predictor import Predictor
from service.http.transfer import AnswerBroken, current_body, current_slot
from vitrine.errors import VitrineError
from vitrine.model import Model
from vitrine.options import Options


class VersionConverter(BaseConverter):
    """A version in a path: a positive integer of at most 18 digits."""

    regex = VERSION_PATTERN

    def to_python(self, value: str) -> int:
        """Return the number."""
        return int(value)


class Api:
    """The views of predictions, and what they need.

    Args:
        predictor: Finds models, and reads instances for them.
        languages: The languages in which predictions are asked for.
    """

    def __init__(self, predictor: Predictor, languages: Languages) -> None:
        self._predictor = predictor
        self._languages = languages

    def blueprint(self) -> Blueprint:
        """Return the routes of predictions, of every language."""
        routes = Blueprint("api", __name__)
        for language in self._languages.all:
            for rule in language.rules:
                operation = language.operation(rule, partial(self.predict, language, rule))
                operations.add(routes, [operation])
        return routes

    def predict(self, language: Language, rule: str, **names: str | int) -> Response:
        """Predict every instance in the body with one version of a model.

        Args:
            language: The language in which it is asked for.
            rule: Rule that the path matched.
            names: The model's name, version and label, as far as the path has them.
        """
        current, slot = context.current(), current_slot()
        given = request.headers.get(TIMEOUT_HEADER)
        if given is not None:
            self._limit(slot, read_timeout(given))
        texts = {name: str(value) for name, value in names.items()}
        question = Question(
            target=language.target(texts, request.query_string.decode(errors="replace")),
            rule=rule,
            media=MediaHeaders(
                request.headers.get("Content-Type", ""),
                request.headers.get("Content-Encoding", ""),
                request.headers.get("Accept", ""),
            ),
            header=lambda name: request.headers.get(name, ""),
            url=lambda: request.base_url,
            limit=partial(self._limit, slot),
            admit=partial(_estimate, slot, max_pixels=self._predictor.settings.max_pixels),
        )
        answer = language.prepare(question, current_body(), current).answer()
        if not answer.is_streamed:
            return Response(b"".join(answer.pieces), headers=answer.headers)
        pieces = _interruptible(answer.pieces, current, answer.break_off)
        return Response(pieces, headers=answer.headers)

    def _limit(self, slot: ComputeSlot, seconds: float) -> None:
        """Let the answer be of no use after so many seconds from the request's arrival."""
        most = self._predictor.settings.request_timeout_seconds
        deadline = within(seconds, slot.arrived, max_seconds=most)
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
    pieces: Iterable[bytes], current: RequestContext, break_off: Callable[[str], bytes]
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
        yield break_off(error.detail)
        raise AnswerBroken from None
    except MemoryError:
        current.reason = OutOfMemory.slug()
        raise AnswerBroken from None
    except Exception as error:  # noqa: BLE001 - no error may leave an answer half-written
        problems.log_unexpected(error, current.request_id)
        raise AnswerBroken from None
