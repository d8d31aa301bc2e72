"""The real server behind a proxy that keeps its path or takes it away, and before strangers."""

import http.client
import json
import shlex
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.bundles import write_table_bundle
from tests.fakes import picture
from tests.servers import Server, serving

BROWSER = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def published(published: Path) -> Path:
    """A folder with two real bundles, one of them in two versions."""
    write_table_bundle(published, version=2)
    return published


@pytest.fixture(scope="module")
def server(published: Path) -> Iterator[Server]:
    """A server that is shown under a path, by proxies on this machine."""
    with serving(
        models=published, workers=2, path_prefix="/ml", trusted_proxies="127.0.0.1"
    ) as running:
        yield running


def ask(
    server: Server,
    path: str,
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    method: str | None = None,
) -> tuple[int, http.client.HTTPMessage, Any]:
    """Send one request, and return status, headers and body."""
    with closing(server.connect()) as connection:
        connection.request(method or ("POST" if body else "GET"), path, body, headers or {})
        response = connection.getresponse()
        content = response.read()
    is_json = "json" in str(response.headers["Content-Type"])
    return response.status, response.headers, json.loads(content) if is_json else content.decode()


keeps_or_strips = pytest.mark.parametrize("base", ["/ml", ""], ids=["keeps", "strips"])


@keeps_or_strips
@pytest.mark.parametrize(
    "path", ["/", "/livez", "/readyz/", "/metrics", "/models", "/models/rooms/drift"]
)
def test_routes_are_found(server: Server, base: str, path: str) -> None:
    assert ask(server, base + path)[0] == 200


@keeps_or_strips
@pytest.mark.parametrize("path", ["/models/strokes/predict", "/models/strokes/versions/1/predict"])
def test_predictions_are_answered(server: Server, base: str, path: str) -> None:
    status, _, answer = ask(server, base + path, {"Content-Type": "image/png"}, picture())

    assert (status, answer["predictions"][0]["label"]) == (200, "left")


@keeps_or_strips
def test_errors_have_types_and_examples_under_the_path(server: Server, base: str) -> None:
    unknown = ask(server, f"{base}/models/nobody")[2]
    fast = ask(server, f"{base}/models/nobody/predict", {"Content-Type": "image/png"}, picture())[2]
    kind = ask(server, f"{base}/models/rooms/predict", {"Content-Type": "image/png"}, picture())[2]

    assert unknown["type"] == fast["type"] == "/ml/problems/model-not-found"
    assert f"http://127.0.0.1:{server.port}/ml/models/rooms/predict" in kind["detail"]


@keeps_or_strips
def test_links_of_the_first_page_lead_back(server: Server, base: str) -> None:
    _, _, listing = ask(server, f"{base}/")
    _, _, page = ask(server, f"{base}/", BROWSER)

    links = [*listing["links"].values(), *(model["describe"] for model in listing["models"])]
    assert all(link.startswith("/ml/") for link in links)
    assert [ask(server, link)[0] for link in links] == [200] * len(links)
    example = shlex.split(listing["models"][0]["example"])[-1]
    assert example.startswith(f"http://127.0.0.1:{server.port}/ml/models/")
    assert 'href="/ml/docs"' in page
    assert 'src="/ml/page/' in page


def test_proxy_that_is_named_says_how_it_was_asked(server: Server) -> None:
    headers = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "predict.example.org",
        "X-Forwarded-Prefix": "/elsewhere",
    }

    _, _, listing = ask(server, "/", headers)
    _, _, problem = ask(server, "/models/nobody", headers)

    example = shlex.split(listing["models"][0]["example"])[-1]
    assert example.startswith("https://predict.example.org/elsewhere/models/")
    assert listing["links"]["models"] == "/elsewhere/models"
    assert problem["type"] == "/elsewhere/problems/model-not-found"


def test_proxy_that_is_named_changes_nothing_without_a_key(server: Server) -> None:
    assert ask(server, "/models/rooms/rollback", method="POST")[0] == 403


def test_stranger_is_believed_nothing(published: Path) -> None:
    headers = {
        "X-Forwarded-For": "203.0.113.1",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Prefix": "/evil",
        "Script-Name": "/evil",
        "SCRIPT_NAME": "/evil",
    }
    with serving(models=published, workers=1) as server:
        _, _, listing = ask(server, "/", headers)
        status, _, problem = ask(server, "/models/nobody", headers)

    assert "evil" not in json.dumps(listing)
    assert "https" not in json.dumps(listing)
    assert (status, problem["type"]) == (404, "/problems/model-not-found")
