"""API keys over HTTP: who is let in and who is refused, on the fast path and in Flask alike."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry

from service.http.fast_path import FAST_PATH, Costly, FastPath, SmallRequest
from service.http.reply import Reply
from service.keys import Key, KeyFile, hash_secret, write_keys
from service.settings import Settings
from tests.fakes import guard, picture, table

STROKES = "/models/strokes/predict"
# Always the same ones: they are in the names of tests.
SECRETS = {name: f"vitrine_{name:x<43}" for name in ("ana", "slow", "ops")}
KEYS = [
    Key(name="ana", sha256=hash_secret(SECRETS["ana"])),
    Key(name="slow", sha256=hash_secret(SECRETS["slow"]), rate=0.01, burst=2),
    Key(name="ops", sha256=hash_secret(SECRETS["ops"]), role="manage"),
]


def bearer(name: str) -> dict[str, str]:
    """Return the header of a key."""
    return {"Authorization": f"Bearer {SECRETS[name]}"}


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    """Three keys."""
    write_keys(tmp_path / "keys.json", KEYS)
    return KeyFile(tmp_path / "keys.json")


@pytest.fixture
def guarded(keys: KeyFile, registry: CollectorRegistry) -> Flask:
    """An application that asks for keys."""
    return guard(keys, registry)


@pytest.fixture
def guarded_client(guarded: Flask) -> FlaskClient:
    """A client of that application."""
    return guarded.test_client()


def ask_fast(app: Flask, headers: dict[str, str], body: bytes | None = None) -> Reply | None:
    """Ask the fast path to predict on a picture."""
    path: FastPath = app.extensions[FAST_PATH]
    lines = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    answered = path.answer(
        [SmallRequest(STROKES.encode(), lines, picture() if body is None else body, "192.0.2.7")]
    )
    answered.settle()
    (reply,) = answered.replies
    return None if isinstance(reply, Costly) else reply


def predict(app: Flask, way: str, headers: dict[str, str]) -> tuple[int, dict[str, str], Any]:
    """Ask for a prediction by one of the two ways."""
    headers = {"Content-Type": "image/png", **headers}
    if way == "fast":
        reply = ask_fast(app, headers)
        assert reply is not None
        return reply.status, dict(reply.headers), json.loads(reply.body)
    response = app.test_client().post(STROKES, data=picture(), headers=headers)
    return response.status_code, dict(response.headers), response.get_json(force=True)


both_ways = pytest.mark.parametrize("way", ["fast", "ordinary"])


@both_ways
@pytest.mark.parametrize("name", ["ana", "ops"])
def test_request_with_a_key_is_answered(guarded: Flask, way: str, name: str) -> None:
    status, _, answer = predict(guarded, way, bearer(name))

    assert (status, answer["predictions"][0]["label"]) == (200, "left")


@both_ways
@pytest.mark.parametrize(
    ("given", "challenge"),
    [
        (None, 'Bearer realm="vitrine"'),
        ("", 'Bearer realm="vitrine"'),
        (SECRETS["ana"], 'Bearer realm="vitrine"'),
        (f"Basic {SECRETS['ana']}", 'Bearer realm="vitrine"'),
        ("Bearer", 'Bearer realm="vitrine", error="invalid_token"'),
        (f"Bearer {SECRETS['ana'][:-1]}", 'Bearer realm="vitrine", error="invalid_token"'),
        (f"Bearer {hash_secret(SECRETS['ana'])}", 'Bearer realm="vitrine", error="invalid_token"'),
        ("Bearer \xe9", 'Bearer realm="vitrine", error="invalid_token"'),
    ],
    ids=["none", "empty", "no scheme", "other scheme", "no key", "cut off", "hash", "not ASCII"],
)
def test_request_without_the_right_key_is_challenged(
    guarded: Flask, registry: CollectorRegistry, way: str, given: str | None, challenge: str
) -> None:
    headers = {} if given is None else {"Authorization": given}

    status, answered, problem = predict(guarded, way, headers)

    assert (status, problem["type"]) == (401, "/problems/key-required")
    assert answered["WWW-Authenticate"] == challenge
    assert SECRETS["ana"] not in json.dumps(problem)
    rejected = registry.get_sample_value("vitrine_rejected_total", {"reason": "key-required"})
    assert rejected == 1


@both_ways
def test_scheme_may_be_written_in_any_case(guarded: Flask, way: str) -> None:
    status, _, _ = predict(guarded, way, {"Authorization": f"bearer  {SECRETS['ana']} "})

    assert status == 200


@both_ways
def test_key_that_asks_too_often_is_told_when_to_come_back(
    guarded: Flask, registry: CollectorRegistry, way: str
) -> None:
    answers = [predict(guarded, way, bearer("slow")) for _ in range(3)]

    assert [status for status, _, _ in answers] == [200, 200, 429]
    _, headers, problem = answers[2]
    assert problem["type"] == "/problems/rate-exceeded"
    assert headers["Retry-After"] == "100"
    counted = [
        registry.get_sample_value("vitrine_key_requests_total", {"key": "slow", "status": status})
        for status in ("200", "429")
    ]
    assert counted == [2, 1]


def test_request_that_the_fast_path_passes_on_is_counted_once(guarded: Flask) -> None:
    headers = {"Content-Type": "text/csv", **bearer("slow")}
    client = guarded.test_client()

    for _ in range(2):
        path: FastPath = guarded.extensions[FAST_PATH]
        lines = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        request = SmallRequest(b"/models/rooms/predict", lines, table(1), "192.0.2.7")
        assert isinstance(path.answer([request]).replies[0], Costly)
        response = client.post("/models/rooms/predict", data=table(1), headers=headers)
        assert response.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/livez", 200),
        ("GET", "/readyz/", 200),
        ("HEAD", "/readyz", 200),
        ("GET", "/metrics", 401),
        ("GET", "/models", 401),
        ("GET", "/models/rooms/drift", 401),
        ("GET", "/models//rooms", 401),
        ("GET", "/nowhere", 401),
        ("DELETE", "/models", 401),
        ("OPTIONS", STROKES, 401),
        ("PATCH", "/models/rooms", 401),
        ("POST", "/models/rooms/load", 401),
    ],
)
def test_only_probes_and_the_first_page_need_no_key(
    guarded_client: FlaskClient, method: str, path: str, status: int
) -> None:
    assert guarded_client.open(path, method=method).status_code == status


def test_every_other_route_needs_a_key(guarded: Flask) -> None:
    client = guarded.test_client()

    answered = {
        rule.rule: client.open(
            rule.rule.replace("<name>", "rooms")
            .replace("<version:version>", "1")
            .replace("<label>", "stable"),
            method=method,
        ).status_code
        for rule in guarded.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert {rule for rule, status in answered.items() if status != 401} == {
        *("/", "/livez", "/readyz", "/docs", "/docs/page.css", "/docs/page.js"),
        "/page/<digest>/<path:file>",
        *("/v2/health/live", "/v2/health/ready", "/ping", "/health"),
    }


def test_first_page_shows_how_to_send_a_key(guarded_client: FlaskClient) -> None:
    (model, *_) = guarded_client.get("/").get_json()["models"]
    page = guarded_client.get("/", headers={"Accept": "text/html"}).text

    assert model["example"].startswith('curl -H "Authorization: Bearer $VITRINE_KEY" -d ')
    assert model["file_example"].startswith('curl -H "Authorization: Bearer $VITRINE_KEY" ')
    assert 'data-needs-key="true"' in page


@pytest.mark.parametrize("path", ["/here", "/%68ere"])
def test_predictions_need_a_key_also_where_health_is_checked(
    keys: KeyFile, registry: CollectorRegistry, path: str
) -> None:
    settings = Settings(default_model="strokes", predict_route="/here", health_route="/here")
    client = guard(keys, registry, settings).test_client()

    assert client.get(path).status_code == 200
    assert client.post(path, data=picture(), content_type="image/png").status_code == 401


def test_metrics_may_be_open(keys: KeyFile, registry: CollectorRegistry) -> None:
    app = guard(keys, registry, Settings(open_metrics=True))

    assert app.test_client().get("/metrics").status_code == 200
    assert app.test_client().get("/models").status_code == 401


@pytest.mark.parametrize(("name", "status"), [("ana", 403), ("ops", 200)])
def test_only_a_management_key_changes_what_is_served(
    guarded_client: FlaskClient, name: str, status: int
) -> None:
    elsewhere = {"REMOTE_ADDR": "192.0.2.1", "HTTP_X_FORWARDED_FOR": "198.51.100.1"}

    response = guarded_client.post(
        "/models/rooms/rollback", headers=bearer(name), environ_overrides=elsewhere
    )

    assert response.status_code == status
    assert guarded_client.post("/models/rooms/rollback").status_code == 401


def test_page_of_another_origin_may_ask_whether_it_may_send_a_key(
    keys: KeyFile, registry: CollectorRegistry
) -> None:
    app = guard(keys, registry, Settings(cors_origins="https://example.org"))
    headers = {
        "Origin": "https://example.org",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }

    asked = app.test_client().options(STROKES, headers=headers)
    refused = app.test_client().post(STROKES, headers={"Origin": "https://example.org"})

    assert asked.status_code == 204
    assert "authorization" in asked.headers["Access-Control-Allow-Headers"]
    assert refused.status_code == 401
    assert refused.headers["Access-Control-Allow-Origin"] == "https://example.org"


@both_ways
def test_log_names_the_key_and_never_its_secret(
    guarded: Flask, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    predict(guarded, way, bearer("ana"))
    predict(guarded, way, {"Authorization": "Bearer wrong-one"})

    lines = [each.__dict__["fields"] for each in caplog.records if each.name == "service.access"]
    assert [(line.get("key"), line["status"]) for line in lines] == [("ana", 200), (None, 401)]
    text = json.dumps(lines)
    assert SECRETS["ana"] not in text
    assert "wrong-one" not in text


def audits(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return the records of changes."""
    return [each.__dict__["fields"] for each in caplog.records if each.name == "service.audit"]


def test_each_change_and_each_try_leaves_a_record(
    guarded_client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "service.audit")

    guarded_client.post("/models/rooms/rollback", headers=bearer("ops"))
    guarded_client.patch("/models/rooms", json={"labels": {"stable": 9}}, headers=bearer("ops"))
    guarded_client.post("/models/rooms/unload", headers=bearer("ana"))
    guarded_client.post("/models/nobody/unload", headers={"X-Request-Id": "mine"})

    records = audits(caplog)
    assert [(each["who"], each["action"], each["result"]) for each in records] == [
        ("key ops", "rollback", "done"),
        ("key ops", "change", "version-not-found"),
        ("key ana", "unload", "management-forbidden"),
        ("address 127.0.0.1", "unload", "key-required"),
    ]
    assert [(each["model"], each["status"]) for each in records] == [
        ("rooms", 200),
        ("rooms", 404),
        ("rooms", 403),
        ("nobody", 401),
    ]
    assert records[0]["before"]["default"] == 2
    assert records[0]["after"]["default"] == 1
    assert records[1]["before"] == records[1]["after"] == records[0]["after"]
    assert (records[3]["before"], records[3]["request_id"]) == (None, "mine")


def test_change_from_this_machine_is_recorded_by_its_address(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "service.audit")

    client.post("/models/rooms/rollback")

    (record,) = audits(caplog)
    assert (record["who"], record["result"]) == ("address 127.0.0.1", "done")
