"""A version on trial: asked the same, compared, never answering, never in anybody's way."""

import threading

import numpy as np
import pytest
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry

from service.http.app import create_app
from service.rollout.repository import Repository
from service.rollout.served import ServedModel
from service.settings import Settings
from service.telemetry.metrics import Metrics
from service.telemetry.shadow import disagreements
from tests.bundles import picture_manifest, table_manifest
from tests.fakes import Answers, FakeControlPlane, fail, price, table
from vitrine.engines import Tensors
from vitrine.errors import NoFiniteAnswer
from vitrine.model import Model
from vitrine.predictions import Predictions

ROOMS = "/models/rooms/predict"


def dearer(tensors: Tensors) -> Answers:
    """Answer as `price` does, but for sizes from 2 on 5 % more."""
    values = price(tensors)["value"]
    return {"value": np.where(tensors["size"] >= 2, values * np.float32(1.05), values)}


def served_with(shadow: Model, metrics: Metrics) -> FlaskClient:
    """Serve version 1 of a table model with a shadow."""
    repository = Repository()
    serving = ServedModel(versions=(1, 2), default=1, shadow=2)
    models = {("rooms", 1): Model(table_manifest(), price), ("rooms", 2): shadow}
    repository.swap({"rooms": serving}, models)
    return create_app(Settings(), repository, metrics, FakeControlPlane(repository)).test_client()


def count(registry: CollectorRegistry, what: str) -> float | None:
    """Return how many instances were counted for the shadow."""
    labels = {"model": "rooms", "version": "2"}
    return registry.get_sample_value(f"vitrine_shadow_{what}_total", labels)


def settle(registry: CollectorRegistry, what: str, expected: float) -> float | None:
    """Return the count, once the shadow has had the time it needs."""
    for _ in range(2000):
        if count(registry, what) == expected:
            break
        threading.Event().wait(0.005)
    return count(registry, what)


def test_disagreements_of_a_shadow_are_counted(registry: CollectorRegistry) -> None:
    client = served_with(Model(table_manifest(version=2), dearer), Metrics(registry))
    assert (count(registry, "compared"), count(registry, "disagreements")) == (0, 0)

    response = client.post(ROOMS, data=table(10), content_type="text/csv")

    assert response.headers["X-Model-Version"] == "1"
    assert response.text.splitlines()[3] == "23.0,"
    assert settle(registry, "compared", 10) == 10
    assert count(registry, "disagreements") == 8


def test_shadow_is_not_asked_what_a_version_was_asked(registry: CollectorRegistry) -> None:
    client = served_with(Model(table_manifest(version=2), dearer), Metrics(registry))

    for path in ("/models/rooms/versions/1/predict", "/models/rooms/versions/2/predict", ROOMS):
        client.post(path, data=table(3), content_type="text/csv")

    assert settle(registry, "compared", 3) == 3


def test_shadow_that_fails_harms_nobody(registry: CollectorRegistry) -> None:
    client = served_with(Model(table_manifest(version=2), fail), Metrics(registry))

    for _ in range(2):
        assert client.post(ROOMS, data=table(5), content_type="text/csv").status_code == 200

    assert settle(registry, "failures", 10) == 10
    assert count(registry, "compared") == 0


def test_rows_with_errors_are_not_compared(registry: CollectorRegistry) -> None:
    client = served_with(Model(table_manifest(version=2), dearer), Metrics(registry))

    path = f"{ROOMS}?errors=report"
    response = client.post(path, data=b"size,colour\n1e38,red\n1,red\n", content_type="text/csv")
    client.post(path, data=table(4, bad=[2]), content_type="text/csv")

    assert "no finite answer" in response.text
    assert settle(registry, "compared", 3) == 3


def test_what_a_slow_shadow_cannot_take_is_skipped(registry: CollectorRegistry) -> None:
    going = threading.Event()

    def wait(tensors: Tensors) -> Answers:
        going.wait(60)
        return price(tensors)

    client = served_with(Model(table_manifest(version=2), wait), Metrics(registry))

    for _ in range(40):
        assert client.post(ROOMS, data=table(1), content_type="text/csv").status_code == 200
    skipped = count(registry, "skipped")
    going.set()

    assert skipped is not None
    assert skipped >= 40 - 17
    assert settle(registry, "compared", 40 - skipped) == 40 - skipped


def test_pictures_disagree_by_their_label() -> None:
    output = picture_manifest().signature.prediction
    one = Predictions(output, np.array([[0.9, 0.1], [0.45, 0.55]], dtype=np.float32))
    other = Predictions(output, np.array([[0.6, 0.4], [0.55, 0.45]], dtype=np.float32))

    assert list(disagreements(one, other)) == [False, True]


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [(100.0, 100.9, False), (100.0, 101.1, True), (0.0, 0.0, False), (-1.0, 1.0, True)],
)
def test_values_disagree_beyond_a_hundredth(one: float, other: float, *, apart: bool) -> None:
    output = table_manifest().signature.prediction
    values = [Predictions(output, np.array([value], dtype=np.float32)) for value in (one, other)]

    assert list(disagreements(*values)) == [apart]


def test_what_one_cannot_answer_is_a_disagreement() -> None:
    output = table_manifest().signature.prediction
    values = np.array([1.0, np.inf, 1.0], dtype=np.float32)
    one, other = Predictions(output, values), Predictions(output, values, {}, {1: NoFiniteAnswer()})

    with np.errstate(invalid="ignore"):
        assert list(disagreements(one, other)) == [False, True, False]
