"""KServe's client with the service as the runtime of deploy/kubernetes starts it: one model."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from kserve import InferInput, InferRequest
from kserve.protocol.infer_type import RequestedOutput

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def runtime_url() -> str:
    """Where it listens."""
    return os.environ["KSERVE_URL"]


def test_server_is_live_and_ready(ask: Ask, runtime_url: str) -> None:
    assert ask("v1", lambda client: client.is_server_live(runtime_url)) is True
    assert ask("v2", lambda client: client.is_server_live(runtime_url)) is True
    assert ask("v2", lambda client: client.is_server_ready(runtime_url)) is True


@pytest.mark.parametrize("protocol", ["v1", "v2"])
def test_model_is_ready_by_its_name(ask: Ask, runtime_url: str, protocol: str) -> None:
    assert ask(protocol, lambda client: client.is_model_ready(runtime_url, "digits")) is True


def test_picture_is_predicted_with_the_first_protocol(
    ask: Ask, runtime_url: str, seven_in_base64: str
) -> None:
    data = {"instances": [{"b64": seven_in_base64}]}

    answer = ask("v1", lambda client: client.infer(runtime_url, data, "digits"))

    (probabilities,) = answer["predictions"]
    assert max(range(10), key=probabilities.__getitem__) == 7


def test_picture_is_predicted_with_the_second_protocol(
    ask: Ask, runtime_url: str, seven: bytes
) -> None:
    image = InferInput("image", [1, 1], "BYTES")
    image.set_data_from_numpy(np.array([[seven]], dtype=np.object_), binary_data=True)
    request = InferRequest("digits", [image], request_outputs=[RequestedOutput("label")])

    answer = ask("v2", lambda client: client.infer(runtime_url, request, "digits"))

    (label,) = answer.outputs
    assert label.data == ["7"]
