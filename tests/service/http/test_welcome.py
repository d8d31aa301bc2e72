"""What is at `/`: the page for a browser, JSON for everybody else."""

import shlex
from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry

from service.rollout.repository import Repository
from tests.bundles import anomaly_manifest, labels_manifest, picture_manifest, table_manifest
from tests.fakes import client_of, price
from vitrine.bundle import Manifest
from vitrine.model import Model

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def listed(client: FlaskClient) -> dict[str, dict[str, Any]]:
    """Return the models of the JSON, by name."""
    response = client.get("/")
    assert (response.status_code, response.mimetype) == (200, "application/json")
    return {model["name"]: model for model in response.get_json()["models"]}


def test_everybody_gets_json_with_models_and_links(client: FlaskClient) -> None:
    models = listed(client)

    assert list(models) == ["broken", "fragile", "rooms", "strokes"]
    assert {key: models["rooms"][key] for key in ("version", "task", "takes", "describe")} == {
        "version": 2,
        "task": "regression",
        "takes": "rows of a table",
        "describe": "/models/rooms",
    }
    assert models["strokes"]["takes"] == "pictures"
    links = client.get("/").get_json()["links"]
    assert all(client.get(link).status_code == 200 for link in links.values())


@pytest.mark.parametrize("name", ["rooms", "strokes"])
def test_example_is_answered(client: FlaskClient, name: str) -> None:
    curl, option, body, url = shlex.split(listed(client)[name]["example"])

    response = client.post(
        url.removeprefix("http://localhost"),
        data=body,
        content_type="application/x-www-form-urlencoded",  # which curl adds
    )

    assert (curl, option) == ("curl", "-d")
    assert len(response.get_json()["predictions"]) == 1


@pytest.mark.parametrize(
    "accept", ["", "*/*", "application/json", "image/png", "text/html;q=0.5, */*"]
)
def test_html_is_for_browsers_alone(client: FlaskClient, accept: str) -> None:
    response = client.get("/", headers={"Accept": accept} if accept else {})

    assert response.mimetype == "application/json"
    assert "Accept" in response.vary


def test_browser_gets_the_page(client: FlaskClient) -> None:
    response = client.get("/", headers=BROWSER)

    assert (response.status_code, response.mimetype) == (200, "text/html")
    assert "Accept" in response.vary
    assert response.headers["Cache-Control"] == "no-cache"


def test_head_of_the_page_has_the_headers_alone(client: FlaskClient) -> None:
    response = client.head("/", headers=BROWSER)

    assert (response.status_code, response.data, response.mimetype) == (200, b"", "text/html")


@pytest.mark.parametrize("host", ["$(ls)", "a b", "x';ls'", ""])
def test_odd_host_does_not_come_into_the_examples(client: FlaskClient, host: str) -> None:
    response = client.get("/", headers={"Host": host})

    example = response.get_json()["models"][0]["example"]
    assert example.endswith(" http://127.0.0.1:8080/models/broken/predict")


def test_address_of_the_examples_is_that_of_the_request(client: FlaskClient) -> None:
    response = client.get("/", base_url="https://predict.example.org:8443/")

    example = response.get_json()["models"][0]["example"]
    assert example.endswith(" https://predict.example.org:8443/models/broken/predict")


def test_service_without_models_lists_none() -> None:
    client = client_of(Repository(), CollectorRegistry())

    assert client.get("/").get_json()["models"] == []


def test_unloaded_model_is_not_shown(client: FlaskClient) -> None:
    client.post("/models/strokes/unload")

    assert "strokes" not in listed(client)


@pytest.mark.parametrize(
    ("manifest", "predicts"),
    [
        (table_manifest(), "price in USD"),
        (picture_manifest(), "price: one of left, right"),
        (labels_manifest(), "price: any of small, large, red"),
        (
            labels_manifest(labels=tuple("abcdefghijklmno")),
            "price: any of a, b, c, d, e, f, g, h, i, j, k, l and 3 more",
        ),
        (anomaly_manifest(), "how strange an instance is"),
    ],
    ids=["value", "class", "labels", "many labels", "anomaly"],
)
def test_model_says_what_it_predicts(manifest: Manifest, predicts: str) -> None:
    repository = Repository({manifest.name: {1: Model(manifest, price)}})

    models = listed(client_of(repository, CollectorRegistry()))

    assert models[manifest.name]["predicts"] == predicts
