"""Probes: alive always, ready only with a model and while not draining."""

from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry

from service.http.app import create_app
from service.http.health import DRAINING
from service.rollout.repository import Repository
from service.rollout.served import ServedModel
from service.settings import Settings
from service.telemetry.metrics import Metrics
from tests.fakes import FakeControlPlane
from vitrine.loading import load_version


def test_live_is_always_answered(client: FlaskClient) -> None:
    response = client.get("/livez")

    assert (response.status_code, response.get_json()) == (200, {"status": "live"})


def test_ready_names_what_is_loaded(client: FlaskClient) -> None:
    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.get_json() == {
        "status": "ready",
        "models": {"broken": [1], "fragile": [1], "rooms": [1, 2], "strokes": [1]},
    }


def test_service_without_models_is_alive_and_not_ready(registry: CollectorRegistry) -> None:
    nothing = Repository()
    app = create_app(Settings(), nothing, Metrics(registry), FakeControlPlane(nothing))
    client = app.test_client()

    assert client.get("/livez").status_code == 200
    response = client.get("/readyz")
    assert (response.status_code, response.get_json()["status"]) == (503, "no models")


def test_service_that_lost_a_model_is_not_ready(registry: CollectorRegistry, models: Path) -> None:
    repository = Repository({"strokes": {1: load_version(models / "strokes/1", threads=1)}})
    served = {name: entry.serving for name, entry in repository.current.items()}
    served["rooms"] = ServedModel(refused={1: "gone.", 2: "damaged."}, lost=True)
    repository.swap(served, {("strokes", 1): repository.get("strokes")})
    app = create_app(Settings(), repository, Metrics(registry), FakeControlPlane(repository))

    response = app.test_client().get("/readyz")

    assert response.status_code == 503
    assert response.get_json() == {
        "status": "models lost",
        "models": {"strokes": [1]},
        "lost": {"rooms": "damaged."},
    }


def test_draining_service_is_alive_and_not_ready(app: Flask) -> None:
    app.extensions[DRAINING] = lambda: True
    client = app.test_client()

    assert client.get("/livez").status_code == 200
    response = client.get("/readyz")
    assert (response.status_code, response.get_json()["status"]) == (503, "draining")


def test_metrics_are_in_the_text_format(client: FlaskClient) -> None:
    response = client.get("/metrics")

    assert response.mimetype == "text/plain"
    assert b"# TYPE vitrine_requests_total counter" in response.data
