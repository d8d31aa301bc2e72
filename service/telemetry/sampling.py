"""Which requests leave a line in the log.

All do, unless a share of the healthy ones was asked for. Of requests that are refused alike, only
the first few of each second leave a line of their own, and one line tells how many there were
besides: an overloaded service, or one that somebody tries out, has better things to do than to
write the same line thousands of times.
"""

import logging
import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

# A healthy request that takes longer is always logged.
SLOW_SECONDS = 1.0
# Lines of requests that are refused alike, in a second and a worker.
LINES_A_SECOND = 10
_PERIOD_SECONDS = 1.0

_FIRST_REFUSAL, _FIRST_FAILURE = 400, 500


class _Kind(NamedTuple):
    """What makes two refusals alike."""

    route: str
    status: int
    reason: str | None


def _call_later(seconds: float, function: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, function)
    timer.daemon = True
    timer.start()


class RequestSampling(logging.Filter):
    """Decides for each record of a request whether it is logged.

    Always logged are failures of the service, answers that broke off, and slow requests.

    Args:
        share: Share of the healthy requests that are logged. Their lines say it.
        tell: Logs a message with its fields.
        draw: Returns a random number from 0 to 1.
        call_later: Calls a function after a number of seconds.
    """

    def __init__(
        self,
        share: float,
        *,
        tell: Callable[[str, dict[str, Any]], None],
        draw: Callable[[], float] = random.random,
        call_later: Callable[[float, Callable[[], None]], None] = _call_later,
    ) -> None:
        super().__init__()
        self._share = share
        self._tell = tell
        self._draw = draw
        self._call_later = call_later
        self._counting = threading.Lock()
        self._refused: Counter[_Kind] = Counter()
        self._ends_period = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a request is logged."""
        fields: dict[str, Any] = record.__dict__["fields"]
        status, reason = fields["status"], fields.get("reason")
        if reason is not None or _FIRST_REFUSAL <= status < _FIRST_FAILURE:
            return self._admits_refusal(_Kind(fields["route"], status, reason))
        if status >= _FIRST_FAILURE or not fields["complete"]:
            return True
        if self._share >= 1 or fields["duration_ms"] >= 1000 * SLOW_SECONDS:
            return True
        if self._draw() >= self._share:
            return False
        record.__dict__["fields"] = {**fields, "sampling": self._share}
        return True

    def _admits_refusal(self, kind: _Kind) -> bool:
        with self._counting:
            self._refused[kind] += 1
            begins, self._ends_period = not self._ends_period, True
            is_logged = self._refused[kind] <= LINES_A_SECOND
        if begins:
            self._call_later(_PERIOD_SECONDS, self.summarize)
        return is_logged

    def summarize(self) -> None:
        """Tell what was left out in the second that ends now."""
        with self._counting:
            refused, self._refused = self._refused, Counter()
            self._ends_period = False
        for kind, count in refused.items():
            if count > LINES_A_SECOND:
                fields = {"lines": count - LINES_A_SECOND, **kind._asdict()}
                self._tell("requests not logged", fields)
