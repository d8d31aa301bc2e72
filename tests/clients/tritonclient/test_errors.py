"""What is wrong with a request is told in a sentence that tritonclient can read."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.http._utils import _raise_if_error
from tritonclient.utils import InferenceServerException

Rooms = Callable[..., list[InferInput]]
EncodedPicture = Callable[..., list[InferInput]]


def _fails(call: Callable[..., Any], *arguments: Any, status: str = "400", **more: Any) -> str:
    """Return the sentence with which a call is refused."""
    with pytest.raises(InferenceServerException) as refused:
        call(*arguments, **more)
    message: str = refused.value.message()
    assert refused.value.status() == status, message
    assert "decoding the response" not in message
    assert "an empty response" not in message
    return message


@pytest.mark.parametrize(
    ("model", "version"), [("nobody", ""), ("digits", "7")], ids=["model", "version"]
)
def test_unknown_model_is_named(
    client: InferenceServerClient, encoded_picture: EncodedPicture, model: str, version: str
) -> None:
    message = _fails(client.infer, model, encoded_picture(), version, status="404")

    assert model in message
    assert model in _fails(client.get_model_metadata, model, version, status="404")
    assert model in _fails(client.get_model_config, model, version, status="404")
    assert model in _fails(client.get_inference_statistics, model, version, status="404")


def test_missing_input_is_named(client: InferenceServerClient, rooms: Rooms) -> None:
    assert "colour" in _fails(client.infer, "rooms", rooms([1.0], ["red"])[:1])


def test_input_that_comes_twice_is_refused(client: InferenceServerClient, rooms: Rooms) -> None:
    size, colour = rooms([1.0], ["red"])

    assert "once" in _fails(client.infer, "rooms", [size, size, colour])


def test_unknown_input_is_named(client: InferenceServerClient, rooms: Rooms) -> None:
    height = InferInput("height", [1, 1], "FP64")
    height.set_data_from_numpy(np.array([[1.0]]))

    assert "height" in _fails(client.infer, "rooms", [*rooms([1.0], ["red"]), height])


def test_unknown_output_is_named(client: InferenceServerClient, rooms: Rooms) -> None:
    outputs = [InferRequestedOutput("weight")]

    assert "weight" in _fails(client.infer, "rooms", rooms([1.0], ["red"]), outputs=outputs)


def test_inputs_of_different_lengths_are_refused(
    client: InferenceServerClient, rooms: Rooms
) -> None:
    size, _ = rooms([1.0, 2.0], ["red", "red"])
    _, colour = rooms([1.0], ["red"])

    _fails(client.infer, "rooms", [size, colour])


@pytest.mark.parametrize(
    "shape", [[28, 28, 1], [1, 28, 28], [1, 0, 28, 1], [0, 28, 28, 1], [1, 28, 28, 5]], ids=str
)
def test_wrong_shape_of_a_picture_is_refused(
    client: InferenceServerClient, shape: list[int]
) -> None:
    image = InferInput("image", shape, "FP32")
    image.set_data_from_numpy(np.zeros(shape, dtype=np.float32))

    try:
        client.infer("digits", [image])
    except InferenceServerException as refused:
        assert refused.status() == "400", refused.message()
        assert "decoding the response" not in refused.message()


@pytest.mark.parametrize("datatype", ["BYTES", "BOOL"])
def test_wrong_datatype_of_a_number_is_refused(
    client: InferenceServerClient, rooms: Rooms, datatype: str
) -> None:
    size = InferInput("size", [1, 1], datatype)
    cell = np.array([[b"large"]], dtype=np.object_) if datatype == "BYTES" else np.array([[True]])
    size.set_data_from_numpy(cell)

    assert "size" in _fails(client.infer, "rooms", [size, rooms([1.0], ["red"])[1]])


def test_bytes_that_are_no_picture_are_refused(client: InferenceServerClient) -> None:
    image = InferInput("image", [1, 1], "BYTES")
    image.set_data_from_numpy(np.array([[b"a letter to nobody"]], dtype=np.object_))

    assert "letter" not in _fails(client.infer, "digits", [image])


def test_broken_picture_is_refused(client: InferenceServerClient, seven: bytes) -> None:
    image = InferInput("image", [1, 1], "BYTES")
    image.set_data_from_numpy(np.array([[seven[: len(seven) // 2]]], dtype=np.object_))

    _fails(client.infer, "digits", [image])


def test_infinite_number_is_refused(client: InferenceServerClient, rooms: Rooms) -> None:
    assert "size" in _fails(client.infer, "rooms", rooms([np.inf], ["red"]))


def test_row_without_a_finite_answer_is_named(client: InferenceServerClient, rooms: Rooms) -> None:
    message = _fails(client.infer, "rooms", rooms([1.0, np.nan], ["red", "red"]))

    assert "Instance 1" in message


def test_timeout_that_is_too_short_is_a_deadline(
    client: InferenceServerClient, rooms: Rooms
) -> None:
    rows = 5000
    inputs = rooms([1.0] * rows, ["red"] * rows)

    _fails(client.infer, "rooms", inputs, timeout=1, status="504")


@pytest.mark.parametrize(
    "parameters", [{"coverage": 7}, {"coverage": "most"}], ids=["range", "type"]
)
def test_wrong_parameter_is_named(
    client: InferenceServerClient, rooms: Rooms, parameters: dict[str, Any]
) -> None:
    message = _fails(client.infer, "rooms", rooms([1.0], ["red"]), parameters=parameters)

    assert "coverage" in message


def test_classes_of_texts_are_refused(
    client: InferenceServerClient, encoded_picture: EncodedPicture
) -> None:
    outputs = [InferRequestedOutput("label", class_count=2)]

    assert "label" in _fails(client.infer, "digits", encoded_picture(), outputs=outputs)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"inputs": {}}',
        b'{"inputs": []}',
        b'{"inputs": [1]}',
        b'{"inputs": [{"name": "size"}]}',
        b'{"inputs": [{"name": "size", "shape": [-1, 1], "datatype": "FP64", "data": [1]}]}',
        b'{"inputs": [{"name": "size", "shape": "1", "datatype": "FP64", "data": [1]}]}',
        b'{"inputs": [{"name": "size", "shape": [1, 1], "datatype": "FP1", "data": [1]}]}',
        b'{"inputs": [{"name": "size", "shape": [2, 1], "datatype": "FP64", "data": [1]}]}',
        b'{"inputs": [{"name": "size", "shape": [1, 1], "datatype": "FP16", "data": [1]}]}',
        b'{"inputs": [{"name": "size", "shape": [1, 1], "datatype": "FP64", "data": ["x"]}]}',
        b'{"inputs": [{"name": "size", "shape": [1, 1], "datatype": "FP64", "data": {}}]}',
        b'{"id": 7, "inputs": []}',
        b"[" * 100_000,
        b"\xff\xfe{}",
    ],
    ids=range(18),
)
def test_malformed_request_is_refused(client: InferenceServerClient, body: bytes) -> None:
    _fails(_post, client, "v2/models/rooms/infer", body, {})


def _post(client: InferenceServerClient, path: str, body: bytes, headers: dict[str, str]) -> None:
    _raise_if_error(client._post(path, body, headers, None))


def test_binary_data_of_a_wrong_length_is_refused(
    client: InferenceServerClient, rooms: Rooms
) -> None:
    body, json_bytes = client.generate_request_body(rooms([1.0], ["red"]))
    headers = {"Inference-Header-Content-Length": str(json_bytes)}

    for wrong in (body[:-1], body + b"x", body[: json_bytes + 3]):
        _fails(_post, client, "v2/models/rooms/infer", wrong, headers)


@pytest.mark.parametrize("length", ["-1", "x", "999999", "3", ""])
def test_wrong_length_of_the_header_is_refused(
    client: InferenceServerClient, rooms: Rooms, length: str
) -> None:
    body, _ = client.generate_request_body(rooms([1.0], ["red"]))
    headers = {"Inference-Header-Content-Length": length}

    _fails(_post, client, "v2/models/rooms/infer", body, headers)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", b"not compressed"),
        ("deflate", b"not compressed"),
        ("gzip", gzip.compress(b"{}" * 100)[:-9]),
        ("br", b"{}"),
        ("gzip, gzip", gzip.compress(gzip.compress(b"{}"))),
    ],
)
def test_body_that_cannot_be_unpacked_is_refused(
    client: InferenceServerClient, encoding: str, body: bytes
) -> None:
    headers = {"Content-Encoding": encoding}

    _fails(_post, client, "v2/models/rooms/infer", body, headers)


def test_body_that_unpacks_to_too_much_is_refused(client: InferenceServerClient) -> None:
    body = gzip.compress(b" " * (40 * 2**20))

    with pytest.raises(InferenceServerException) as refused:
        _post(client, "v2/models/rooms/infer", body, {"Content-Encoding": "gzip"})
    assert refused.value.status() in {"400", "413"}
    assert "decoding the response" not in refused.value.message()


@pytest.mark.parametrize(
    "path", ["v2/nowhere", "v2/models/digits/nowhere", "v2/models/digits/versions/x/infer"]
)
def test_unknown_path_is_refused(client: InferenceServerClient, path: str) -> None:
    with pytest.raises(InferenceServerException) as refused:
        _post(client, path, b"{}", {})

    assert refused.value.status() == "404"
    assert "decoding the response" not in refused.value.message()


def test_wrong_method_is_refused(client: InferenceServerClient) -> None:
    _fails(_raise_if_error, client._get("v2/models/digits/infer", None, None), status="405")


def test_wrong_value_of_ready_is_refused(client: InferenceServerClient) -> None:
    body = json.dumps({"ready": "yes"}).encode()

    assert "ready" in _fails(_post, client, "v2/repository/index", body, {})
