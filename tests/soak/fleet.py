"""Three servers over one model store: when all have followed, and what they serve meanwhile."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.fleet import fleet, lead_through
from tests.soak.figures import Figure
from tests.soak.footprint import SERVICE_PYTHON

# What is promised of a new version and of a rollback, until the last server serves it.
SECONDS = 5.0
BRIEF_FAILURE_SECONDS = 10.0
FAILURE_SECONDS = 60.0


def one_fleet() -> Iterator[Figure]:
    """Let an S3 server fail for ten seconds."""
    yield from _fleet("s3", BRIEF_FAILURE_SECONDS)


def both_fleets() -> Iterator[Figure]:
    """Let an S3 server fail for a minute, then a shared folder."""
    for kind in ("s3", "folder"):
        yield from _fleet(kind, FAILURE_SECONDS)


def _fleet(kind: str, failure_seconds: float) -> Iterator[Figure]:
    with (
        tempfile.TemporaryDirectory() as folder,
        fleet(Path(folder), kind=kind, python=SERVICE_PYTHON) as (store, members),
    ):
        report = lead_through(store, members, failure_seconds=failure_seconds)
    name = f"three servers over {kind}"
    for what, seconds in (
        ("new version", report.new_version_seconds),
        ("rollback", report.rollback_seconds),
        (f"change after {failure_seconds:g} s of failure", report.change_seconds),
    ):
        yield Figure(name=f"{name}: {what}", value=seconds, unit="s", at_most=SECONDS)
    for what, count in (
        ("wrong answers", sum(len(each.wrong) for each in report.outcomes)),
        ("failed requests", sum(len(each.broken) for each in report.outcomes)),
    ):
        yield Figure(name=f"{name}: {what}", value=count, unit="", at_most=0)
    answers = sum(outcomes.count for outcomes in report.outcomes)
    yield Figure(name=f"{name}: answers", value=answers, unit="")
