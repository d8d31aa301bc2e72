"""`classify` and `regress` in the language of TensorFlow Serving."""

import json
from base64 import b64encode
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.fakes import levels, picture

PICTURE = {"b64": b64encode(picture()).decode()}
ROOM = {"size": 1.0, "colour": "red"}
FLAT = [level for row in levels() for level in row]
HALF = "half_plus_two"


def ask(client: FlaskClient, model: str, verb: str, body: Any) -> tuple[int, Any]:
    """Send a request; return the status and the members of the answer."""
    response = client.post(f"/v1/models/{model}:{verb}", data=json.dumps(body))
    return response.status_code, json.loads(response.text)


@pytest.mark.parametrize(
    ("body", "results"),
    [
        ({"examples": [{"x": 1.0}, {"x": 2.0}]}, [2.5, 3.0]),
        ({"examples": [{"x": [1.0]}, {"x": 2}]}, [2.5, 3.0]),
        ({"context": {"x": 4.0}, "examples": [{}]}, [4.0]),
        ({"examples": [{"x": 80.0, "more": None}]}, [42.0]),
        (
            {"signature_name": "tensorflow/serving/regress", "examples": [{"x": 1.0}]},
            [2.5],
        ),
    ],
)
def test_value_is_regressed(client: FlaskClient, body: Any, results: Any) -> None:
    assert ask(client, HALF, "regress", body) == (200, {"results": results})


def test_anomaly_score_is_regressed(client: FlaskClient) -> None:
    body = {"examples": [ROOM]}

    assert ask(client, "oddities", "regress", body) == (200, {"results": [1.0]})


def test_results_are_one_document(client: FlaskClient) -> None:
    response = client.post(f"/v1/models/{HALF}:regress", data='{"examples": [{"x": 1.0}]}')

    assert response.text == '{\n    "results": [2.5]\n}\n'


@pytest.mark.parametrize(
    ("model", "example", "classes"),
    [
        (HALF, {"x": 20.0}, [["", 12.0]]),
        ("traits", ROOM, [["small", 0.9], ["large", 0.2], ["red", 0.6]]),
        ("strokes", {"image": PICTURE}, [["left", 0.714285731], ["right", 0.285714298]]),
        ("strokes", {"image": [PICTURE]}, [["left", 0.714285731], ["right", 0.285714298]]),
        ("strokes", {"image": levels()}, [["left", 0.5], ["right", 0.5]]),
        ("strokes", {"image": FLAT}, [["left", 0.5], ["right", 0.5]]),
    ],
)
@pytest.mark.parametrize("name", ["", "serving_default", "tensorflow/serving/classify"])
def test_every_class_label_has_a_score(
    client: FlaskClient, model: str, example: Any, classes: Any, name: str
) -> None:
    body = {"signature_name": name, "examples": [example] * 2}

    assert ask(client, model, "classify", body) == (200, {"results": [classes] * 2})


@pytest.mark.parametrize(
    ("model", "verb", "body", "message"),
    [
        (
            HALF,
            "regress",
            {},
            "JSON Value: {} When method is classify, key 'examples' is expected and was not found",
        ),
        (
            HALF,
            "regress",
            {"examples": 1},
            "JSON Value: {\n    \"examples\": 1\n} Expecting 'examples' value to be an list/array",
        ),
        (
            HALF,
            "classify",
            {"examples": []},
            "JSON Value: {\n    \"examples\": []\n} 'examples' value is an empty array",
        ),
        (HALF, "classify", {"examples": [3]}, "Example must be JSON object but got JSON Number"),
        (
            HALF,
            "classify",
            {"context": [], "examples": [{}]},
            "Example must be JSON object but got JSON Array",
        ),
        (
            HALF,
            "classify",
            {"context": {"x": 1.0}, "examples": [{"x": 2.0}]},
            "Feature: x is in 'context' and in an example.",
        ),
        (
            HALF,
            "classify",
            {"examples": [{}]},
            "Feature: x (data type: float) is required but could not be found.",
        ),
        (
            HALF,
            "classify",
            {"examples": [{"x": None}]},
            "Feature: x has element with unexpected JSON type: Null",
        ),
        (
            HALF,
            "classify",
            {"examples": [{"x": [[1.0]]}]},
            "Feature: x has element with unexpected JSON type: Array",
        ),
        (
            HALF,
            "classify",
            {"examples": [{"x": {"y": 1}}]},
            "Feature: x has element with unexpected JSON type: Object",
        ),
        (
            HALF,
            "classify",
            {"examples": [{"x": [1.0, 2.0]}]},
            "Key: x, Number of float values != expected. Values size: 2 but output shape: [1]",
        ),
        (
            HALF,
            "regress",
            {"examples": [{"x": "1"}]},
            'JSON Value: "1" Type: String is not of expected type: float',
        ),
        (
            "strokes",
            "classify",
            {"examples": [{}]},
            "Feature: image (data type: float) is required but could not be found.",
        ),
        (
            HALF,
            "regress",
            {"signature_name": "foo", "examples": [{"x": 1.0}]},
            "No signature was found with the name: foo",
        ),
        (
            HALF,
            "regress",
            {"signature_name": "detailed", "examples": [{"x": 1.0}]},
            "Expected regression signature method_name to be tensorflow/serving/regress. "
            "Was: tensorflow/serving/predict",
        ),
        (
            "strokes",
            "regress",
            {"examples": [{"image": PICTURE}]},
            "Expected regression signature method_name to be tensorflow/serving/regress. "
            "Was: tensorflow/serving/predict",
        ),
        (
            HALF,
            "classify",
            {"signature_name": "tensorflow/serving/regress", "examples": [{}]},
            "Expected classification signature method_name to be tensorflow/serving/classify. "
            "Was: tensorflow/serving/regress",
        ),
    ],
)
def test_mistake_is_told(
    client: FlaskClient, model: str, verb: str, body: Any, message: str
) -> None:
    assert ask(client, model, verb, body) == (400, {"error": message})
