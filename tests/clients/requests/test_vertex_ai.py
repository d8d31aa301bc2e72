"""Requests as Google Vertex AI sends them to a container: its documented contract, by plain HTTP.

References:
    Vertex AI documentation, "Custom container requirements for inference".
"""

import os
from typing import Any

import requests


def test_health_is_told_where_vertex_ai_asks(digits_url: str) -> None:
    route = os.environ["AIP_HEALTH_ROUTE"]

    assert requests.get(f"{digits_url}{route}", timeout=10).status_code == 200


def test_predictions_are_given_where_vertex_ai_asks(digits_url: str, seven_in_base64: str) -> None:
    body: Any = {
        "instances": [{"b64": seven_in_base64}, {"b64": seven_in_base64}],
        "parameters": {},
    }

    answer = requests.post(f"{digits_url}{os.environ['AIP_PREDICT_ROUTE']}", json=body, timeout=60)

    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("application/json")
    assert [each["label"] for each in answer.json()["predictions"]] == ["7", "7"]


def test_parameters_are_taken(digits_url: str, seven_in_base64: str) -> None:
    body: Any = {"instances": [{"b64": seven_in_base64}], "parameters": {"top": 2}}

    answer = requests.post(f"{digits_url}{os.environ['AIP_PREDICT_ROUTE']}", json=body, timeout=60)

    (prediction,) = answer.json()["predictions"]
    assert len(prediction["probabilities"]) == 2


def test_wrong_request_is_refused(digits_url: str) -> None:
    answer = requests.post(
        f"{digits_url}{os.environ['AIP_PREDICT_ROUTE']}", json={"instances": [{}]}, timeout=60
    )

    assert answer.status_code in {400, 422}
    assert answer.json()["message"]
