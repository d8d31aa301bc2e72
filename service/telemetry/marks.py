"""Which models and versions are served, and when those that are gone were served for the last time.

A server that runs for months sees hundreds of versions. The series of those that are gone are shown
for a while, so that Prometheus reads the last numbers, and are then removed.

Every worker keeps a mark for each model and version that it knows: infinity while it serves it,
else the moment at which it stopped. What workers have served that ended is marked with the moment
of their end, as a negative number. Whether a series is shown follows from all marks and from the
clock alone. All workers therefore stop showing it at one moment, and none removes it before: a
counter is there or it is not, and while it is there it never falls. A version that comes back after
that begins at 0, or with what was not removed yet.
"""

from collections import defaultdict
from collections.abc import Mapping
from math import inf

from service.telemetry.numbers import Key, Owner

# Prometheus takes a series that it did not read for so long as ended.
KEPT_SECONDS = 300.0
# Versions of a model that are gone and still shown, not counting those that ended with their
# workers: hundreds may be published within minutes.
KEPT_VERSIONS = 2
# Mark of what is served. That of what was never served is 0.
SERVED = inf

_NAME = "served"


def mark_of(owner: Owner) -> Key:
    """Return the key under which the mark of a model or of a version is kept."""
    return Key("max", _NAME, owner, owner)


def is_mark(key: Key) -> bool:
    """Tell whether a series is a mark."""
    return key.name == _NAME


def ended(mark: float, now: float) -> float:
    """Return the mark of what a worker had marked so, and has ended."""
    return -now if mark == SERVED else mark


def shown(marks: Mapping[Owner, float], now: float) -> frozenset[Owner]:
    """Return the models and versions whose series are shown.

    Args:
        marks: The latest mark of each, over all workers.
        now: The moment, by the clock of the marks.
    """
    found: list[Owner] = []
    gone: dict[Owner, list[Owner]] = defaultdict(list)
    for owner, mark in marks.items():
        if mark == SERVED or (mark < 0 and now + mark <= KEPT_SECONDS):
            found.append(owner)
        elif mark > 0 and now - mark <= KEPT_SECONDS:
            gone[owner[:-1]].append(owner)
    for siblings in gone.values():
        siblings.sort(key=lambda owner: (marks[owner], owner))
        found += siblings[-KEPT_VERSIONS:]
    return frozenset(found)
