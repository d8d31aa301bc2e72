"""What was counted of each version, as the Open Inference Protocol asks for it."""

import time
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.fakes import picture, table
from tests.tensors import binary, error_of, infer, size_and_colour, with_lengths


def statistics(client: FlaskClient, path: str) -> dict[str, dict[str, Any]]:
    """Return the statistics of each version by its name and number."""
    rows = client.get(f"/v2/models{path}/stats").get_json()["model_stats"]
    return {f"{row['name']}/{row['version']}": row for row in rows}


@pytest.mark.parametrize(
    ("path", "versions"),
    [
        ("", {"rooms/1", "rooms/2", "strokes/1", "broken/1", "fragile/1"}),
        ("/rooms", {"rooms/1", "rooms/2"}),
        ("/rooms/versions/1", {"rooms/1"}),
    ],
)
def test_versions_of_a_path_have_statistics(
    client: FlaskClient, path: str, versions: set[str]
) -> None:
    assert statistics(client, path).keys() == versions


def test_instances_calls_and_requests_are_counted(client: FlaskClient) -> None:
    started = time.time()
    infer(client, "rooms/versions/1", *size_and_colour([1, 2, 3], ["red"] * 3))
    infer(client, "rooms/versions/1", *size_and_colour([1], ["red"]))
    infer(client, "rooms/versions/1", *size_and_colour([1], ["red"])[:1])

    row = statistics(client, "/rooms")["rooms/1"]

    assert (row["inference_count"], row["execution_count"]) == (4, 2)
    assert started * 1000 - 1 <= row["last_inference"] <= time.time() * 1000
    counts = {name: part["count"] for name, part in row["inference_stats"].items()}
    assert counts == {
        "success": 2,
        "fail": 1,
        **dict.fromkeys(("queue", "compute_input", "compute_infer", "compute_output"), 2),
        "cache_hit": 0,
        "cache_miss": 0,
    }
    times = {name: part["ns"] for name, part in row["inference_stats"].items()}
    parts = ("queue", "compute_input", "compute_infer", "compute_output")
    assert 0 < sum(times[part] for part in parts) < times["success"]
    assert statistics(client, "/rooms")["rooms/2"]["inference_count"] == 0


def test_requests_of_every_language_are_counted(client: FlaskClient) -> None:
    client.post("/models/rooms/versions/1/predict", data=table(2), content_type="text/csv")
    client.post("/models/strokes/predict", data=picture(), content_type="image/png")
    infer(client, "strokes", binary("image", "BYTES", [1], with_lengths(picture())))

    found = statistics(client, "")

    assert found["rooms/1"]["inference_count"] == 2
    assert found["strokes/1"]["inference_stats"]["success"]["count"] == 2


def test_failure_of_ours_is_one(client: FlaskClient) -> None:
    infer(client, "broken", *size_and_colour([1], ["red"]))

    assert statistics(client, "/broken")["broken/1"]["inference_stats"]["fail"]["count"] == 1


def test_unknown_model_has_no_statistics(client: FlaskClient) -> None:
    assert error_of(client.get("/v2/models/x/stats")) == (
        404,
        "Request for unknown model: 'x' is not found",
    )
