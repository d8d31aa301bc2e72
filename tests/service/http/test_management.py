"""Changing what is served, over HTTP: what is taken, what is refused, who may."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry

from service.http.app import create_app
from service.settings import Settings
from service.telemetry.metrics import Metrics
from tests.fakes import FakeControlPlane, client_of, fake_repository, table

ROWS = table(1)


def versions_that_answer(client: FlaskClient, path: str = "/models/rooms/predict") -> str:
    """Return the version that answers rows."""
    response = client.post(path, data=ROWS, content_type="text/csv")
    return response.headers["X-Model-Version"]


def test_label_stable_answers_where_no_version_is_asked_for(client: FlaskClient) -> None:
    assert versions_that_answer(client) == "2"

    response = client.patch("/models/rooms", json={"labels": {"stable": 1, "next": 2}})

    assert response.get_json() == {
        "name": "rooms",
        "versions": [1, 2],
        "serving": {
            "loaded": True,
            "default": 1,
            "by_number": [],
            "policy": "all",
            "labels": {"stable": 1, "next": 2},
            "canary_share": 0.0,
            "shadow": None,
            "refused": {"3": "model.onnx is missing."},
        },
    }
    assert client.get("/models/rooms").get_json()["serving"] == response.get_json()["serving"]
    assert versions_that_answer(client) == "1"
    assert versions_that_answer(client, "/models/rooms/labels/next/predict") == "2"
    assert client.get("/models/rooms/labels/next").get_json()["version"] == 2


def test_changes_are_merged(client: FlaskClient) -> None:
    client.patch("/models/rooms", json={"labels": {"stable": 1, "canary": 2}, "canary_share": 0.5})
    client.patch("/models/rooms", json={"labels": {"stable": 2, "canary": None}, "canary_share": 0})
    client.patch("/models/rooms", json={"shadow": 1, "policy": "latest:1"})

    serving = client.get("/models/rooms").get_json()["serving"]

    assert (serving["labels"], serving["canary_share"]) == ({"stable": 2}, 0)
    assert (serving["shadow"], serving["policy"]) == (1, "latest:1")
    members = dict.fromkeys(["labels", "shadow", "policy", "canary_share"])
    assert client.patch("/models/rooms", json=members).get_json()["serving"]["labels"] == {}


def test_rollback_goes_one_version_back(client: FlaskClient) -> None:
    response = client.post("/models/rooms/rollback")

    assert response.get_json()["serving"]["labels"] == {"stable": 1}
    assert versions_that_answer(client) == "1"
    again = client.post("/models/rooms/rollback")
    assert again.status_code == 409
    assert again.get_json()["detail"] == "Model 'rooms' has no version before 1 to go back to."


def test_nothing_is_before_a_model_that_was_unloaded(client: FlaskClient) -> None:
    client.post("/models/rooms/unload")

    response = client.post("/models/rooms/rollback")

    assert response.status_code == 409
    assert response.get_json()["detail"] == (
        "No version of model 'rooms' is served, so that none is before it."
    )


def test_rollback_takes_a_version_that_answers_only_by_number_where_there_is_no_other(
    settings: Settings, registry: CollectorRegistry
) -> None:
    repository = fake_repository()
    control_plane = FakeControlPlane(repository, by_number={("rooms", 1)})
    client = create_app(settings, repository, Metrics(registry), control_plane).test_client()

    serving = client.post("/models/rooms/rollback").get_json()["serving"]

    assert (serving["default"], serving["by_number"]) == (1, [1])


def test_unloaded_model_is_loaded_again(client: FlaskClient) -> None:
    assert client.post("/models/strokes/unload").get_json()["versions"] == []
    assert client.get("/models/strokes").get_json()["detail"].endswith("It was unloaded.")
    assert "strokes" not in client.get("/readyz").get_json()["models"]
    assert "strokes" not in client.get("/models").get_data(as_text=True)

    assert client.post("/models/strokes/load").get_json()["versions"] == [1]

    assert client.get("/models/strokes").status_code == 200


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"policy": "latest"}, ["#/policy"]),
        ({"policy": 1}, ["#/policy"]),
        ({"labels": [1]}, ["#/labels"]),
        ({"labels": {"a b": 1, "c": 0, "d": True, "e": "1"}}, ["#/labels"] + ["#/labels/"] * 3),
        ({"canary_share": 1.5}, ["#/canary_share"]),
        ({"canary_share": True}, ["#/canary_share"]),
        ({"shadow": -1, "x": 1}, ["#/shadow", "#/x"]),
    ],
)
def test_every_fault_of_a_change_is_named(
    client: FlaskClient, changes: Any, pointers: list[str]
) -> None:
    response = client.patch("/models/rooms", json=changes)

    assert response.status_code == 422
    found = [error["pointer"] for error in response.get_json()["errors"]]
    assert len(found) == len(pointers)
    assert all(one.startswith(other) for one, other in zip(found, pointers, strict=True))
    assert client.get("/models/rooms").get_json()["serving"]["default"] == 2


def test_large_change_is_refused(client: FlaskClient) -> None:
    response = client.patch("/models/rooms", data=b" " * 100_000)

    assert response.status_code == 413


@pytest.mark.parametrize("name", ["Origin", "Sec-Fetch-Site", "Forwarded", "X-Forwarded-For"])
def test_without_keys_nobody_speaks_for_others(client: FlaskClient, name: str) -> None:
    response = client.post("/models/rooms/unload", headers={name: "http://elsewhere"})

    assert response.status_code == 403
    assert "VITRINE_KEYS" in response.get_json()["detail"]
    assert versions_that_answer(client) == "2"


def test_without_keys_another_machine_is_refused(client: FlaskClient) -> None:
    elsewhere = {"REMOTE_ADDR": "192.0.2.1"}

    assert client.post("/models/rooms/unload", environ_overrides=elsewhere).status_code == 403
    assert client.get("/models/rooms", environ_overrides=elsewhere).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8080", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:8080", 200),
        ("models.internal:80", 200),
        ("rebound.example:8080", 403),
        ("localhost.rebound.example", 403),
        ("0.0.0.0:8080", 403),
        ("[::1", 403),
        ("", 403),
    ],
)
def test_without_keys_the_host_must_be_ours(host: str, status: int) -> None:
    settings = Settings(host="models.internal")
    client = client_of(fake_repository(), CollectorRegistry(), settings)

    response = client.post("/models/rooms/rollback", headers={"Host": host})

    assert response.status_code == status


def test_address_that_stands_for_all_is_no_host_of_ours() -> None:
    settings = Settings(host="0.0.0.0")  # noqa: S104 - what is refused
    client = client_of(fake_repository(), CollectorRegistry(), settings)

    response = client.post("/models/rooms/rollback", headers={"Host": "0.0.0.0:8080"})

    assert response.status_code == 403


@pytest.mark.parametrize("member", ["loaded", "versions", "refused", "revision", "__class__"])
def test_patch_changes_nothing_but_what_is_documented(client: FlaskClient, member: str) -> None:
    before = client.get("/models/rooms").get_json()

    response = client.patch("/models/rooms", json={member: None, "canary_share": 0})

    assert response.status_code == 422
    assert response.get_json()["errors"][0]["pointer"] == f"#/{member}"
    assert client.get("/models/rooms").get_json() == before
