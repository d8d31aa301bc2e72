"""Requests of the Open Inference Protocol, as clients write them, and its answers."""

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from flask.testing import FlaskClient
from numpy.typing import NDArray
from werkzeug.test import TestResponse

HEADER = "Inference-Header-Content-Length"
Tensor = dict[str, Any]


def tensor(name: str, data: Sequence[Any], datatype: str, shape: Sequence[int]) -> Tensor:
    """Write a tensor as JSON."""
    return {"name": name, "shape": [*shape], "datatype": datatype, "data": [*data]}


def size_and_colour(sizes: Sequence[Any], colours: Sequence[Any]) -> list[Tensor]:
    """Write the columns of the table that tests predict on."""
    return [
        tensor("size", sizes, "FP32", [len(sizes)]),
        tensor("colour", colours, "BYTES", [len(colours), 1]),
    ]


def binary(name: str, datatype: str, shape: Sequence[int], data: bytes) -> tuple[Tensor, bytes]:
    """Write a tensor whose bytes follow the JSON."""
    parameters = {"binary_data_size": len(data)}
    head = {"name": name, "shape": [*shape], "datatype": datatype, "parameters": parameters}
    return head, data


def with_lengths(*elements: bytes) -> bytes:
    """Write elements of BYTES."""
    return b"".join(struct.pack("<I", len(each)) + each for each in elements)


def message(*tensors: Tensor | tuple[Tensor, bytes], **members: Any) -> tuple[bytes, int]:
    """Write a request, and return how long its JSON is."""
    inputs = [each[0] if isinstance(each, tuple) else each for each in tensors]
    head = json.dumps({"inputs": inputs, **members}).encode()
    return head + b"".join(each[1] for each in tensors if isinstance(each, tuple)), len(head)


def infer(
    client: FlaskClient,
    model: str,
    *tensors: Tensor | tuple[Tensor, bytes],
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> TestResponse:
    """Ask for predictions."""
    body, length = message(*tensors, **members)
    is_binary = any(isinstance(each, tuple) for each in tensors)
    all_headers = {**({HEADER: str(length)} if is_binary else {}), **(headers or {})}
    return client.post(f"/v2/models/{model}/infer", data=body, headers=all_headers)


def answered(response: TestResponse) -> dict[str, Any]:
    """Return the data of each output of an answer, be it JSON or bytes, as lists."""
    assert response.status_code == 200, response.get_data()
    body = response.get_data()
    length = int(response.headers.get(HEADER, len(body)))
    members, rest = json.loads(body[:length]), body[length:]
    found: dict[str, Any] = {}
    for output in members["outputs"]:
        size = output.get("parameters", {}).get("binary_data_size")
        if size is None:
            data = output["data"]
        else:
            data, rest = _read(output["datatype"], rest[:size]), rest[size:]
        array: NDArray[Any] = np.array(data).reshape(output["shape"])
        found[output["name"]] = array.tolist()
    assert not rest
    return found


def _read(datatype: str, data: bytes) -> Sequence[Any] | NDArray[Any]:
    if datatype != "BYTES":
        return np.frombuffer(data, {"FP32": "<f4", "FP64": "<f8"}[datatype])
    texts = []
    while data:
        (length,) = struct.unpack_from("<I", data)
        texts.append(data[4 : 4 + length].decode())
        data = data[4 + length :]
    return texts


def error_of(response: TestResponse) -> tuple[int, str]:
    """Return the status and the message of an error, which has no other member."""
    members = response.get_json()
    assert [*members] == ["error"]
    return response.status_code, members["error"]
