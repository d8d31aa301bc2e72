"""The page that shows the description, and who may read both."""

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry

from service.keys import Key, KeyFile, hash_secret, write_keys
from tests.fakes import guard

SECRET = "vitrine_" + "a" * 43
FILES = {"/docs": "text/html", "/docs/page.css": "text/css", "/docs/page.js": "text/javascript"}


@pytest.fixture
def guarded(tmp_path: Path) -> FlaskClient:
    """A client of an application that asks for keys."""
    write_keys(tmp_path / "keys.json", [Key(name="ana", sha256=hash_secret(SECRET))])
    return guard(KeyFile(tmp_path / "keys.json"), CollectorRegistry()).test_client()


@pytest.mark.parametrize(("path", "media_type"), FILES.items(), ids=FILES)
def test_page_and_its_files_are_sent_once(client: FlaskClient, path: str, media_type: str) -> None:
    response = client.get(path)
    again = client.get(path, headers={"If-None-Match": response.headers["ETag"]})

    assert (response.status_code, response.mimetype) == (200, media_type)
    assert again.status_code == 304


@pytest.mark.parametrize("path", ["/docs", "/docs/", "/ml/docs", "/ml/docs/"])
def test_page_finds_its_files_below_any_path(client: FlaskClient, path: str) -> None:
    prefix, _, rest = path.rpartition("/docs")
    text = client.get(f"/docs{rest}").text
    folder = path.rpartition("/")[0]

    for link in re.findall(r'(?:href|src)="([^"#:]+)"', text):
        assert f"{folder}/{link}".removeprefix(prefix) in FILES


def test_page_runs_nothing_but_its_own_script(client: FlaskClient) -> None:
    response = client.get("/docs")

    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'; " in policy
    assert "unsafe" not in policy
    assert re.findall(r"<script[^>]*>", response.text) == [
        '<script type="module" src="docs/page.js">'
    ]
    assert not re.search(r"<style| style=| on\w+=", response.text)


def test_script_never_writes_html(client: FlaskClient) -> None:
    script = client.get("/docs/page.js").text

    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", script)


def test_description_needs_a_key_where_predictions_do(guarded: FlaskClient) -> None:
    refused = guarded.get("/openapi.json")
    document = guarded.get(
        "/openapi.json", headers={"Authorization": f"Bearer {SECRET}"}
    ).get_json()

    assert refused.status_code == 401
    schemes = document["components"]["securitySchemes"]
    assert schemes == {"key": {"type": "http", "scheme": "bearer"}}
    predict = document["paths"]["/models/rooms/predict"]["post"]
    assert predict["security"] == [{"key": []}]
    assert {"401", "429"} < {*predict["responses"]}
    for path in ("/livez", "/readyz", "/", *FILES):
        assert "security" not in document["paths"][path]["get"]
        assert guarded.get(path).status_code == 200


def test_no_key_is_described_where_none_is_needed(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()

    assert "securitySchemes" not in document["components"]
    assert "401" not in document["paths"]["/models"]["get"]["responses"]
