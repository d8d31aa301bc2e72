"""The server and its models, as tritonclient sees and changes them."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tritonclient.http import InferenceServerClient, InferInput
from tritonclient.utils import InferenceServerException

Rooms = Callable[..., list[InferInput]]


def test_server_is_live_and_ready(client: InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()


def test_metadata_names_the_server_and_what_works(client: InferenceServerClient) -> None:
    metadata = client.get_server_metadata()

    assert metadata["name"]
    assert metadata["version"]
    assert {*metadata["extensions"]} == {
        "binary_tensor_data",
        "classification",
        "model_configuration",
        "model_repository",
        "statistics",
    }


@pytest.mark.parametrize(
    ("model", "version", "is_ready"),
    [
        ("digits", "", True),
        ("digits", "1", True),
        ("rooms", "2", True),
        ("digits", "7", False),
        ("nobody", "", False),
    ],
)
def test_readiness_of_a_model_is_told(
    client: InferenceServerClient, model: str, version: str, is_ready: bool
) -> None:
    assert client.is_model_ready(model, version) is is_ready


def test_metadata_of_a_picture_model_names_numbers_and_outputs(
    client: InferenceServerClient,
) -> None:
    metadata = client.get_model_metadata("digits")

    assert metadata["name"] == "digits"
    assert metadata["versions"] == ["1"]
    assert metadata["platform"]
    (image,) = metadata["inputs"]
    assert image["name"] == "image"
    assert image["datatype"] in {"UINT8", "FP32"}
    assert image["shape"] == [-1, 28, 28, 1]
    outputs = {output["name"]: output for output in metadata["outputs"]}
    assert outputs["probabilities"]["datatype"] == "FP32"
    assert outputs["probabilities"]["shape"] == [-1, 10]
    assert outputs["label"]["datatype"] == "BYTES"
    assert {"probability", "set", "credibility"} <= outputs.keys()


def test_metadata_of_a_table_model_names_columns_and_outputs(
    client: InferenceServerClient,
) -> None:
    metadata = client.get_model_metadata("rooms")

    assert sorted(metadata["versions"]) == ["1", "2"]
    assert [column["name"] for column in metadata["inputs"]] == ["size", "colour"]
    assert metadata["inputs"][1]["datatype"] == "BYTES"
    assert {"prediction", "lower", "upper"} <= {output["name"] for output in metadata["outputs"]}


def test_every_named_input_and_output_can_be_used(client: InferenceServerClient) -> None:
    for model in client.get_model_repository_index():
        if model["state"] != "READY" or model["name"] == "spare":
            continue
        metadata = client.get_model_metadata(model["name"], model["version"])
        for tensor in metadata["inputs"] + metadata["outputs"]:
            assert tensor.keys() >= {"name", "datatype", "shape"}
            assert tensor["shape"][0] == -1


def test_configuration_names_the_model(client: InferenceServerClient) -> None:
    config = client.get_model_config("rooms", "1")

    assert config["name"] == "rooms"
    assert [column["name"] for column in config["input"]] == ["size", "colour"]
    assert {"prediction", "lower", "upper"} <= {output["name"] for output in config["output"]}
    assert "max_batch_size" in config


def test_index_lists_every_model(client: InferenceServerClient, models: Path) -> None:
    index = client.get_model_repository_index()

    listed = {(model["name"], model["version"]) for model in index}
    assert listed >= {
        (folder.parent.name, folder.name)
        for folder in models.glob("*/[0-9]*")
        if folder.parent.name != "spare"
    }
    assert {model["state"] for model in index if model["name"] != "spare"} == {"READY"}


def test_model_is_unloaded_and_loaded_again(client: InferenceServerClient, rooms: Rooms) -> None:
    inputs = rooms([1.0], ["red"])
    try:
        client.unload_model("spare")

        assert not client.is_model_ready("spare")
        states = [
            each["state"] for each in client.get_model_repository_index() if each["name"] == "spare"
        ]
        assert states in ([], ["UNAVAILABLE"])
        with pytest.raises(InferenceServerException, match="spare") as refused:
            client.infer("spare", inputs)
        assert refused.value.status() == "503"
    finally:
        client.load_model("spare")

    # Of two workers, each must know it again.
    for _ in range(8):
        assert client.is_model_ready("spare")
        assert client.infer("spare", inputs).as_numpy("prediction").item() == 13.0


def test_model_that_is_nowhere_cannot_be_loaded(client: InferenceServerClient) -> None:
    with pytest.raises(InferenceServerException, match="nobody") as refused:
        client.load_model("nobody")

    assert refused.value.status() in {"400", "404"}


@pytest.mark.parametrize(
    "more",
    [
        {"config": json.dumps({"max_batch_size": 8})},
        {"config": "{}", "files": {"file:1/model.onnx": b"not a network"}},
    ],
    ids=["config", "files"],
)
def test_model_is_not_loaded_with_files_of_a_client(
    client: InferenceServerClient, more: dict[str, Any]
) -> None:
    with pytest.raises(InferenceServerException) as refused:
        client.load_model("spare", **more)

    assert refused.value.status() in {"400", "501"}
    assert "decoding the response" not in str(refused.value)


def test_statistics_count_rows_and_requests_of_all_workers(
    client: InferenceServerClient, rooms: Rooms
) -> None:
    before = _statistics(client, "counted")
    for _ in range(6):
        client.infer("counted", rooms([1.0, 2.0, 3.0], ["red", "blue", "red"]))

    after = _statistics(client, "counted")

    assert after["inference_count"] - before["inference_count"] == 18
    assert after["execution_count"] - before["execution_count"] == 6
    success, earlier = (each["inference_stats"]["success"] for each in (after, before))
    assert success["count"] - earlier["count"] == 6
    assert success["ns"] > earlier["ns"]
    # Milliseconds since 1970.
    assert abs(after["last_inference"] - time.time() * 1000) < 60_000


def test_statistics_count_requests_that_failed(client: InferenceServerClient, rooms: Rooms) -> None:
    before = _statistics(client, "counted")["inference_stats"]["fail"]["count"]
    with pytest.raises(InferenceServerException):
        client.infer("counted", rooms([1.0], ["red"])[:1])

    assert _statistics(client, "counted")["inference_stats"]["fail"]["count"] == before + 1


def test_statistics_of_all_models_are_given(client: InferenceServerClient) -> None:
    statistics = client.get_inference_statistics()

    assert {"digits", "housing", "rooms"} <= {each["name"] for each in statistics["model_stats"]}


def _statistics(client: InferenceServerClient, model: str) -> Any:
    (statistics,) = client.get_inference_statistics(model)["model_stats"]
    assert statistics["name"] == model
    return statistics


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.get_trace_settings(),
        lambda client: client.get_log_settings(),
        lambda client: client.get_system_shared_memory_status(),
        lambda client: client.get_cuda_shared_memory_status(),
        lambda client: client.register_system_shared_memory("memory", "/memory", 8),
    ],
    ids=["trace", "log", "shared memory", "CUDA shared memory", "register"],
)
def test_what_is_not_advertised_is_refused_in_words(
    client: InferenceServerClient, ask: Callable[[InferenceServerClient], Any]
) -> None:
    with pytest.raises(InferenceServerException) as refused:
        ask(client)

    assert refused.value.status() == "404"
    assert "decoding the response" not in str(refused.value)
    assert "an empty response" not in str(refused.value)
