"""What is said and counted of every request: id, log line, metrics."""

import logging
from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry

from tests.fakes import picture, table

STROKES = "/models/strokes/predict"


def logged(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    """Return the fields of the only request logged."""
    (record,) = [record for record in caplog.records if record.name == "service.access"]
    fields: dict[str, Any] = record.__dict__["fields"]
    return {"level": record.levelname, **fields}


@pytest.mark.parametrize("given", ["a", "A-b_c.9", "x" * 64])
def test_sane_request_id_is_kept(client: FlaskClient, given: str) -> None:
    response = client.get("/livez", headers={"X-Request-Id": given})

    assert response.headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "ä", "a,b", "<id>"])
def test_odd_request_id_is_replaced(client: FlaskClient, given: str) -> None:
    response = client.get("/nowhere", headers={"X-Request-Id": given})

    assert response.headers["X-Request-Id"] not in {given, ""}


def test_request_ids_differ(client: FlaskClient) -> None:
    ids = {client.get("/livez").headers["X-Request-Id"] for _ in range(10)}

    assert len(ids) == 10


def test_request_is_logged_with_where_its_time_went(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "service.access")

    response = client.post(STROKES, data=picture(), content_type="image/png")

    fields = logged(caplog)
    times = {name: fields.pop(name) for name in list(fields) if name.endswith("_ms")}
    assert sorted(times) == [
        *("decode_ms", "duration_ms", "encode_ms", "inference_ms", "queue_ms", "receive_ms"),
    ]
    assert times["duration_ms"] >= times["decode_ms"] + times["inference_ms"] + times["encode_ms"]
    assert fields == {
        "level": "INFO",
        "request_id": response.headers["X-Request-Id"],
        "method": "POST",
        "route": "/models/<name>/predict",
        "path": STROKES,
        "status": 200,
        "complete": True,
        "received_bytes": len(picture()),
        "sent_bytes": len(response.data),
        "remote": "127.0.0.1",
        "model": "strokes",
        "version": 1,
        "instances": 1,
    }


def test_refused_request_is_logged_with_the_reason(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "service.access")

    client.get("/models/ghöst" + "x" * 300)

    fields = logged(caplog)
    assert (fields["status"], fields["reason"]) == (404, "model-not-found")
    assert fields["path"].startswith("/models/ghöstx")
    assert len(fields["path"]) == 200


def test_failure_is_logged_as_an_error(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    client.post("/models/broken/predict", data=table(1), content_type="text/csv")

    fields = logged(caplog)
    assert (fields["level"], fields["reason"]) == ("ERROR", "internal-server-error")


def test_request_is_not_logged_below_its_level(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "service.access")

    client.get("/livez")

    assert not caplog.records


@pytest.mark.parametrize(
    ("method", "path", "labels"),
    [
        ("GET", "/models/rooms", ("/models/<name>", "GET", "200")),
        ("GET", "/models/no", ("/models/<name>", "GET", "404")),
        ("HEAD", "/livez", ("/livez", "HEAD", "200")),
        ("GET", "/secret/path", ("unmatched", "GET", "404")),
        ("BREW", "/livez", ("unmatched", "other", "405")),
    ],
)
def test_request_is_counted_by_route_method_and_status(
    client: FlaskClient,
    registry: CollectorRegistry,
    method: str,
    path: str,
    labels: tuple[str, str, str],
) -> None:
    client.open(path, method=method)

    named = dict(zip(("route", "method", "status"), labels, strict=True))
    assert registry.get_sample_value("vitrine_requests_total", named) == 1
    duration = "vitrine_request_duration_seconds_count"
    assert registry.get_sample_value(duration, {"route": labels[0]}) == 1


def test_what_a_client_types_is_no_label(client: FlaskClient) -> None:
    client.post("/models/typed-name/predict?typed-parameter=1", headers={"X-Request-Id": "typed"})
    client.open("/typed-path", method="TYPED")
    client.post(f"{STROKES}?typed=1", data=b"typed", content_type="typed/typed")

    assert b"typed" not in client.get("/metrics").data.lower()
