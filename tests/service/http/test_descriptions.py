"""The routes that describe models, over fake and over calibrated ones."""

from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry
from werkzeug.test import TestResponse

from tests.bundles import calibrated_repository
from tests.fakes import client_of


def answer(response: TestResponse) -> dict[str, Any]:
    """Return the JSON of a 200."""
    assert response.status_code == 200, response.text
    members: dict[str, Any] = response.get_json()
    return members


def test_models_are_listed(client: FlaskClient) -> None:
    models = answer(client.get("/models"))["models"]

    assert [model["name"] for model in models] == ["broken", "fragile", "rooms", "strokes"]
    assert models[2] == {
        "name": "rooms",
        "version": 2,
        "versions": [1, 2],
        "task": "regression",
    }


def test_model_describes_what_it_takes_and_gives(client: FlaskClient) -> None:
    latest = answer(client.get("/models/rooms"))
    first = answer(client.get("/models/rooms/versions/1"))

    assert (latest["version"], first["version"]) == (2, 1)
    assert [spec["name"] for spec in latest["inputs"]] == ["size", "colour"]
    assert latest["outputs"][0]["unit"] == "USD"
    assert "command" not in str(latest)
    assert latest["trust"] is None


def test_model_describes_how_far_to_trust_it(tmp_path: Path, registry: CollectorRegistry) -> None:
    trusted = client_of(calibrated_repository(tmp_path), registry)
    described = {name: answer(trusted.get(f"/models/{name}")) for name in ("rooms", "strokes")}

    assert described["rooms"]["trust"] == {
        "calibrated_on": 4,
        "largest_coverage": 0.8,
        "temperature": None,
    }
    assert described["strokes"]["trust"]["temperature"] == 1.5
    assert [spec["kind"] for spec in described["rooms"]["outputs"]] == ["value", "quantiles"]
    assert [spec["kind"] for spec in described["strokes"]["outputs"]] == [
        "probabilities",
        "novelty",
    ]
