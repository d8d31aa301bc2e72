"""Predictions by the Open Inference Protocol: what goes in, what comes out, what is refused."""

import gzip
import json
import zlib
from base64 import b64encode
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from service.http.dialects.open_inference.compression import pack
from service.http.dialects.open_inference.datatypes import DTYPES
from service.rollout.repository import Repository
from tests.bundles import calibrated_repository, table_manifest, write_half_plus_two_bundle
from tests.fakes import blank_picture, client_of, fake_repository, levels, picture, price
from tests.tensors import (
    HEADER,
    answered,
    binary,
    error_of,
    infer,
    message,
    size_and_colour,
    tensor,
    with_lengths,
)
from vitrine.loading import load_version
from vitrine.model import Model

PIXELS = np.array(levels(), np.uint8).reshape(1, 28, 28, 1)


@pytest.fixture
def sure(tmp_path: Path, registry: CollectorRegistry) -> FlaskClient:
    """A client of calibrated models."""
    return client_of(calibrated_repository(tmp_path), registry)


def ours(client: FlaskClient, model: str, **body: Any) -> list[dict[str, Any]]:
    """Return the predictions of our own route."""
    response = client.post(f"/models/{model}/predict?top=all", **body)
    predictions: list[dict[str, Any]] = response.get_json()["predictions"]
    return predictions


def test_picture_as_levels_is_answered_as_on_our_own_route(sure: FlaskClient) -> None:
    (expected,) = ours(sure, "strokes", json={"instances": [levels()]})

    found = answered(infer(sure, "strokes", tensor("image", levels(), "UINT8", PIXELS.shape)))

    assert found["label"] == [[expected["label"]]]
    assert found["probability"] == [[expected["probability"]]]
    assert found["probabilities"] == [
        [expected["probabilities"][name] for name in ("left", "right")]
    ]
    assert found["credibility"] == [[expected["credibility"]]]
    assert found["set"] == [["|".join(expected["set"])]]
    assert found["warnings"] == [[""]]


PNG = picture(scale=2)
SAME_PICTURES = {
    "nested levels": tensor("image", PIXELS.tolist(), "UINT8", PIXELS.shape),
    "flat levels": tensor("image", PIXELS.ravel().tolist(), "UINT8", PIXELS.shape),
    "without channels": tensor("image", PIXELS.ravel().tolist(), "INT64", (1, 28, 28)),
    "real numbers": tensor("image", PIXELS.ravel().astype(float).tolist(), "FP32", PIXELS.shape),
    "bytes": binary("image", "UINT8", PIXELS.shape, PIXELS.tobytes()),
    "bytes of float32": binary("image", "FP32", PIXELS.shape, PIXELS.astype("<f4").tobytes()),
    "bytes of float16": binary("image", "FP16", PIXELS.shape, PIXELS.astype("<f2").tobytes()),
    "bytes of bfloat16": binary(
        "image", "BF16", PIXELS.shape, PIXELS.astype("<f4").view("<u2")[..., 1::2].tobytes()
    ),
}


@pytest.mark.parametrize("given", SAME_PICTURES.values(), ids=SAME_PICTURES)
def test_picture_may_be_written_in_several_ways(client: FlaskClient, given: Any) -> None:
    (expected,) = ours(client, "strokes", json={"instances": [levels()]})

    found = answered(infer(client, "strokes", given))

    assert found["probability"] == [[expected["probability"]]]


SAME_FILES = {
    "bytes": binary("image", "BYTES", [1], with_lengths(PNG)),
    "bytes with an axis for the channel": binary("image", "BYTES", [1, 1], with_lengths(PNG)),
    "base64": tensor("image", [b64encode(PNG).decode()], "BYTES", [1]),
    "data URI": tensor("image", [f"data:;base64,{b64encode(PNG).decode()}"], "BYTES", [1, 1]),
}


@pytest.mark.parametrize("given", SAME_FILES.values(), ids=SAME_FILES)
def test_encoded_picture_has_the_name_of_the_levels(client: FlaskClient, given: Any) -> None:
    (expected,) = ours(client, "strokes", data=PNG, content_type="image/png")

    assert answered(infer(client, "strokes", given))["probability"] == [[expected["probability"]]]


@pytest.mark.parametrize(
    "body", [PNG, with_lengths(PNG), PIXELS.tobytes()], ids=["file", "BYTES", "levels"]
)
def test_raw_request_is_the_picture_alone(client: FlaskClient, body: bytes) -> None:
    response = client.post("/v2/models/strokes/infer", data=body, headers={HEADER: "0"})

    assert response.content_type == "application/octet-stream"
    outputs = json.loads(response.get_data()[: int(response.headers[HEADER])])["outputs"]
    assert all("binary_data_size" in output["parameters"] for output in outputs)
    assert answered(response)["label"] == [["left"]]


def test_raw_request_of_a_number_is_one_instance(
    tmp_path: Path, registry: CollectorRegistry
) -> None:
    halves = load_version(write_half_plus_two_bundle(tmp_path), threads=1)
    client = client_of(Repository({"half_plus_two": {1: halves}}), registry)
    path, headers = "/v2/models/half_plus_two/infer", {HEADER: "0"}

    number = client.post(path, data=np.float32(5).tobytes(), headers=headers)
    numbers = client.post(path, data=np.array([5, 6], "<f4").tobytes(), headers=headers)

    assert answered(number)["prediction"] == [[4.5]]
    assert error_of(numbers) == (400, "unexpected total byte size 8 for input 'x', expecting 4")


def test_rows_are_answered_as_on_our_own_route(sure: FlaskClient) -> None:
    rows = [{"size": 2.5, "colour": "red"}, {"size": 1e4, "colour": None}]
    expected = ours(sure, "rooms", json={"instances": rows})

    found = answered(infer(sure, "rooms", *size_and_colour([2.5, 1e4], ["red", None])))

    assert found["prediction"][0] == [expected[0]["value"]]
    ends = [found["lower"][0][0], found["upper"][0][0]]
    assert ends == [expected[0]["interval"]["lower"], expected[0]["interval"]["upper"]]
    assert found["warnings"] == [[" ".join(each.get("warnings", ()))] for each in expected]


SAME_COLUMNS = {
    "whole numbers": tensor("size", [3], "INT64", [1, 1]),
    "small whole numbers": tensor("size", [3], "UINT8", [1]),
    "whole numbers with a point": tensor("size", [3.0], "INT32", [1]),
    "float64": binary("size", "FP64", [1, 1], np.array([3], "<f8").tobytes()),
    "float32": binary("size", "FP32", [1], np.array([3], "<f4").tobytes()),
    "bytes of whole numbers": binary("size", "INT16", [1], np.array([3], "<i2").tobytes()),
    "text": tensor("size", ["3"], "BYTES", [1]),
    "text as bytes": binary("size", "BYTES", [1], with_lengths(b"3.0")),
}


@pytest.mark.parametrize("size", SAME_COLUMNS.values(), ids=SAME_COLUMNS)
def test_column_may_be_written_in_several_ways(client: FlaskClient, size: Any) -> None:
    found = answered(infer(client, "rooms", size, tensor("colour", ["red"], "BYTES", [1])))

    assert found["prediction"] == [[33]]


@pytest.mark.parametrize(
    ("code", "datatype"),
    [(0.1, "FP32"), (0.1, "FP64"), (7, "INT64"), (7.0, "FP16"), (7.0, "FP32"), (True, "BOOL")],
)
def test_category_may_be_a_number_or_a_truth(
    registry: CollectorRegistry, code: float, datatype: str
) -> None:
    manifest = table_manifest()
    size, colour = manifest.signature.columns
    colour = msgspec.structs.replace(colour, vocabulary=("0.1", "7", "true"))
    signature = msgspec.structs.replace(manifest.signature, inputs=(size, colour))
    model = Model(msgspec.structs.replace(manifest, signature=signature), price)
    client = client_of(Repository({"rooms": {1: model}}), registry)
    data = np.array([code], DTYPES[datatype]).tobytes()

    found = answered(
        infer(client, "rooms", size_and_colour([0], [""])[0], binary("colour", datatype, [1], data))
    )

    assert found["prediction"] == [[{0.1: 2, 7: 3, True: 4}[code]]]


@pytest.mark.parametrize("blank", [b"NaN", b"null"])
def test_blank_number_is_null_or_what_python_writes(client: FlaskClient, blank: bytes) -> None:
    body, _ = message(*size_and_colour([1, 7], ["NaN", "red"]))

    # The network of the tests has no answer without a size.
    status, error = error_of(client.post("/v2/models/rooms/infer", data=body.replace(b"7", blank)))

    assert (status, error) == (
        400,
        "Instance 1: The network has no finite answer to this instance.",
    )


def test_outputs_are_those_that_are_asked_for(sure: FlaskClient) -> None:
    outputs = [{"name": "credibility"}, {"name": "label", "parameters": {"binary_data": True}}]
    given = tensor("image", levels(), "UINT8", PIXELS.shape)

    response = infer(sure, "strokes", given, outputs=outputs, id="a7")

    head = json.loads(response.get_data()[: int(response.headers[HEADER])])
    assert head["id"] == "a7"
    assert (head["model_name"], head["model_version"]) == ("strokes", "1")
    assert head["parameters"] == {"coverage": 0.8}
    assert [output["name"] for output in head["outputs"]] == ["credibility", "label"]
    assert head["outputs"][1] == {
        "name": "label",
        "datatype": "BYTES",
        "shape": [1, 1],
        "parameters": {"binary_data_size": 8},
    }
    assert response.get_data().endswith(with_lengths(b"left"))
    assert answered(response)["label"] == [["left"]]


def test_all_outputs_may_be_bytes_but_for_some(client: FlaskClient) -> None:
    outputs = [{"name": "label", "parameters": {"binary_data": False}}, {"name": "probabilities"}]
    given = tensor("image", levels(), "UINT8", PIXELS.shape)

    response = infer(
        client, "strokes", given, outputs=outputs, parameters={"binary_data_output": True}
    )

    head = json.loads(response.get_data()[: int(response.headers[HEADER])])
    assert [output.get("data") for output in head["outputs"]] == [["left"], None]


def test_coverage_is_a_parameter(sure: FlaskClient) -> None:
    given = size_and_colour([5], ["red"])

    narrow = answered(infer(sure, "rooms", *given, parameters={"coverage": 0.4}))
    wide = answered(infer(sure, "rooms", *given, parameters={"coverage": 0.8}))

    assert narrow["upper"][0][0] < wide["upper"][0][0]
    status, text = error_of(infer(sure, "rooms", *given, parameters={"coverage": 0.999}))
    assert (status, text.startswith("Parameter 'coverage'")) == (400, True)


@pytest.mark.parametrize(("count", "names"), [(1, 1), (2, 2), (9, 2)])
def test_classification_names_the_largest_elements(
    client: FlaskClient, count: int, names: int
) -> None:
    outputs = [{"name": "probabilities", "parameters": {"classification": count}}]
    given = tensor("image", [levels(), levels()], "UINT8", (2, 28, 28, 1))

    response = infer(client, "strokes", given, outputs=outputs)

    (output,) = response.get_json()["outputs"]
    assert (output["datatype"], output["shape"]) == ("BYTES", [2, names])
    assert output["data"] == ["0.5:0:left", "0.5:1:right"][:names] * 2


def test_classification_names_the_largest_first(client: FlaskClient) -> None:
    outputs = [{"name": "probabilities", "parameters": {"classification": 2}}]
    files = binary("image", "BYTES", [2], with_lengths(picture(), picture(left=False)))

    (named,) = answered(infer(client, "strokes", files, outputs=outputs)).values()

    assert [text.split(":")[1:] for text in named[0]] == [["0", "left"], ["1", "right"]]
    assert [text.split(":")[1:] for text in named[1]] == [["1", "right"], ["0", "left"]]


def test_version_may_be_named(client: FlaskClient) -> None:
    response = infer(client, "rooms/versions/1", *size_and_colour([1], ["red"]))

    assert response.get_json()["model_version"] == "1"


def test_no_instance_has_no_prediction(client: FlaskClient) -> None:
    found = answered(infer(client, "rooms", *size_and_colour([], [])))

    assert found == {"prediction": [], "warnings": []}


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_body_and_answer_may_be_compressed(client: FlaskClient, coding: str) -> None:
    body, length = message(binary("image", "BYTES", [1], with_lengths(PNG)))
    pack = gzip.compress if coding == "gzip" else zlib.compress
    headers = {HEADER: str(length), "Content-Encoding": coding, "Accept-Encoding": coding}

    response = client.post("/v2/models/strokes/infer", data=pack(body), headers=headers)

    assert response.headers["Content-Encoding"] == coding
    unpack = gzip.decompress if coding == "gzip" else zlib.decompress
    outputs = json.loads(unpack(response.get_data()))["outputs"]
    assert outputs[1]["data"] == ["left"]


ROW = size_and_colour([1], ["red"])
IMAGE = tensor("image", levels(), "UINT8", PIXELS.shape)
REFUSED: dict[str, tuple[str, bytes, dict[str, str], str]] = {}


def refuse(name: str, text: str, model: str, *tensors: Any, **members: Any) -> None:
    """Add a request that is refused."""
    body, length = message(*tensors, **members)
    is_binary = any(isinstance(each, tuple) for each in tensors)
    REFUSED[name] = (model, body, {HEADER: str(length)} if is_binary else {}, text)


def refuse_body(name: str, text: str, body: bytes, **headers: str) -> None:
    """Add a body that is refused."""
    named = {header.replace("_", "-"): value for header, value in headers.items()}
    REFUSED[name] = ("strokes", body, named, text)


refuse("missing input", "missing required input(s) ['colour']", "rooms", ROW[0])
refuse("unknown input", "unexpected inference input 'imag'", "strokes", {**IMAGE, "name": "imag"})
refuse("input twice", "expected 2 inputs but got 3 inputs for model 'rooms'", "rooms", *ROW, ROW[0])
refuse("no inputs", "expected 1 inputs but got 0 inputs", "strokes")
refuse(
    "other length", "batch size does not match", "rooms", ROW[0], tensor("colour", [], "BYTES", [0])
)
refuse("unknown datatype", "Unable to parse 'datatype'", "strokes", {**IMAGE, "datatype": "INT"})
refuse("negative axis", "Unable to parse 'shape'", "strokes", {**IMAGE, "shape": [-1, 28, 28, 1]})
refuse("no axis", "Unable to parse 'shape'", "rooms", tensor("size", [1], "FP32", []), ROW[1])
refuse(
    "axis beyond any array beside one of 0",
    "Unable to parse 'shape': an axis of input 'image' is too long",
    "strokes",
    {**IMAGE, "shape": [0, 2**62, 2**62], "data": []},
)
refuse(
    "the same as bytes",
    "Unable to parse 'shape'",
    "strokes",
    binary("image", "FP64", [0, 2**62, 2**62], b""),
)
refuse(
    "shape of more",
    "Unable to parse 'data': Shape does",
    "strokes",
    {**IMAGE, "shape": [2, 28, 28]},
)
refuse(
    "flat picture", "Expected [-1,28,28,1], got [1,784]", "strokes", {**IMAGE, "shape": [1, 784]}
)
refuse("no data", "Unable to parse 'data'", "strokes", {**IMAGE, "data": None})
refuse("text as data", "Unable to parse 'data'", "strokes", {**IMAGE, "data": "x"})
refuse("ragged", "Unable to parse 'data'", "strokes", {**IMAGE, "data": [[1, 2], [3]]})
refuse("text as level", "element 0 of input 'image'", "strokes", {**IMAGE, "data": ["1"] * 784})
refuse("level out of range", "beyond the range of UINT8", "strokes", {**IMAGE, "data": [256] * 784})
refuse("level with a part", "must be a whole number", "strokes", {**IMAGE, "data": [1.5] * 784})
refuse("number as text", "element 0 of input 'colour'", "rooms", ROW[0], {**ROW[1], "data": [1]})
refuse("truth as number", "element 0 of input 'size'", "rooms", {**ROW[0], "data": [True]}, ROW[1])
refuse("truth", "must be true or false", "rooms", {**ROW[0], "datatype": "BOOL"}, ROW[1])
refuse("word", "must be a number", "rooms", {**ROW[0], "data": ["x"], "datatype": "BYTES"}, ROW[1])
refuse("half in JSON", "receiving FP16 data via JSON", "strokes", {**IMAGE, "datatype": "FP16"})
refuse(
    "divided levels",
    "multiply by 255",
    "strokes",
    {**IMAGE, "datatype": "FP32", "data": [0.5] * 784},
)
refuse(
    "blank",
    "Instance 1: The picture has no ink",
    "strokes",
    binary("image", "BYTES", [2], with_lengths(PNG, blank_picture())),
)
refuse(
    "no picture", "picture formats", "strokes", binary("image", "BYTES", [1], with_lengths(b"x"))
)
refuse(
    "few bytes",
    "expecting 1 additional bytes for model 'strokes'",
    "strokes",
    (binary("image", "BYTES", [1], with_lengths(PNG))[0], with_lengths(PNG)[:-1]),
)
refuse(
    "many bytes",
    "unexpected additional input data for model",
    "strokes",
    (binary("image", "BYTES", [1], with_lengths(PNG))[0], with_lengths(PNG) + b"x"),
)
refuse(
    "other bytes",
    "unexpected total byte size 3 for input 'image', expecting 784",
    "strokes",
    binary("image", "UINT8", [1, 28, 28], b"123"),
)
refuse(
    "broken length", "incomplete string length", "strokes", binary("image", "BYTES", [1], b"\1\0")
)
refuse(
    "broken element",
    "incomplete string data",
    "strokes",
    binary("image", "BYTES", [1], b"\5\0\0\0a"),
)
refuse(
    "few elements",
    "has 1 elements, and its shape 2",
    "strokes",
    binary("image", "BYTES", [2], with_lengths(PNG)),
)
refuse(
    "no truth",
    "must be a byte 0 or 1",
    "strokes",
    binary("image", "BOOL", [1, 28, 28], b"\2" * 784),
)
refuse(
    "no UTF-8",
    "is not UTF-8",
    "rooms",
    ROW[0],
    binary("colour", "BYTES", [1], with_lengths(b"\xff")),
)
refuse(
    "unknown output", "unexpected inference output 'x'", "strokes", IMAGE, outputs=[{"name": "x"}]
)
refuse(
    "classes of text",
    "unsupported type 'BYTES'",
    "strokes",
    IMAGE,
    outputs=[{"name": "label", "parameters": {"classification": 1}}],
)
refuse(
    "no classes",
    "Unable to parse 'classification'",
    "strokes",
    IMAGE,
    outputs=[{"name": "probability", "parameters": {"classification": 0}}],
)
refuse("output as text", "Unable to parse 'outputs'", "strokes", IMAGE, outputs="label")
refuse(
    "flag",
    "Unable to parse 'binary_data_output'",
    "strokes",
    IMAGE,
    parameters={"binary_data_output": 1},
)
refuse("time", "Unable to parse 'timeout'", "strokes", IMAGE, parameters={"timeout": "1"})
refuse("coverage", "Unable to parse 'coverage'", "strokes", IMAGE, parameters={"coverage": 1})
refuse("number as id", "Unable to parse 'id'", "strokes", IMAGE, id=1)
refuse(
    "shared memory",
    "shared memory",
    "strokes",
    {**IMAGE, "parameters": {"shared_memory_region": "a"}},
)
refuse(
    "shared output",
    "shared memory",
    "strokes",
    IMAGE,
    outputs=[{"name": "label", "parameters": {"shared_memory_region": "a"}}],
)
refuse(
    "size of bytes",
    "Unable to parse 'binary_data_size'",
    "strokes",
    {**IMAGE, "parameters": {"binary_data_size": -1}},
)
refuse(
    "bytes without their length",
    "Infer-Header-Content-Length",
    "strokes",
    {**IMAGE, "parameters": {"binary_data_size": 784}},
)
refuse_body("empty", "The body is empty", b"")
refuse_body("no JSON", "The body is not JSON", b"{")
refuse_body("list", "The body must be a JSON object", b"[]")
refuse_body("object without inputs", "Unable to parse 'inputs'", b"{}")
refuse_body(
    "input without a name",
    "Unable to parse 'name'",
    b'{"inputs":[{"shape":[1],"datatype":"BYTES"}]}',
)
refuse_body("deep", "The body is not JSON", b'{"a":' + b"[" * 30_000)
refuse_body("NaN in a text", "The body is not JSON", b'{"id":"NaN" NaN}')
refuse_body(
    "long header", "should be in range (0, 2), got: 3", b"{}", Inference_Header_Content_Length="3"
)
refuse_body(
    "no header", "should be in range (0, 2), got: -1", b"{}", Inference_Header_Content_Length="-1"
)
refuse_body("raw of another size", "expecting 784", b"123", Inference_Header_Content_Length="0")
refuse_body("unknown compression", "must be gzip or deflate", b"{}", Content_Encoding="br")
refuse_body("no gzip", "not compressed by gzip", b"{}", Content_Encoding="gzip")
refuse_body("large", "at most 200000 bytes", b" " * 200_001)
refuse_body(
    "packed too large",
    "at most 200000 bytes",
    gzip.compress(b" " * 200_001),
    Content_Encoding="gzip",
)
REFUSED["many"] = (
    "rooms",
    message(*size_and_colour([1] * 41, ["red"] * 41))[0],
    {},
    "at most 40 instances",
)
REFUSED["raw table"] = ("rooms", b"123", {HEADER: "0"}, "must only have 1 input (found 2)")


@pytest.mark.parametrize(("model", "body", "headers", "text"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_said(
    client: FlaskClient, model: str, body: bytes, headers: dict[str, str], text: str
) -> None:
    response = client.post(f"/v2/models/{model}/infer", data=body, headers=headers)

    status, error = error_of(response)
    assert status == 400
    assert text in error


def test_output_is_asked_for_once(client: FlaskClient) -> None:
    response = infer(client, "strokes", IMAGE, outputs=[{"name": "label"}] * 2)

    assert error_of(response) == (400, "each inference output can be requested once")


def test_timeout_is_a_deadline_in_microseconds(client: FlaskClient) -> None:
    status, error = error_of(infer(client, "strokes", IMAGE, parameters={"timeout": 1}))

    assert (status, "within 1e-06 seconds" in error) == (504, True)
    assert infer(client, "strokes", IMAGE, parameters={"timeout": 60_000_000}).status_code == 200
    for timeout in (0, 5e6, 10**30):
        response = infer(client, "strokes", IMAGE, parameters={"timeout": timeout})
        assert response.status_code == 200


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/v2/models/x/infer", 404, "Request for unknown model: 'x' is not found"),
        (
            "/v2/models/rooms/versions/9/infer",
            404,
            "Request for unknown model: 'rooms' version 9 is not found",
        ),
        ("/v2/models/broken/infer", 500, "The service failed; its log says more under this id."),
    ],
)
def test_request_for_another_model_is_refused(
    client: FlaskClient, path: str, status: int, error: str
) -> None:
    body, _ = message(*ROW)

    assert error_of(client.post(path, data=body)) == (status, error)


def test_unloaded_model_is_unavailable(client: FlaskClient) -> None:
    client.post("/models/strokes/unload")

    assert error_of(infer(client, "strokes", IMAGE)) == (
        503,
        "Request for unknown model: 'strokes' has no available versions. It was unloaded.",
    )


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
_PARAMETERS = st.dictionaries(
    st.sampled_from(
        [
            *("timeout", "coverage", "binary_data", "binary_data_output", "binary_data_size"),
            *("classification", "shared_memory_region", "x"),
        ]
    ),
    _JSON,
    max_size=3,
)
_NAMES = st.sampled_from(["size", "colour", "image", "label", "prediction", "probabilities", "x"])
_TENSORS = st.fixed_dictionaries(
    {
        "name": _NAMES,
        "shape": st.lists(st.integers(-1, 3), max_size=3) | _JSON,
        "datatype": st.sampled_from(["FP32", "FP16", "INT64", "UINT8", "BOOL", "BYTES", "x"]),
    },
    optional={
        "data": st.lists(st.integers(-1, 300), max_size=3) | _JSON,
        "parameters": _PARAMETERS,
    },
)
_OUTPUTS = st.fixed_dictionaries({"name": _NAMES}, optional={"parameters": _PARAMETERS})
_MEMBERS = st.fixed_dictionaries(
    {"inputs": st.lists(_TENSORS, max_size=3) | _JSON},
    optional={
        "outputs": st.lists(_OUTPUTS, max_size=2) | _JSON,
        "id": st.text() | _JSON,
        "parameters": _PARAMETERS | _JSON,
    },
)


@pytest.fixture(scope="module")
def sender() -> FlaskClient:
    """A client for many requests."""
    return client_of(fake_repository(), CollectorRegistry())


@given(
    members=_MEMBERS,
    model=st.sampled_from(["rooms", "strokes"]),
    after=st.binary(max_size=20),
    length=st.none() | st.integers(-5, 5),
    coding=st.sampled_from(["", "", "", "gzip", "deflate", "br"]),
)
def test_any_request_is_answered_or_refused(
    sender: FlaskClient,
    members: Any,
    model: str,
    after: bytes,
    length: int | None,
    coding: str,
) -> None:
    head = json.dumps(members).encode()
    body = head + after
    headers = {"Content-Encoding": coding} if coding else {}
    if length is not None:
        headers[HEADER] = str(len(head) + length)
    if coding in {"gzip", "deflate"}:
        body = pack(body, coding)

    response = sender.post(f"/v2/models/{model}/infer", data=body, headers=headers)

    assert response.status_code == 200 or error_of(response)[0] in {400, 504}
