"""Health, metadata, configuration and the repository of the Open Inference Protocol."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry

from service.http.health import DRAINING
from service.rollout.repository import Repository
from service.rollout.served import ServedModel
from tests.bundles import calibrated_repository, table_manifest
from tests.fakes import client_of, price
from tests.tensors import error_of
from vitrine.model import Model


def test_server_is_live_and_ready(client: FlaskClient) -> None:
    assert client.get("/v2/health/live").get_json() == {"live": True}
    assert client.get("/v2/health/ready").get_json() == {"ready": True}


def test_server_that_drains_is_live_and_not_ready(app: Flask, client: FlaskClient) -> None:
    app.extensions[DRAINING] = lambda: True

    response = client.get("/v2/health/ready")

    assert (response.status_code, response.get_json()) == (503, {"ready": False})
    assert client.get("/v2/health/live").status_code == 200


@pytest.mark.parametrize("path", ["/v2", "/v2/"])
def test_server_names_what_it_speaks(client: FlaskClient, path: str) -> None:
    members = client.get(path).get_json()

    assert members["name"] == "vitrine"
    assert "binary_tensor_data" in members["extensions"]


def test_inputs_and_outputs_of_pictures_are_named(tmp_path: Path) -> None:
    client = client_of(calibrated_repository(tmp_path), CollectorRegistry())

    assert client.get("/v2/models/strokes").get_json() == {
        "name": "strokes",
        "versions": ["1"],
        "platform": "onnx_onnxv1",
        "inputs": [{"name": "image", "datatype": "UINT8", "shape": [-1, 28, 28, 1]}],
        "outputs": [
            {"name": "probabilities", "datatype": "FP32", "shape": [-1, 2]},
            {"name": "label", "datatype": "BYTES", "shape": [-1, 1]},
            {"name": "probability", "datatype": "FP32", "shape": [-1, 1]},
            {"name": "set", "datatype": "BYTES", "shape": [-1, 1]},
            {"name": "credibility", "datatype": "FP64", "shape": [-1, 1]},
            {"name": "warnings", "datatype": "BYTES", "shape": [-1, 1]},
        ],
    }


def test_inputs_and_outputs_of_a_table_are_named(tmp_path: Path) -> None:
    client = client_of(calibrated_repository(tmp_path), CollectorRegistry())

    members = client.get("/v2/models/rooms/versions/1").get_json()

    assert members["inputs"] == [
        {"name": "size", "datatype": "FP32", "shape": [-1, 1]},
        {"name": "colour", "datatype": "BYTES", "shape": [-1, 1]},
    ]
    names = [output["name"] for output in members["outputs"]]
    assert names == ["prediction", "lower", "upper", "warnings"]


def test_versions_are_all_that_answer(client: FlaskClient) -> None:
    for path in ("/v2/models/rooms", "/v2/models/rooms/versions/1"):
        assert client.get(path).get_json()["versions"] == ["1", "2"]


def test_configuration_has_tritons_words(client: FlaskClient) -> None:
    members = client.get("/v2/models/strokes/config").get_json()

    assert members == client.get("/v2/models/strokes/versions/1/config").get_json()
    assert members["max_batch_size"] == 40
    assert members["version_policy"] == {"all": {}}
    assert members["input"] == [
        {
            "name": "image",
            "data_type": "TYPE_UINT8",
            "format": "FORMAT_NHWC",
            "dims": [28, 28, 1],
        }
    ]
    assert members["output"][1] == {"name": "label", "data_type": "TYPE_STRING", "dims": [1]}
    assert members["parameters"]["labels"] == {"string_value": '["left","right"]'}


def test_model_is_ready_until_it_is_unloaded(client: FlaskClient) -> None:
    for path in ("/v2/models/strokes/ready", "/v2/models/strokes/versions/1/ready"):
        assert client.get(path).get_json() == {"name": "strokes", "ready": True}

    response = client.post("/v2/repository/models/strokes/unload")

    assert (response.status_code, response.get_data()) == (200, b"")
    for path in ("/v2/models/strokes/ready", "/v2/models/strokes/versions/1/ready"):
        answer = client.get(path)
        assert (answer.status_code, answer.get_json()["ready"]) == (503, False)
    assert error_of(client.get("/v2/models/strokes"))[0] == 503

    assert client.post("/v2/repository/models/strokes/load", json={}).status_code == 200
    assert client.get("/v2/models/strokes/ready").status_code == 200


def test_model_that_answers_by_number_alone_is_ready_by_number_alone() -> None:
    repository = Repository()
    models = {("rooms", 1): Model(table_manifest(), price)}
    repository.swap({"rooms": ServedModel(versions=(1,), by_number=(1,))}, models)
    client = client_of(repository, CollectorRegistry())

    assert client.get("/v2/models/rooms/ready").status_code == 503
    assert client.get("/v2/models/rooms/versions/1/ready").status_code == 200


def test_index_lists_all_versions_and_their_states(client: FlaskClient) -> None:
    client.post(
        "/v2/repository/models/strokes/unload", json={"parameters": {"unload_dependents": True}}
    )

    rows = client.post("/v2/repository/index").get_json()

    by_version = {(row["name"], row["version"]): (row["state"], row["reason"]) for row in rows}
    assert by_version["rooms", "2"] == ("READY", "")
    assert by_version["rooms", "3"] == ("UNAVAILABLE", "model.onnx is missing.")
    assert by_version["strokes", "1"] == ("UNAVAILABLE", "unloaded")
    ready = client.post("/v2/repository/index", json={"ready": True}).get_json()
    assert ready == [row for row in rows if row["state"] == "READY"]


def unknown(what: str) -> str:
    """Say that something is not served."""
    return f"Request for unknown model: {what} is not found"


LOAD = "/v2/repository/models/{}/load"
NO_FLAG = "Invalid value for 'ready': expected a boolean"
CONFIG = b'{"parameters":{"config":"{}"}}'


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("GET", "/v2/models/x", b"", 404, unknown("'x'")),
        ("GET", "/v2/models/x/ready", b"", 404, unknown("'x'")),
        ("GET", "/v2/models/rooms/versions/9/ready", b"", 404, unknown("'rooms' version 9")),
        ("GET", "/v2/models/rooms/versions/9/config", b"", 404, unknown("'rooms' version 9")),
        ("GET", "/v2/models/rooms/versions/x", b"", 404, "Not Found"),
        ("GET", "/v2/model/rooms", b"", 404, "Not Found"),
        ("GET", "/v2/models/rooms/infer", b"", 405, "Method Not Allowed"),
        ("POST", "/v2", b"", 405, "Method Not Allowed"),
        ("POST", "/v2/repository/index", b'{"ready": 1}', 400, NO_FLAG),
        ("POST", "/v2/repository/index", b'{"ready": ""}', 400, NO_FLAG),
        ("POST", "/v2/repository/index", b"[]", 400, "The body must be a JSON object, or empty."),
        ("POST", LOAD.format("x"), b"", 404, unknown("'x'")),
        ("POST", "/v2/repository/models/x/unload", b"", 404, unknown("'x'")),
        ("POST", LOAD.format("rooms"), b"", 409, "Version 3 of model 'rooms' is refused: model."),
        ("POST", LOAD.format("strokes"), CONFIG, 400, "load takes no parameters"),
    ],
)
def test_error_has_one_member(
    client: FlaskClient, method: str, path: str, body: bytes, status: int, error: str
) -> None:
    found, text = error_of(client.open(path, method=method, data=body))

    assert found == status
    assert text.startswith(error)


def test_only_this_machine_changes_what_is_served(client: FlaskClient) -> None:
    headers = {"X-Forwarded-For": "203.0.113.7"}

    response = client.post("/v2/repository/models/rooms/unload", headers=headers)

    assert error_of(response)[0] == 403
    assert client.get("/v2/models/rooms/ready").status_code == 200


def test_change_is_audited(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    client.post("/v2/repository/models/strokes/unload")

    (record,) = [each for each in caplog.records if each.name == "service.audit"]
    fields: dict[str, Any] = record.__dict__["fields"]
    assert (fields["action"], fields["model"], fields["result"]) == ("unload", "strokes", "done")
