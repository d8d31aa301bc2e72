"""The normal load of a measurement, and what came of it."""

import json
import math
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Self

from benchmarks.machine import ROOT
from benchmarks.servers.client import ANSWERED, LOST, REFUSED, STATUS, UNANSWERED, WRONG, Lane

_PICTURE = ROOT / "examples" / "seven.png"
_DRAIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of one request.

    Attributes:
        lane: Name of the callers that sent it.
        begun: By the monotonic clock.
        seconds: Until the outcome was known.
        outcome: One of the names in `client`.
        is_reused: Whether its connection had carried a request before.
        status: Status of the answer; 0 without one.
        retry_after: Seconds after which a refused client may come again; None where none are told.
    """

    lane: str
    begun: float
    seconds: float
    outcome: str
    is_reused: bool
    status: int
    retry_after: int | None


class Answers:
    """Some requests, counted and timed."""

    def __init__(self, answers: Iterable[Answer]) -> None:
        self._answers = list(answers)

    def __len__(self) -> int:
        return len(self._answers)

    def __iter__(self) -> Iterator[Answer]:
        return iter(self._answers)

    def of(self, lane: str) -> "Answers":
        """Return those of one lane."""
        return Answers(answer for answer in self._answers if answer.lane == lane)

    def between(self, start: float, end: float) -> "Answers":
        """Return those that began in a span of time."""
        return Answers(answer for answer in self._answers if start <= answer.begun < end)

    def finished_between(self, start: float, end: float) -> "Answers":
        """Return those that ended in a span of time."""
        return Answers(
            answer for answer in self._answers if start <= answer.begun + answer.seconds < end
        )

    def unfinished_at(self, moment: float) -> "Answers":
        """Return those that were under way."""
        return Answers(
            answer
            for answer in self._answers
            if answer.begun < moment < answer.begun + answer.seconds
        )

    def joined(self, others: "Answers") -> "Answers":
        """Return these and others."""
        return Answers([*self._answers, *others._answers])

    def on(self, *, reused: bool) -> "Answers":
        """Return those on connections that were kept alive, or on new ones."""
        return Answers(answer for answer in self._answers if answer.is_reused is reused)

    def without(self, outcome: str) -> "Answers":
        """Return those that ended otherwise."""
        return Answers(answer for answer in self._answers if answer.outcome != outcome)

    def with_outcome(self, outcome: str) -> "Answers":
        """Return those that ended so."""
        return Answers(answer for answer in self._answers if answer.outcome == outcome)

    def count(self, outcome: str) -> int:
        """Count those that ended so."""
        return sum(answer.outcome == outcome for answer in self._answers)

    @property
    def answered(self) -> int:
        """How many were answered with 200."""
        return self.count(ANSWERED)

    @property
    def lost(self) -> int:
        """How many were sent, at least in part, and broke."""
        return self.count(LOST)

    def later_than(self, seconds: float) -> int:
        """Count those that were not answered with 200 in so many seconds."""
        return sum(
            answer.outcome != ANSWERED or answer.seconds > seconds for answer in self._answers
        )

    def percentile(self, share: float) -> float:
        """Return the milliseconds within which this share ended; one unanswered counts its wait."""
        times = sorted(answer.seconds for answer in self._answers if answer.outcome != REFUSED)
        if not times:
            return math.nan
        return times[min(len(times) - 1, int(share * len(times)))] * 1000

    @property
    def worst(self) -> float:
        """The longest wait in milliseconds."""
        return self.percentile(1.0)

    @property
    def outcomes(self) -> dict[str, int]:
        """How many ended in each way."""
        names = (ANSWERED, STATUS, LOST, WRONG, REFUSED, UNANSWERED)
        return {name: number for name in names if (number := self.count(name))}


class Load:
    """Callers that go on asking until they are stopped.

    Args:
        port: Of the server, on 127.0.0.1.
        lanes: Who asks, and for what.
        drain_seconds: How long the last answers are waited for.

    Attributes:
        cpu_seconds: Processor time that the load itself took, once it is stopped.
    """

    cpu_seconds: float = math.nan

    def __init__(
        self, port: int, lanes: Sequence[Lane], *, drain_seconds: float = _DRAIN_SECONDS
    ) -> None:
        self._lanes = lanes
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.servers.client"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        orders = {
            "port": port,
            "lanes": [asdict(lane) for lane in lanes],
            "drain_seconds": drain_seconds,
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(orders) + "\n")
        self._process.stdin.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> Answers:
        """Let the callers end, and return what they got."""
        found, _ = self._process.communicate()
        members = json.loads(found)
        self.cpu_seconds = members["cpu_seconds"]
        return Answers(self._answer(*record) for record in members["records"])

    def _answer(self, place: int, *record: Any) -> Answer:
        names = ("begun", "seconds", "outcome", "is_reused", "status", "retry_after")
        return Answer(lane=self._lanes[place].name, **dict(zip(names, record, strict=True)))


def post(path: str, media_type: str, body: bytes) -> bytes:
    """Write a request with a body."""
    return _head(path, media_type, len(body)) + body


def half_of(path: str, media_type: str, body: bytes) -> bytes:
    """Write a request of which the second half of the body is missing."""
    return _head(path, media_type, len(body)) + body[: len(body) // 2]


def _head(path: str, media_type: str, length: int) -> bytes:
    fields = f"Host: test\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\n"
    return f"POST {path} HTTP/1.1\r\n{fields}\r\n".encode()


def get(path: str, fields: str = "") -> bytes:
    """Write a request without a body."""
    return f"GET {path} HTTP/1.1\r\nHost: test\r\n{fields}\r\n".encode()


def picture_for(model: str) -> bytes:
    """Write the request for the real picture."""
    return post(f"/models/{model}/predict", "image/png", _PICTURE.read_bytes())
