"""Which requests leave a line in the log."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest

from service.telemetry.logs import FieldsRecord
from service.telemetry.sampling import LINES_A_SECOND, SLOW_SECONDS, RequestSampling

HEALTHY = {"route": "/models", "status": 200, "complete": True, "duration_ms": 3.0}
REFUSED = {**HEALTHY, "status": 503, "reason": "overloaded"}


class Log:
    """What a sampling lets pass and tells."""

    def __init__(self, share: float, draws: Sequence[float] = ()) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.due: list[tuple[float, Callable[[], None]]] = []
        self._sampling = RequestSampling(
            share,
            tell=lambda message, fields: self.told.append((message, fields)),
            draw=partial(next, iter(draws)),
            call_later=lambda seconds, function: self.due.append((seconds, function)),
        )

    def lines(self, *requests: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the fields of the requests that are logged."""
        records = [FieldsRecord("service.access", logging.INFO, "request", r) for r in requests]
        return [record.__dict__["fields"] for record in records if self._sampling.filter(record)]

    def end_second(self) -> None:
        """Let a second end."""
        ((seconds, function),) = self.due
        self.due.clear()
        assert seconds == 1
        function()


def test_every_request_is_logged_by_default() -> None:
    assert Log(1.0).lines(*[HEALTHY] * 100) == [HEALTHY] * 100


def test_share_of_the_healthy_requests_is_logged_and_says_so() -> None:
    lines = Log(0.25, [0.1, 0.5, 0.24, 0.25]).lines(*[HEALTHY] * 4)

    assert lines == [{**HEALTHY, "sampling": 0.25}] * 2


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"status": 500}, id="a failure"),
        pytest.param({"status": 404}, id="an unknown path"),
        pytest.param({"status": 422, "reason": "invalid-instances"}, id="a refusal"),
        pytest.param({"complete": False}, id="an answer that broke off"),
        pytest.param({"reason": "invalid-instances"}, id="a stream with a fault"),
        pytest.param({"duration_ms": 1000 * SLOW_SECONDS}, id="a slow request"),
    ],
)
def test_request_that_is_not_healthy_is_always_logged(more: dict[str, Any]) -> None:
    request = {**HEALTHY, **more}

    assert Log(0.0, [0.5]).lines(request) == [request]


def test_same_refusal_is_logged_a_few_times_a_second_and_then_summed_up() -> None:
    log = Log(1.0)
    assert len(log.lines(*[REFUSED] * 1000)) == LINES_A_SECOND

    log.end_second()

    fields = {"lines": 990, "route": "/models", "status": 503, "reason": "overloaded"}
    assert log.told == [("requests not logged", fields)]
    assert len(log.lines(*[REFUSED] * 1000)) == LINES_A_SECOND


def test_refusals_that_differ_are_counted_apart() -> None:
    others = [{**REFUSED, "route": "/"}, {**REFUSED, "status": 429}, {**REFUSED, "reason": "x"}]
    log = Log(1.0)

    for refusal in (REFUSED, *others):
        assert len(log.lines(*[refusal] * 50)) == LINES_A_SECOND

    log.end_second()
    assert len(log.told) == 4


def test_few_refusals_are_not_summed_up() -> None:
    log = Log(1.0)
    log.lines(*[REFUSED] * LINES_A_SECOND)

    log.end_second()

    assert log.told == []


def test_failures_of_the_service_are_never_summed_up() -> None:
    failure = {**HEALTHY, "status": 500}

    assert len(Log(0.0).lines(*[failure] * 1000)) == 1000
