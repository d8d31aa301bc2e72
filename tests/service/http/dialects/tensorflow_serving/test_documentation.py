"""The requests of TensorFlow Serving's documentation, sent to a real server."""

import gzip
import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.bundles import write_half_plus_two_bundle, write_picture_bundle
from tests.fakes import picture
from tests.servers import Server, serving

MODEL = "/v1/models/half_plus_two"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of two versions of x * 0.5 + 2, and of a classifier of pictures."""
    models = tmp_path_factory.mktemp("models")
    write_half_plus_two_bundle(models, 123)
    write_half_plus_two_bundle(models, 124)
    write_picture_bundle(models, calibrated=True)
    with serving(models=models, workers=1) as server:
        yield server


def ask(
    server: Server, method: str, path: str, body: bytes | str = b"", **headers: str
) -> tuple[int, Any]:
    """Send a request; return the status and the members of the answer."""
    with closing(server.connect()) as connection:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())


@pytest.mark.parametrize(
    ("path", "body", "answer"),
    [
        (":predict", '{"instances": [1.0, 2.0, 5.0]}', {"predictions": [2.5, 3.0, 4.5]}),
        (":predict", '{"instances": [[1.0], [2.0]]}', {"predictions": [[2.5], [3.0]]}),
        ("/versions/123:predict", '{"instances": [1.0, 2.0]}', {"predictions": [2.5, 3.0]}),
        (
            "/versions/123:predict",
            '{"signature_name": "serving_default", "instances": [3.0, 4.0]}',
            {"predictions": [3.5, 4.0]},
        ),
        (
            "/versions/124:predict",
            '{"signature_name": "serving_default", "inputs": [3.0, 4.0]}',
            {"outputs": [3.5, 4.0]},
        ),
        (
            ":regress",
            '{"signature_name": "tensorflow/serving/regress", '
            '"examples": [{"x": 1.0}, {"x": 2.0}]}',
            {"results": [2.5, 3.0]},
        ),
        (":regress", '{"examples": [{"x": 80.0}]}', {"results": [42.0]}),
        (":classify", '{"examples": [{"x": 20.0}]}', {"results": [[["", 12.0]]]}),
        ("/versions/123:classify", '{"examples": [{"x": 10.0}]}', {"results": [[["", 7.0]]]}),
    ],
)
def test_request_is_answered_to_the_last_digit(
    server: Server, path: str, body: str, answer: Any
) -> None:
    assert ask(server, "POST", f"{MODEL}{path}", body) == (200, answer)


def test_body_may_be_compressed(server: Server) -> None:
    body = gzip.compress(b'{"instances": [1.0, 2.0, 5.0]}')

    answer = ask(server, "POST", f"{MODEL}:predict", body, **{"Content-Encoding": "gzip"})

    assert answer == (200, {"predictions": [2.5, 3.0, 4.5]})


def test_numbers_need_not_be_finite(server: Server) -> None:
    with closing(server.connect()) as connection:
        body = '{"instances": [NaN, Infinity, -Infinity, 1.0]}'
        connection.request("POST", f"{MODEL}:predict", body)
        text = connection.getresponse().read()

    assert text == b'{\n    "predictions": [NaN, Infinity, -Infinity, 2.5]\n}\n'


def test_picture_is_an_instance_and_a_feature(server: Server) -> None:
    encoded = {"b64": b64encode(picture()).decode()}
    status, members = ask(
        server, "POST", "/v1/models/strokes:predict", json.dumps({"instances": [encoded]})
    )
    body = json.dumps({"examples": [{"image": encoded, "caption": "seaside"}]})

    classified = ask(server, "POST", "/v1/models/strokes:classify", body)

    assert status == 200
    ((left, right),) = members["predictions"]
    assert left + right == pytest.approx(1)
    assert classified == (200, {"results": [[["left", left], ["right", right]]]})


def test_status_is_that_of_every_version(server: Server) -> None:
    one = {"state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}

    status, members = ask(server, "GET", MODEL)

    assert status == 200
    assert members["model_version_status"] == [
        {"version": "124", **one},
        {"version": "123", **one},
    ]
    assert members["ready"] is True
    status, members = ask(server, "GET", f"{MODEL}/versions/123")
    assert members["model_version_status"] == [{"version": "123", **one}]


def test_metadata_name_the_tensors(server: Server) -> None:
    status, members = ask(server, "GET", f"{MODEL}/metadata")

    signatures = members["metadata"]["signature_def"]["signature_def"]
    assert (status, list(signatures["serving_default"]["inputs"])) == (200, ["x"])
    assert list(signatures["serving_default"]["outputs"]) == ["y"]


def test_unknown_model_is_not_found(server: Server) -> None:
    answer = ask(server, "POST", "/v1/models/half:predict", '{"instances": [1.0, 5.0]}')

    assert answer == (404, {"error": "Servable not found for request: Latest(half)"})


def test_service_is_alive_for_a_client_of_kserve(server: Server) -> None:
    for headers in ({}, {"Accept": "*/*"}, {"Accept": "application/json"}):
        status, members = ask(server, "GET", "/", **headers)
        assert (status, members["status"]) == (200, "alive")
