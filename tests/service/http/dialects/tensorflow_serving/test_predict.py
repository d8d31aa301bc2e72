"""Predictions in the language of TensorFlow Serving."""

import gzip
import json
from base64 import b64encode
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service.settings import Settings
from tests.fakes import blank_picture, levels, picture

HALF = "/v1/models/half_plus_two:predict"
ROOMS = "/v1/models/rooms:predict"
STROKES = "/v1/models/strokes:predict"
PICTURE = {"b64": b64encode(picture()).decode()}
ROOM = {"size": 1.0, "colour": "red"}


def post(client: FlaskClient, path: str, body: object, **headers: str) -> TestResponse:
    """Send a body as it is, or as JSON."""
    data = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.post(path, data=data, headers=headers)


def answer(response: TestResponse) -> Any:
    """Return the members of a 200."""
    assert response.status_code == 200, response.text
    assert response.mimetype == "application/json"
    return json.loads(response.text)


def refusal(response: TestResponse, status: int = 400) -> str:
    """Return the message of an error."""
    members = json.loads(response.text)
    assert list(members) == ["error"]
    assert (response.status_code, response.mimetype) == (status, "application/json"), members
    message: str = members["error"]
    return message


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ('{"instances": [1.0, 2.0, 5.0]}', '"predictions": [2.5, 3.0, 4.5]'),
        ('{"instances": [1, 2, 5]}', '"predictions": [2.5, 3.0, 4.5]'),
        ('{"instances": [[1.0], [2.0]]}', '"predictions": [[2.5], [3.0]]'),
        ('{"instances": [{"x": 1.0}, {"x": 2.0}]}', '"predictions": [2.5, 3.0]'),
        ('{"instances": [{"x": [1.0]}]}', '"predictions": [[2.5]]'),
        ('{"inputs": [3.0, 4.0]}', '"outputs": [3.5, 4.0]'),
        ('{"inputs": [[3.0], [4.0]]}', '"outputs": [[3.5], [4.0]]'),
        ('{"inputs": {"x": [3.0, 4.0]}}', '"outputs": [3.5, 4.0]'),
        ('{"signature_name": "serving_default", "instances": [3]}', '"predictions": [3.5]'),
        ('{"signature_name": "", "instances": [3]}', '"predictions": [3.5]'),
        ('{"instances": [NaN, Infinity, -Infinity]}', '"predictions": [NaN, Infinity, -Infinity]'),
        ('{"instances": [1.0]} and more', '"predictions": [2.5]'),
        ('\ufeff{"instances": [1.0], "anything": {"else": []}}', '"predictions": [2.5]'),
        (
            '{"instances": [0.2, 0.3333333, 1e-5, 2e7, -4]}',
            '"predictions": [2.1, 2.16666675, 2.00000501, 10000002.0, 0.0]',
        ),
    ],
)
def test_number_is_answered_as_that_server_does(
    client: FlaskClient, asked: str, answered: str
) -> None:
    response = post(client, HALF, asked)

    assert response.status_code == 200, response.text
    assert response.text == f"{{\n    {answered}\n}}\n"


@pytest.mark.parametrize(
    ("body", "predictions"),
    [
        ({"instances": [ROOM, {"size": 2.0, "colour": "blue"}]}, [13.0, 22.0]),
        ({"instances": [{"size": [1.0], "colour": ["red"]}]}, [[13.0]]),
        ({"instances": [{"size": 1, "colour": {"b64": "cmVk"}}]}, [13.0]),
        ({"instances": [{"size": 1, "colour": ""}]}, [10.0]),
        ({"instances": [{"size": 1, "colour": "green"}]}, [11.0]),
    ],
)
def test_rows_of_a_table_are_objects(client: FlaskClient, body: Any, predictions: Any) -> None:
    assert answer(post(client, ROOMS, body)) == {"predictions": predictions}


def test_columns_of_a_table_are_lists(client: FlaskClient) -> None:
    body = {"inputs": {"size": [1.0, 2.0], "colour": ["red", "blue"], "other": [1]}}

    assert answer(post(client, ROOMS, body)) == {"outputs": [13.0, 22.0]}


@pytest.mark.parametrize(
    "body",
    [
        {"instances": [PICTURE]},
        {"instances": [{"image": PICTURE}]},
        {"inputs": [PICTURE]},
        {"inputs": PICTURE},
        {"inputs": {"image": [PICTURE]}},
    ],
)
def test_picture_is_base64(client: FlaskClient, body: Any) -> None:
    (probabilities,) = next(iter(answer(post(client, STROKES, body)).values()))

    assert probabilities == [0.714285731, 0.285714298]


@pytest.mark.parametrize("body", [{"instances": [levels()] * 2}, {"inputs": [levels()] * 2}])
def test_picture_is_levels(client: FlaskClient, body: Any) -> None:
    assert next(iter(answer(post(client, STROKES, body)).values())) == [[0.5, 0.5]] * 2


@pytest.mark.parametrize(
    ("path", "instance", "outputs"),
    [
        (ROOMS, ROOM, {"prediction": 13.0, "lower": 11.0, "upper": 17.0, "warnings": []}),
        (
            "/v1/models/uncalibrated:predict",
            ROOM,
            {"prediction": 13.0, "warnings": []},
        ),
        (
            STROKES,
            PICTURE,
            {
                "label": "left",
                "probability": 0.714285731,
                "probabilities": [0.714285731, 0.285714298],
                "set": ["left", "right"],
                "credibility": 0.6,
                "warnings": [],
            },
        ),
        (
            "/v1/models/traits:predict",
            ROOM,
            {
                "labels": ["small", "red"],
                "probabilities": [0.9, 0.2, 0.6],
                "warnings": [],
            },
        ),
        (
            "/v1/models/oddities:predict",
            ROOM,
            {"anomaly_score": 1.0, "credibility": 1.0, "warnings": []},
        ),
    ],
    ids=["value", "uncalibrated", "picture", "labels", "anomaly"],
)
def test_detailed_signature_has_named_outputs(
    client: FlaskClient, path: str, instance: Any, outputs: Any
) -> None:
    rows = post(client, path, {"signature_name": "detailed", "instances": [instance] * 2})

    assert answer(rows) == {"predictions": [outputs] * 2}
    inputs = (
        [instance] if instance is PICTURE else {name: [value] for name, value in instance.items()}
    )
    columns = post(client, path, {"signature_name": "detailed", "inputs": inputs})
    assert answer(columns) == {"outputs": {name: [value] for name, value in outputs.items()}}
    metadata = answer(client.get(path.replace(":predict", "/metadata")))["metadata"]
    described = metadata["signature_def"]["signature_def"]["detailed"]["outputs"]
    assert list(described) == list(outputs)


def test_warning_is_a_named_output(client: FlaskClient) -> None:
    body = {"signature_name": "detailed", "instances": [{"size": 500, "colour": "red"}]}

    (prediction,) = answer(post(client, ROOMS, body))["predictions"]

    assert prediction["warnings"] == ["size is 500; in training it was between 0 and 100."]


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        (HALF, "", "JSON Parse error: The document is empty"),
        (HALF, "instances = [1, 2]", "JSON Parse error: Invalid value. at offset: 0"),
        (HALF, "[1, 2]", "JSON Value: [\n    1,\n    2\n] Is not object"),
        (HALF, "{}", "Missing 'inputs' or 'instances' key"),
        (
            HALF,
            {"instances": [1], "inputs": [1]},
            'JSON Value: {\n    "instances": [\n        1\n    ],\n … Not formatted correctly '
            "expecting only one of 'inputs' or 'instances' keys to exist ",
        ),
        (
            HALF,
            {"instances": 1},
            "JSON Value: {\n    \"instances\": 1\n} Expecting 'instances' to be an list/array",
        ),
        (
            HALF,
            {"instances": []},
            "JSON Value: {\n    \"instances\": []\n} No values in 'instances' array",
        ),
        (
            HALF,
            {"signature_name": 5, "instances": [1]},
            'JSON Value: {\n    "signature_name": 5,\n    "instanc… not formatted correctly. '
            "'signature_name' key must be a string value.",
        ),
        (
            HALF,
            {"signature_name": "foo", "instances": [1]},
            'Serving signature name: "foo" not found in signature def',
        ),
        (
            HALF,
            {"instances": ["x"]},
            "Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT: "
            'JSON Value: "x" Type: String is not of expected type: float',
        ),
        (
            HALF,
            {"inputs": [1.0, None]},
            "JSON Value: null Type: Null is not of expected type: float",
        ),
        (HALF, {"inputs": [True]}, "JSON Value: true Type: True is not of expected type: float"),
        (
            HALF,
            {"inputs": [1e39]},
            "Cannot convert JSON value: 1e+39 to float without loss of precision.",
        ),
        (
            HALF,
            {"inputs": [[1.0], [2.0, 3.0]]},
            "Encountered list at unexpected size: 2 at level: 1 expected size: 1",
        ),
        (
            HALF,
            {"inputs": [[1.0], 2.0]},
            "JSON Value: 2.0 found at incorrect level: 2 in the JSON DOM. Expected at level: 2",
        ),
        (HALF, {"inputs": [1.0, [2.0]]}, "Encountered list at unexpected level: 1 expected < 1"),
        (HALF, {"inputs": []}, "No values in 'inputs' array"),
        (
            HALF,
            {"inputs": 3.0},
            "Tensor name: x must be a list, one value for each instance. Got: 3.0",
        ),
        (
            ROOMS,
            {"instances": [ROOM, {"size": 1.0}]},
            "Failed to process element: 1 of 'instances' list. JSON object: "
            '{\n    "size": 1.0\n} keys must be equal to: colour,size',
        ),
        (
            ROOMS,
            {"instances": [{**ROOM, "z": 1}]},
            "Failed to process element: 0 key: z of 'instances' list. Error: INVALID_ARGUMENT: "
            "JSON object: does not have named input: z",
        ),
        (
            ROOMS,
            {"instances": [{"size": 1, "colour": 3}]},
            "Failed to process element: 0 key: colour of 'instances' list. Error: "
            "INVALID_ARGUMENT: JSON Value: 3 Type: Number is not of expected type: string",
        ),
        (
            ROOMS,
            {"instances": [[1.0, "red"]]},
            "instances is a plain list, but expecting list of objects as multiple input tensors "
            "required as per tensorinfo_map",
        ),
        (
            ROOMS,
            {"instances": [ROOM, 1.0]},
            "Expecting object but got list at item 1 of input list",
        ),
        (
            HALF,
            {"instances": [1.0, {"x": 1.0}]},
            "Expecting value/list but got object at item 1 of input list",
        ),
        (
            ROOMS,
            {"inputs": [1.0]},
            "inputs is a plain value/list, but expecting an object as multiple input tensors "
            "required as per tensorinfo_map",
        ),
        (
            ROOMS,
            {"inputs": {"size": [1.0]}},
            "Missing named input: colour in 'inputs' object.",
        ),
        (
            ROOMS,
            {"inputs": {"size": [1.0, 2.0], "colour": ["red"]}},
            "Tensor name: colour has inconsistent batch size: 1 expecting: 2",
        ),
        (
            ROOMS,
            {"inputs": {"size": [1.0], "colour": [{"b64": "?"}]}},
            "Unable to base64 decode",
        ),
        (
            ROOMS,
            '{"inputs": {"size": [1.0], "colour": ["\\ud800"]}}',
            "JSON Parse error: The surrogate pair in string is invalid. at offset: 39",
        ),
        (
            STROKES,
            {"instances": [{"b64": b64encode(blank_picture()).decode()}]},
            "The picture has no ink: nothing stands out from its background.",
        ),
        (
            STROKES,
            {"instances": [PICTURE, {"b64": b64encode(blank_picture()).decode()}]},
            "Failed to process element: 1. Error: INVALID_ARGUMENT: The picture has no ink: "
            "nothing stands out from its background.",
        ),
    ],
)
def test_mistake_is_told_in_the_words_of_that_server(
    client: FlaskClient, path: str, body: object, message: str
) -> None:
    assert refusal(post(client, path, body)) == message


def test_compressed_body_is_read(client: FlaskClient) -> None:
    body = gzip.compress(b'{"instances": [1.0]}')

    response = post(client, HALF, body, **{"Content-Encoding": "gzip"})

    assert answer(response) == {"predictions": [2.5]}


@pytest.mark.parametrize(
    ("body", "coding", "message"),
    [
        (b"no gzip", "gzip", "Failed to uncompress the gzipped body."),
        (gzip.compress(b"{}", mtime=0)[:-1], "gzip", "Failed to uncompress the gzipped body."),
        (gzip.compress(b"{}", mtime=0) + b"more", "gzip", "Failed to uncompress the gzipped body."),
        (b"{}", "br", "Unsupported Content-Encoding: only gzip is read."),
    ],
)
def test_body_that_is_not_so_compressed_is_refused(
    client: FlaskClient, body: bytes, coding: str, message: str
) -> None:
    assert refusal(post(client, HALF, body, **{"Content-Encoding": coding})) == message


def test_compressed_body_has_a_limit_of_what_is_in_it(
    client: FlaskClient, settings: Settings
) -> None:
    most = settings.max_body_bytes
    fits = gzip.compress(b'{"instances": [1.0]}'.ljust(most))
    exceeds = gzip.compress(b'{"instances": [1.0]}'.ljust(most + 1))

    assert answer(post(client, HALF, fits, **{"Content-Encoding": "gzip"}))
    refused = post(client, HALF, exceeds, **{"Content-Encoding": "gzip"})
    assert refusal(refused, 413) == f"The body may have at most {most} bytes."


def test_more_instances_than_the_settings_allow_are_refused(
    client: FlaskClient, settings: Settings
) -> None:
    most = settings.max_instances

    assert len(answer(post(client, HALF, {"instances": [1.0] * most}))["predictions"]) == most
    for body in ({"instances": [1.0] * (most + 1)}, {"inputs": [1.0] * (most + 1)}):
        message = f"A request may have at most {most} instances."
        assert refusal(post(client, HALF, body), 413) == message


@pytest.mark.parametrize("key", ["instances", "inputs"])
def test_blanks_of_a_large_body_are_numbers(client: FlaskClient, key: str) -> None:
    body = f'{{"padding": "{"NaN" * 2**16}", "{key}": [NaN, -Infinity, 1.0]}} and more'

    response = post(client, HALF, body)

    assert response.text.endswith("[NaN, -Infinity, 2.5]\n}\n")


def test_version_that_answered_is_in_the_headers(client: FlaskClient) -> None:
    response = post(client, HALF, {"instances": [1.0]})

    assert response.headers["X-Model-Name"] == "half_plus_two"
    assert response.headers["X-Model-Version"] == "123"
