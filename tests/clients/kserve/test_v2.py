"""KServe's client with the second protocol, which is the Open Inference Protocol."""

import os
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest
from kserve import InferInput, InferRequest
from kserve.protocol.infer_type import RequestedOutput

Ask = Callable[..., Any]
AskOwnRoute = Callable[[str, list[Any]], Any]


def _rooms(*, binary_data: bool, **more: Any) -> InferRequest:
    size = InferInput("size", [2, 1], "FP64")
    size.set_data_from_numpy(np.array([[1.0], [2.5]]), binary_data=binary_data)
    colour = InferInput("colour", [2, 1], "BYTES")
    colours = np.array([[b"red"], [b"blue"]], dtype=np.object_)
    colour.set_data_from_numpy(colours, binary_data=binary_data)
    return InferRequest("rooms", [size, colour], **more)


def test_server_is_live_and_ready(ask: Ask, url: str) -> None:
    assert ask("v2", lambda client: client.is_server_live(url)) is True
    assert ask("v2", lambda client: client.is_server_ready(url)) is True


@pytest.mark.parametrize(("model", "is_ready"), [("digits", True), ("nobody", False)])
def test_readiness_of_a_model_is_told(ask: Ask, url: str, model: str, is_ready: bool) -> None:
    assert ask("v2", lambda client: client.is_model_ready(url, model)) is is_ready


@pytest.mark.parametrize("binary_inputs", [True, False], ids=["binary inputs", "JSON inputs"])
@pytest.mark.parametrize("binary_outputs", [True, False], ids=["binary outputs", "JSON outputs"])
def test_table_is_answered_as_on_our_own_route(
    ask: Ask, url: str, ask_own_route: AskOwnRoute, binary_inputs: bool, binary_outputs: bool
) -> None:
    own = ask_own_route("rooms", [{"size": 1, "colour": "red"}, {"size": 2.5, "colour": "blue"}])
    request = _rooms(
        binary_data=binary_inputs,
        request_id="forty-two",
        parameters={"binary_data_output": binary_outputs},
    )

    answer = ask("v2", lambda client: client.infer(url, request, "rooms"))

    outputs = {output.name: output for output in answer.outputs}
    assert answer.id == "forty-two"
    assert answer.model_name == "rooms"
    assert outputs["prediction"].as_numpy().ravel().tolist() == [each["value"] for each in own]


def test_requested_outputs_alone_are_given(ask: Ask, url: str) -> None:
    names = ["upper", "lower"]
    request = _rooms(binary_data=True, request_outputs=[RequestedOutput(name) for name in names])

    answer = ask("v2", lambda client: client.infer(url, request, "rooms"))

    assert [output.name for output in answer.outputs] == names


def test_encoded_picture_is_answered(ask: Ask, url: str, seven: bytes) -> None:
    image = InferInput("image", [1, 1], "BYTES")
    image.set_data_from_numpy(np.array([[seven]], dtype=np.object_), binary_data=True)
    request = InferRequest("digits", [image], request_outputs=[RequestedOutput("label")])

    answer = ask("v2", lambda client: client.infer(url, request, "digits"))

    (label,) = answer.outputs
    assert label.data == ["7"]


def test_request_of_plain_members_is_answered(ask: Ask, url: str) -> None:
    inputs = [
        {"name": "size", "shape": [1, 1], "datatype": "FP32", "data": [[1]]},
        {"name": "colour", "shape": [1, 1], "datatype": "BYTES", "data": [["red"]]},
    ]

    answer = ask("v2", lambda client: client.infer(url, {"inputs": inputs}, "plain"))

    assert [output.data for output in answer.outputs if output.name == "prediction"] == [[13.5]]


@pytest.mark.parametrize(
    ("model", "data", "status", "sentence"),
    [
        ("nobody", {"inputs": []}, 404, "nobody"),
        ("rooms", {}, 400, "inputs"),
        ("rooms", {"inputs": [{"name": "size"}]}, 400, "shape|datatype|data"),
    ],
    ids=["model", "key", "input"],
)
def test_client_is_told_what_is_wrong(
    ask: Ask, url: str, model: str, data: dict[str, Any], status: int, sentence: str
) -> None:
    with pytest.raises(httpx.HTTPStatusError, match=sentence) as refused:
        ask("v2", lambda client: client.infer(url, data, model))

    assert refused.value.response.status_code == status
    assert refused.value.response.json().keys() == {"error"}


def test_request_that_takes_too_long_is_given_up(ask: Ask, url: str) -> None:
    request = _rooms(binary_data=True, parameters={"timeout": 1})

    with pytest.raises(httpx.HTTPStatusError) as refused:
        ask("v2", lambda client: client.infer(url, request, "rooms"))

    assert refused.value.response.status_code == 504


def test_key_is_asked_for_in_words(ask: Ask) -> None:
    url = os.environ["KEYED_URL"]
    key = {"Authorization": f"Bearer {os.environ['PREDICT_KEY']}"}
    request = _rooms(binary_data=False)

    with pytest.raises(httpx.HTTPStatusError, match="key") as refused:
        ask("v2", lambda client: client.infer(url, request, "plain"))
    answer = ask("v2", lambda client: client.infer(url, request, "plain", headers=key))

    assert refused.value.response.status_code == 401
    assert answer.model_name == "plain"
