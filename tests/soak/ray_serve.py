"""What lost replicas and nodes cost on Ray Serve, and what Ray Serve costs beside gunicorn."""

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from tests.cluster.callers import calling
from tests.cluster.ray_serve import (
    PORT,
    QUESTION,
    REPLICAS,
    Deployed,
    deployed,
    lose_node,
    lose_replica,
    upgrade,
    write_models,
)
from tests.servers import serving
from tests.soak.figures import Figure
from tests.soak.footprint import SERVICE_PYTHON

_LOSSES = 4
_UPGRADES = 3
_ANSWERS = 3000


def all_figures() -> Iterator[Figure]:
    """Measure the speed, then upgrade, lose replicas and lose a node, all under load."""
    with TemporaryDirectory() as folder:
        models = Path(folder) / "models"
        write_models(models)
        with deployed(Path(folder), models, versions="1") as service:
            yield from _speed("Ray Serve", service.addresses(), PORT)
            yield from _upgrades(service)
            yield from _losses(service)
        with serving(SERVICE_PYTHON, workers=REPLICAS, models=models, versions="1") as server:
            yield from _speed("gunicorn", ["127.0.0.1"] * REPLICAS, server.port)


def _speed(name: str, addresses: list[str], port: int) -> Iterator[Figure]:
    started = time.monotonic()
    with calling(addresses, port, QUESTION, probe="/livez") as calls:
        calls.wait(_ANSWERS)
        seconds = time.monotonic() - started
    times = [1000 * (request.ended - request.sent) for request in calls.requests]
    yield Figure(name=f"{name}: requests failed", value=len(calls.failed), unit="", at_most=0)
    yield Figure(name=f"{name}: pictures answered", value=_ANSWERS / seconds, unit="1/s")
    yield Figure(name=f"{name}: pictures, median", value=median(times), unit="ms")
    yield Figure(name=f"{name}: pictures, 99 of 100", value=quantiles(times, n=100)[-1], unit="ms")


def _upgrades(service: Deployed) -> Iterator[Figure]:
    failed = old = 0
    for number in range(_UPGRADES):
        policy, wanted = (("latest:1", "2"), ("1", "1"))[number % 2]
        calls, later = upgrade(service, versions=policy)
        failed += len(calls.failed)
        old += sum(request.version != wanted for request in later)
    name = f"{_UPGRADES} upgrades: requests failed"
    yield Figure(name=name, value=failed, unit="", at_most=0)
    yield Figure(name="later answers of the version before", value=old, unit="", at_most=0)


def _losses(service: Deployed) -> Iterator[Figure]:
    failed = [each for _ in range(_LOSSES) for each in lose_replica(service)]
    name = f"{_LOSSES} lost replicas: others' requests failed"
    yield Figure(name=name, value=len(failed), unit="", at_most=0)
    elsewhere = lose_node(service)
    name = "a lost node: others' requests failed"
    yield Figure(name=name, value=len(elsewhere), unit="", at_most=0)
