"""The examples of TensorFlow Serving's page about its REST API, by plain HTTP.

The models `half_plus_two` and `half_plus_three` halve a number and add two or three, as those of
TensorFlow Serving do.

References:
    TensorFlow Serving, "RESTful API", https://www.tensorflow.org/tfx/serving/api_rest
"""

import json
from typing import Any

import pytest
import requests

# What curl says of a body unless it is told otherwise, as the page does.
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def _post(url: str, path: str, body: Any) -> requests.Response:
    return requests.post(f"{url}{path}", json.dumps(body), headers=_FORM, timeout=60)


@pytest.mark.parametrize(
    ("model", "answers"),
    [("half_plus_two", [2.5, 3.0, 4.5]), ("half_plus_three", [3.5, 4.0, 5.5])],
)
@pytest.mark.parametrize("version", ["", "/versions/123"], ids=["newest", "123"])
def test_predict_is_answered_to_the_last_digit(
    url: str, model: str, answers: list[float], version: str
) -> None:
    path = f"/v1/models/{model}{version}:predict"

    rows = _post(url, path, {"instances": [1.0, 2.0, 5.0]})
    columns = _post(url, path, {"inputs": [1.0, 2.0, 5.0]})

    assert [rows.status_code, columns.status_code] == [200, 200], rows.text
    assert rows.headers["Content-Type"] == "application/json"
    numbers = str(answers).replace(" ", "")
    assert "".join(rows.text.split()) == f'{{"predictions":{numbers}}}'
    assert "".join(columns.text.split()) == f'{{"outputs":{numbers}}}'


def test_regress_is_answered_to_the_last_digit(url: str) -> None:
    body = {"signature_name": "tensorflow/serving/regress", "examples": [{"x": 1.0}, {"x": 2.0}]}

    answer = _post(url, "/v1/models/half_plus_three:regress", body)

    assert answer.status_code == 200, answer.text
    assert "".join(answer.text.split()) == '{"results":[3.5,4.0]}'


def test_status_is_told(url: str) -> None:
    answer = requests.get(f"{url}/v1/models/half_plus_three", timeout=60)

    (status,) = answer.json()["model_version_status"]
    assert status == {
        "version": "123",
        "state": "AVAILABLE",
        "status": {"error_code": "OK", "error_message": ""},
    }


def test_unknown_model_is_told_as_on_the_page(url: str) -> None:
    answer = _post(url, "/v1/models/half:predict", {"instances": [1.0, 5.0]})

    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/json")
    assert answer.json() == {"error": "Servable not found for request: Latest(half)"}


def test_metadata_is_told(url: str) -> None:
    metadata = requests.get(f"{url}/v1/models/half_plus_two/metadata", timeout=60).json()

    assert metadata["model_spec"] == {
        "name": "half_plus_two",
        "signature_name": "",
        "version": "123",
    }
    signatures = metadata["metadata"]["signature_def"]["signature_def"]
    serving = signatures["serving_default"]
    assert serving["inputs"]["x"]["dtype"] in {"DT_FLOAT", "DT_DOUBLE"}
    assert serving["method_name"] == "tensorflow/serving/predict"


def test_encoded_pictures_are_instances(url: str, seven_in_base64: str) -> None:
    instances = [{"b64": seven_in_base64}, {"b64": seven_in_base64}]

    answer = _post(url, "/v1/models/digits:predict", {"instances": instances})

    assert [each.index(max(each)) for each in answer.json()["predictions"]] == [7, 7]


def test_classes_are_pairs_of_labels_and_scores(url: str, seven_in_base64: str) -> None:
    body = {"examples": [{"image": {"b64": seven_in_base64}}]}

    answer = _post(url, "/v1/models/digits:classify", body)

    (classes,) = answer.json()["results"]
    assert len(classes) == 10
    assert max(classes, key=lambda pair: pair[1])[0] == "7"


def test_regression_is_a_list_of_numbers(url: str) -> None:
    body = {"examples": [{"size": 1.0, "colour": "red"}, {"size": 2.0, "colour": "blue"}]}

    answer = _post(url, "/v1/models/plain:regress", body)

    assert answer.json() == {"results": [13.5, 22.5]}


def test_context_is_shared_by_all_examples(url: str) -> None:
    body = {"context": {"colour": "red"}, "examples": [{"size": 1.0}, {"size": [2.0]}]}

    answer = _post(url, "/v1/models/plain:regress", body)

    assert answer.json() == {"results": [13.5, 23.5]}


@pytest.mark.parametrize(
    ("method", "path", "status", "sentence"),
    [
        ("GET", "/v1/models", 400, "Missing model name in request."),
        ("GET", "/v1/nowhere", 400, "Malformed request: GET /v1/nowhere"),
        ("GET", "/v1/models/nobody", 404, "nobody"),
        ("GET", "/v1/models/digits/versions/7", 404, "digits"),
        ("GET", "/v1/models/digits/versions/x", 400, "Malformed request"),
        ("GET", "/v1/models/digits/labels/nobody", 400, "Unrecognized servable version label"),
        (
            "POST",
            "/v1/models/nobody:predict",
            404,
            "Servable not found for request: Latest(nobody)",
        ),
    ],
)
def test_wrong_path_is_refused(
    url: str, method: str, path: str, status: int, sentence: str
) -> None:
    answer = requests.request(method, f"{url}{path}", json={"instances": [1]}, timeout=60)

    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/json")
    assert sentence in answer.json()["error"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "The document is empty"),
        (b"x", "JSON Parse error"),
        (b"[]", "Is not object"),
        (b"{}", "Missing 'inputs' or 'instances' key"),
        (b'{"instances": [1], "inputs": [1]}', "only one of 'inputs' or 'instances'"),
        (b'{"instances": []}', "No values in 'instances' array"),
        (b'{"instances": {}}', "Expecting 'instances' to be an list/array"),
        (b'{"instances": ["x"]}', "is not of expected type: "),
        (b'{"signature_name": "foo", "instances": [1]}', 'Serving signature name: "foo" not found'),
    ],
    ids=range(9),
)
def test_wrong_body_is_refused_with_the_words_of_its_server(
    url: str, body: bytes, sentence: str
) -> None:
    answer = requests.post(f"{url}/v1/models/half_plus_two:predict", body, timeout=60)

    assert answer.status_code == 400, answer.text
    assert sentence in answer.json()["error"]
