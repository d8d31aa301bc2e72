"""Paths of TensorFlow Serving: what is served, and what is said of paths that are none."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry

from service.rollout.repository import Repository
from service.settings import Settings
from tests.fakes import client_of

ONE = b'{"instances": [1.0]}'


def status(version: int, state: str = "AVAILABLE", code: str = "OK", why: str = "") -> Any:
    """Return the status of a version."""
    return {
        "version": str(version),
        "state": state,
        "status": {"error_code": code, "error_message": why},
    }


@pytest.mark.parametrize(
    ("path", "states", "is_ready"),
    [
        ("half_plus_two", [status(123)], True),
        ("half_plus_two/versions/123", [status(123)], True),
        (
            "uncalibrated",
            [
                status(3, "END", "FAILED_PRECONDITION", "model.onnx is missing."),
                status(2),
                status(1),
            ],
            True,
        ),
        ("uncalibrated/labels/old", [status(1)], True),
        (
            "uncalibrated/versions/3",
            [status(3, "END", "FAILED_PRECONDITION", "model.onnx is missing.")],
            False,
        ),
        ("gone", [], False),
    ],
)
def test_status_is_that_of_every_version(
    client: FlaskClient, path: str, states: Any, *, is_ready: bool
) -> None:
    response = client.get(f"/v1/models/{path}")

    assert (response.status_code, response.mimetype) == (200, "application/json")
    assert response.get_json() == {
        "model_version_status": states,
        "name": path.partition("/")[0],
        "ready": is_ready,
    }


@pytest.mark.parametrize("path", ["", "/versions/123"])
def test_metadata_describe_every_signature(client: FlaskClient, path: str) -> None:
    members = client.get(f"/v1/models/half_plus_two{path}/metadata").get_json()

    assert members["model_spec"] == {
        "name": "half_plus_two",
        "signature_name": "",
        "version": "123",
    }
    described = members["metadata"]["signature_def"]["signature_def"]
    assert described["serving_default"] == {
        "inputs": {"x": tensor("x", "DT_FLOAT", -1, 1)},
        "outputs": {"y": tensor("y", "DT_FLOAT", -1, 1)},
        "method_name": "tensorflow/serving/predict",
        "defaults": {},
    }
    assert {name: each["method_name"] for name, each in described.items()} == {
        "serving_default": "tensorflow/serving/predict",
        "detailed": "tensorflow/serving/predict",
        "tensorflow/serving/classify": "tensorflow/serving/classify",
        "tensorflow/serving/regress": "tensorflow/serving/regress",
    }
    assert described["tensorflow/serving/regress"]["inputs"] == {
        "inputs": tensor("inputs", "DT_STRING", -1)
    }


def tensor(name: str, dtype: str, *sizes: int) -> dict[str, Any]:
    """Describe a tensor."""
    dims = [{"size": str(size), "name": ""} for size in sizes]
    shape = {"dim": dims, "unknown_rank": False}
    return {"dtype": dtype, "tensor_shape": shape, "name": f"{name}:0"}


def test_metadata_name_the_numeric_input_of_pictures(client: FlaskClient) -> None:
    members = client.get("/v1/models/strokes/metadata").get_json()

    described = members["metadata"]["signature_def"]["signature_def"]
    assert described["serving_default"]["inputs"] == {
        "image": tensor("image", "DT_FLOAT", -1, 28, 28, 1)
    }
    assert described["serving_default"]["outputs"] == {
        "probabilities": tensor("probabilities", "DT_FLOAT", -1, 2)
    }
    assert "tensorflow/serving/regress" not in described


def test_categories_are_described_as_texts(client: FlaskClient) -> None:
    members = client.get("/v1/models/uncalibrated/labels/old/metadata").get_json()

    described = members["metadata"]["signature_def"]["signature_def"]
    assert members["model_spec"]["version"] == "1"
    assert described["serving_default"]["inputs"]["colour"]["dtype"] == "DT_STRING"


@pytest.mark.parametrize(
    ("method", "path", "code", "message"),
    [
        ("GET", "/v1", 400, "Malformed request: GET /v1"),
        ("GET", "/v1/foo", 400, "Malformed request: GET /v1/foo"),
        ("POST", "/v1/foo", 400, "Malformed request: POST /v1/foo"),
        ("GET", "/V1/foo", 400, "Malformed request: GET /V1/foo"),
        ("GET", "/v1/models", 400, "Missing model name in request."),
        ("POST", "/v1/models", 400, "Malformed request: POST /v1/models"),
        ("GET", "/v1/models/a:predict", 400, "Malformed request: GET /v1/models/a:predict"),
        ("GET", "/v1/models/a:b", 400, "Malformed request: GET /v1/models/a:b"),
        ("POST", "/v1/models/a", 400, "Malformed request: POST /v1/models/a"),
        ("DELETE", "/v1/models/a", 400, "Malformed request: DELETE /v1/models/a"),
        (
            "GET",
            "/v1/models/a/version/50:predict",
            400,
            "Malformed request: GET /v1/models/a/version/50:predict",
        ),
        (
            "POST",
            "/v1/models/a/versions/HELLO:regress",
            400,
            "Malformed request: POST /v1/models/a/versions/HELLO:regress",
        ),
        (
            "POST",
            "/v1/models/a/versions/18446744073709551615:regress",
            400,
            "Failed to convert version: 18446744073709551615 to numeric.",
        ),
        (
            "GET",
            "/v1/models/a/versions/9223372036854775808",
            400,
            "Failed to convert version: 9223372036854775808 to numeric.",
        ),
        ("POST", "/v1/models/half:predict", 404, "Servable not found for request: Latest(half)"),
        ("GET", "/v1/models/half", 404, "Servable not found for request: Latest(half)"),
        ("GET", "/v1/models/half/metadata", 404, "Servable not found for request: Latest(half)"),
        ("POST", "/v1/models/gone:predict", 404, "Servable not found for request: Latest(gone)"),
        (
            "POST",
            "/v1/models/half/versions/50:predict",
            404,
            "Servable not found for request: Specific(half, 50)",
        ),
        (
            "GET",
            "/v1/models/half_plus_two/versions/50",
            404,
            "Servable not found for request: Specific(half_plus_two, 50)",
        ),
        (
            "POST",
            "/v1/models/half_plus_two/versions/0:predict",
            404,
            "Servable not found for request: Specific(half_plus_two, 0)",
        ),
        (
            "POST",
            "/v1/models/half_plus_two/versions/9223372036854775807:predict",
            404,
            "Servable not found for request: Specific(half_plus_two, 9223372036854775807)",
        ),
        (
            "POST",
            "/v1/models/half_plus_two/labels/new:predict",
            400,
            "Unrecognized servable version label: new",
        ),
        (
            "GET",
            "/v1/models/half_plus_two/labels/new",
            400,
            "Unrecognized servable version label: new",
        ),
        ("POST", "/v1/models/half:predict/", 404, "Servable not found for request: Latest(half)"),
        ("GET", "/v1/models/half/", 404, "Servable not found for request: Latest(half)"),
        ("GET", "/V1/models/half/Metadata/", 404, "Servable not found for request: Latest(half)"),
        (
            "POST",
            "/v1/models/half_plus_two/labels/new:predict/",
            400,
            "Unrecognized servable version label: new",
        ),
        ("GET", "/v1/models/", 400, "Malformed request: GET /v1/models/"),
        (
            "POST",
            "/v1/models/half_plus_two:predict:predict",
            400,
            "Malformed request: POST /v1/models/half_plus_two:predict:predict",
        ),
        (
            "POST",
            "/v1/models/half_plus_two/labels/new:old:predict",
            400,
            "Malformed request: POST /v1/models/half_plus_two/labels/new:old:predict",
        ),
        ("GET", f"/v1/{'x' * 500}", 400, f"Malformed request: GET /v1/{'x' * 196}"),
    ],
)
def test_path_that_is_not_served_is_told(
    client: FlaskClient, method: str, path: str, code: int, message: str
) -> None:
    response = client.open(path, method=method, data=ONE)

    assert (response.status_code, response.mimetype) == (code, "application/json")
    assert response.text.startswith('{ "error": ')
    assert response.get_json() == {"error": message}


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models/half_plus_two:predict",
        "/V1/Models/half_plus_two:PREDICT",
        "/V1/Models/half_plus_two:PREDICT/",
        "/v1/models/half_plus_two/versions/123:predict",
        "/v1/models/half_plus_two/VERSIONS/00123:Predict",
        "/v1/models/half%5Fplus%5ftwo%3Apredict",
    ],
)
def test_case_of_a_path_does_not_matter(client: FlaskClient, path: str) -> None:
    response = client.post(path, data=ONE)

    assert (response.status_code, response.get_json()) == (200, {"predictions": [2.5]})
    assert "/v1/models/<name>" in client.get("/metrics").text


def test_case_of_a_name_matters(client: FlaskClient) -> None:
    response = client.post("/v1/models/HALF_plus_two:predict", data=ONE)

    message = "Servable not found for request: Latest(HALF_plus_two)"
    assert (response.status_code, response.get_json()) == (404, {"error": message})


def test_language_can_be_switched_off(repository: Repository, registry: CollectorRegistry) -> None:
    client = client_of(repository, registry, Settings(languages=""))

    response = client.post("/v1/models/half_plus_two:predict", data=ONE)

    assert (response.status_code, response.mimetype) == (404, "application/problem+json")
