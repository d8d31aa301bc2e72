"""Predictions for pictures and tables, in every way in which tritonclient asks for them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput, InferResult

Rooms = Callable[..., list[InferInput]]
EncodedPicture = Callable[..., list[InferInput]]
AskOwnRoute = Callable[[str, list[Any]], Any]
Pictures = np.ndarray[Any, np.dtype[np.uint8]]


@pytest.mark.parametrize("binary_inputs", [True, False], ids=["binary inputs", "JSON inputs"])
@pytest.mark.parametrize("binary_outputs", [True, False], ids=["binary outputs", "JSON outputs"])
def test_table_is_answered_as_on_our_own_route(
    client: InferenceServerClient,
    rooms: Rooms,
    ask_own_route: AskOwnRoute,
    binary_inputs: bool,
    binary_outputs: bool,
) -> None:
    own = ask_own_route("rooms", [{"size": 1, "colour": "red"}, {"size": 2.5, "colour": "blue"}])

    result = client.infer(
        "rooms",
        rooms([1.0, 2.5], ["red", "blue"], binary_data=binary_inputs),
        outputs=[
            InferRequestedOutput(name, binary_data=binary_outputs)
            for name in ("prediction", "lower", "upper")
        ],
        request_id="forty-two",
    )

    response = result.get_response()
    assert (response["model_name"], response["model_version"]) == ("rooms", "2")
    assert response["id"] == "forty-two"
    assert [output["name"] for output in response["outputs"]] == ["prediction", "lower", "upper"]
    assert result.as_numpy("prediction").ravel().tolist() == [each["value"] for each in own]
    assert result.as_numpy("lower").ravel().tolist() == [each["interval"]["lower"] for each in own]
    assert result.as_numpy("upper").ravel().tolist() == [each["interval"]["upper"] for each in own]


@pytest.mark.parametrize(("version", "value"), [("1", 13.0), ("2", 113.0), ("", 113.0)])
def test_version_is_chosen(
    client: InferenceServerClient, rooms: Rooms, version: str, value: float
) -> None:
    result = client.infer("rooms", rooms([1.0], ["red"]), model_version=version)

    assert result.as_numpy("prediction").item() == value
    assert result.get_response()["model_version"] == (version or "2")


@pytest.mark.parametrize(
    ("model", "names"),
    [
        ("housing", {"prediction", "lower", "upper"}),
        ("plain", {"prediction"}),
        ("traits", {"labels", "probabilities"}),
        ("oddities", {"anomaly_score", "credibility"}),
    ],
)
def test_model_of_every_kind_gives_all_it_names(
    client: InferenceServerClient, rooms: Rooms, houses: list[Any], model: str, names: set[str]
) -> None:
    inputs = _columns(houses) if model == "housing" else rooms([1.0, 5.0], ["red", "blue"])
    rows = inputs[0].shape()[0]
    metadata = client.get_model_metadata(model)

    result = client.infer(
        model,
        inputs,
        outputs=[InferRequestedOutput(output["name"]) for output in metadata["outputs"]],
    )

    named = [output["name"] for output in result.get_response()["outputs"]]
    assert named == [output["name"] for output in metadata["outputs"]]
    assert names <= {*named}
    for output in metadata["outputs"]:
        tensor = result.as_numpy(output["name"])
        assert len(tensor) == rows
        for size, declared in zip(tensor.shape, output["shape"], strict=True):
            assert declared in {-1, size}


def _columns(rows: list[dict[str, Any]], *, binary_data: bool = True) -> list[InferInput]:
    inputs = []
    for name in rows[0]:
        cells = [row[name] for row in rows]
        if any(isinstance(cell, str) for cell in cells):
            column = InferInput(name, [len(rows), 1], "BYTES")
            data = np.array([str(cell).encode() for cell in cells], dtype=np.object_)
        else:
            column = InferInput(name, [len(rows), 1], "FP64")
            data = np.array([np.nan if cell is None else cell for cell in cells])
        column.set_data_from_numpy(data.reshape(-1, 1), binary_data=binary_data)
        inputs.append(column)
    return inputs


@pytest.mark.parametrize("binary_data", [True, False], ids=["binary", "JSON"])
def test_houses_with_a_blank_are_answered_as_on_our_own_route(
    client: InferenceServerClient, houses: list[Any], ask_own_route: AskOwnRoute, binary_data: bool
) -> None:
    own = ask_own_route("housing", houses)

    # In JSON, this client writes the blank as the word NaN.
    result = client.infer("housing", _columns(houses, binary_data=binary_data))

    expected = np.array([each["value"] for each in own], dtype=np.float32)
    assert result.as_numpy("prediction").astype(np.float32).ravel().tolist() == expected.tolist()


def test_encoded_pictures_are_answered_as_on_our_own_route(
    client: InferenceServerClient,
    encoded_picture: EncodedPicture,
    seven_in_base64: str,
    ask_own_route: AskOwnRoute,
) -> None:
    (own,) = ask_own_route("digits", [{"b64": seven_in_base64}])
    names = ("label", "probability", "credibility", "probabilities")

    result = client.infer(
        "digits", encoded_picture(2), outputs=[InferRequestedOutput(name) for name in names]
    )

    assert result.as_numpy("label").ravel().tolist() == [b"7", b"7"]
    assert result.as_numpy("probability").ravel() == pytest.approx([own["probability"]] * 2)
    assert result.as_numpy("credibility").ravel() == pytest.approx([own["credibility"]] * 2)
    probabilities = result.as_numpy("probabilities")
    assert probabilities.shape == (2, 10)
    assert probabilities[0].argmax() == 7


def test_picture_of_one_dimension_is_taken(client: InferenceServerClient, seven: bytes) -> None:
    image = InferInput("image", [1], "BYTES")
    image.set_data_from_numpy(np.array([seven], dtype=np.object_))

    assert client.infer("digits", [image]).as_numpy("probabilities").argmax() == 7


@pytest.mark.parametrize("datatype", ["UINT8", "FP32"])
@pytest.mark.parametrize("binary_data", [True, False], ids=["binary", "JSON"])
def test_drawn_pictures_are_answered_as_on_our_own_route(
    client: InferenceServerClient,
    drawn_pictures: Pictures,
    ask_own_route: AskOwnRoute,
    datatype: str,
    binary_data: bool,
) -> None:
    own = ask_own_route("digits", drawn_pictures.tolist())
    image = InferInput("image", [2, 28, 28, 1], datatype)
    levels = drawn_pictures.astype(np.uint8 if datatype == "UINT8" else np.float32)
    image.set_data_from_numpy(levels, binary_data=binary_data)

    probabilities = client.infer("digits", [image]).as_numpy("probabilities")

    assert probabilities.max(axis=1) == pytest.approx(
        [each["probability"] for each in own], abs=1e-6
    )


def test_raw_picture_is_the_whole_body(client: InferenceServerClient, seven: bytes) -> None:
    response = client._post(
        "v2/models/digits/infer", seven, {"Inference-Header-Content-Length": "0"}, None
    )

    assert response.status_code == 200
    assert InferResult(response, verbose=False).as_numpy("probabilities").argmax() == 7


def test_raw_numbers_are_the_whole_body(
    client: InferenceServerClient, drawn_pictures: Pictures
) -> None:
    (image,) = client.get_model_metadata("digits")["inputs"]
    levels = drawn_pictures[0].astype(np.uint8 if image["datatype"] == "UINT8" else np.float32)

    response = client._post(
        "v2/models/digits/infer", levels.tobytes(), {"Inference-Header-Content-Length": "0"}, None
    )

    assert response.status_code == 200
    assert InferResult(response, verbose=False).as_numpy("probabilities").shape == (1, 10)


@pytest.mark.parametrize("request_compression", [None, "gzip", "deflate"])
@pytest.mark.parametrize("response_compression", [None, "gzip", "deflate"])
def test_compression_changes_nothing(
    client: InferenceServerClient,
    encoded_picture: EncodedPicture,
    request_compression: str | None,
    response_compression: str | None,
) -> None:
    plain = client.infer("digits", encoded_picture())

    result = client.infer(
        "digits",
        encoded_picture(),
        request_compression_algorithm=request_compression,
        response_compression_algorithm=response_compression,
    )

    assert np.array_equal(result.as_numpy("probabilities"), plain.as_numpy("probabilities"))


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_large_answers_are_compressed_where_a_client_asks_for_it(
    client: InferenceServerClient, rooms: Rooms, algorithm: str
) -> None:
    rows = 2000
    inputs = rooms([1.0] * rows, ["red"] * rows, binary_data=False)
    outputs = [InferRequestedOutput("prediction", binary_data=False)]
    body, _ = client.generate_request_body(inputs, outputs=outputs)

    response = client._post("v2/models/rooms/infer", body, {"Accept-Encoding": algorithm}, None)

    assert response.get("Content-Encoding") == algorithm
    assert InferResult(response, verbose=False).as_numpy("prediction").shape[0] == rows


def test_requests_are_answered_while_others_are(
    client: InferenceServerClient, rooms: Rooms
) -> None:
    waiting = [client.async_infer("plain", rooms([float(n)], ["red"])) for n in range(20)]

    values = [each.get_result(timeout=60).as_numpy("prediction").item() for each in waiting]

    assert values == [10.0 * n + 3.5 for n in range(20)]


@pytest.mark.parametrize("binary_data", [True, False], ids=["binary", "JSON"])
def test_classes_are_given_with_index_and_label(
    client: InferenceServerClient, encoded_picture: EncodedPicture, binary_data: bool
) -> None:
    result = client.infer(
        "digits",
        encoded_picture(2),
        outputs=[InferRequestedOutput("probabilities", binary_data, class_count=3)],
    )

    classes = result.as_numpy("probabilities")
    assert result.get_output("probabilities")["datatype"] == "BYTES"
    assert classes.shape == (2, 3)
    texts = [text.decode() if isinstance(text, bytes) else text for text in classes[0]]
    values, indices, labels = zip(*(text.split(":") for text in texts), strict=True)
    assert (indices[0], labels[0]) == ("7", "7")
    assert sorted(map(float, values), reverse=True) == [*map(float, values)]


def test_more_classes_than_there_are_gives_all(
    client: InferenceServerClient, encoded_picture: EncodedPicture
) -> None:
    result = client.infer(
        "digits", encoded_picture(), outputs=[InferRequestedOutput("probabilities", class_count=99)]
    )

    assert result.as_numpy("probabilities").shape == (1, 10)


def test_coverage_and_other_parameters_are_taken(
    client: InferenceServerClient, rooms: Rooms
) -> None:
    outputs = [InferRequestedOutput("lower"), InferRequestedOutput("upper")]

    widths = []
    for coverage in (0.5, 0.8):
        result = client.infer(
            "rooms",
            rooms([1.0], ["red"]),
            outputs=outputs,
            parameters={"coverage": coverage},
            priority=1,
            timeout=30_000_000,
        )
        widths.append((result.as_numpy("upper") - result.as_numpy("lower")).item())

    assert widths[0] <= widths[1]
