"""Clients that misbehave beside a light normal load: who pays for them?"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.servers.client import UNANSWERED, Lane
from benchmarks.servers.holders import holding
from benchmarks.servers.load import Answers, Load, get, half_of, picture_for, post
from benchmarks.servers.models import SLOW
from benchmarks.servers.report import Figure

LIVE_SECONDS = 1.0
_NORMAL = "normal"
_PROBE = "probe"
_LEAD_SECONDS = 0.5
_SETTLING_SECONDS = 1.0  # for the work that the arrival brings, which is not the hazard
_FILLER = b"x" * 1500
_HOUSE = b"-122.41,37.76,48,2100,455,1020,430,5.2,NEAR BAY,"
_HOUSES_HEAD = (
    b"longitude,latitude,housing_median_age,total_rooms,total_bedrooms,population,households,"
    b"median_income,ocean_proximity,remark\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard:
    """Many connections that do the same harm.

    Attributes:
        what: They do.
        number: How many.
        payload: Makes what each sends.
        receive_buffer: Of each, in bytes; 0 for the system's own.
        haste: With which they arrive; less where each is much work before it does harm.
    """

    what: str
    number: int
    payload: Callable[[], bytes]
    receive_buffer: int = 0
    haste: float = 1.0


def _half_a_picture() -> bytes:
    _, _, picture = picture_for("digits").partition(b"\r\n\r\n")
    return half_of("/models/digits/predict", "image/png", picture[:20_000])


def _half_a_table() -> bytes:
    return half_of("/models/housing/predict", "text/csv", _houses(2**20))


def _long_answer() -> bytes:
    # Linux takes more than a megabyte off a server's hands, however small the reader's buffer.
    return post("/models/housing/predict?echo=true", "text/csv", _houses(3 * 2**20))


def _houses(size: int) -> bytes:
    """Return rows of which most is a remark: many bytes, few predictions."""
    row = _HOUSE + _FILLER + b"\n"
    return _HOUSES_HEAD + row * (size // len(row))


HAZARDS = {
    "half-pictures": Hazard(
        what="200 half-sent pictures of 20 kB", number=200, payload=_half_a_picture
    ),
    "half-tables": Hazard(what="200 half-sent CSVs of 1 MB", number=200, payload=_half_a_table),
    "readers": Hazard(
        what="100 who do not read 3 MB",
        number=100,
        haste=1 / 3,
        payload=_long_answer,
        receive_buffer=4096,
    ),
    "lingering": Hazard(
        what="100 told `Connection: close` who do not",
        number=100,
        payload=lambda: get("/livez", "Connection: close\r\n"),
    ),
}


def measure(
    port: int, hazard: Hazard, *, before: float, arrival: float, during: float
) -> Iterator[Figure]:
    """Load a server, then mistreat it as well."""
    with Load(port, _lanes()) as load:
        time.sleep(_LEAD_SECONDS)
        start = time.monotonic()
        time.sleep(before)
        middle = time.monotonic()
        with holding(
            port,
            hazard.payload(),
            number=hazard.number,
            seconds=arrival / hazard.haste,
            receive_buffer=hazard.receive_buffer,
        ) as holders:
            holders.wait(_SETTLING_SECONDS / hazard.haste)
            settled = time.monotonic()
            holders.wait(during)
            end = time.monotonic()
            answers = load.stop()
            values = {"sent_all": holders.finished, "closed_by_server": holders.closed}
    probes = answers.of(_PROBE)
    values["worst_at_arrival_ms"] = round(probes.between(middle, settled).worst)
    yield _liveness(hazard, probes.between(settled, end))
    normal = answers.of(_NORMAL)
    # A caller that was stuck from the arrival on has begun nothing since.
    under = normal.unfinished_at(settled).joined(normal.between(settled, end))
    yield _effect(hazard, normal.between(start, middle), under, values)


def _lanes() -> list[Lane]:
    slow = picture_for(SLOW).decode("latin-1")
    return [
        Lane(name=_NORMAL, request=slow, callers=4, pause_seconds=0.1),
        # On connections of their own, as a prober's are, and whatever became of the last.
        Lane(name=_PROBE, request=get("/livez").decode(), reuse=False, rate=10),
    ]


def _liveness(hazard: Hazard, probes: Answers) -> Figure:
    late = probes.later_than(LIVE_SECONDS)
    worst = probes.worst
    verdict = "yes" if not late else f"no, {late} of {len(probes)} late"
    more = "≥ " if probes.count(UNANSWERED) else ""
    return Figure(
        name=f"{hazard.what}: /livez within 1 s, worst",
        shown=f"{verdict}, {more}{worst:.0f} ms",
        values={"late": late, "probes": len(probes), "worst_ms": worst, **probes.outcomes},
    )


def _effect(hazard: Hazard, without: Answers, under: Answers, more: dict[str, int]) -> Figure:
    calm, troubled = without.percentile(0.99), under.percentile(0.99)
    unanswered = under.count(UNANSWERED)
    shown = f"{calm:.0f} → {troubled:.0f} ms ({troubled / calm:.1f} times), {under.lost} lost"
    return Figure(
        name=f"{hazard.what}: p99 of others, lost",
        shown=shown + (f", {unanswered} stuck" if unanswered else ""),
        values={
            "p99_without_ms": calm,
            "p99_with_ms": troubled,
            "p50_without_ms": without.percentile(0.5),
            "p50_with_ms": under.percentile(0.5),
            "lost": under.lost,
            "outcomes": under.outcomes,
            **more,
        },
    )
