"""Pages of other origins: which answers they may read, and what a browser is told that asks."""

from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPResponse
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry

from service.settings import Settings
from tests.bundles import write_picture_bundle
from tests.fakes import client_of, fake_repository, picture
from tests.servers import Server, serving

STROKES = "/models/strokes/predict"
PAGE = "http://localhost:5500"
OTHER = "https://other.example"


def sharing(origins: str) -> FlaskClient:
    """Return a client of an application that shares its answers with some origins."""
    return client_of(fake_repository(), CollectorRegistry(), Settings(cors_origins=origins))


def preflight(method: str, headers: str = "content-type", origin: str = PAGE) -> dict[str, str]:
    """Return the headers of the question that a browser asks."""
    return {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }


@pytest.fixture
def shared() -> FlaskClient:
    """A client of an application that shares its answers with one page."""
    return sharing(f"https://example.org,{PAGE}")


@pytest.mark.parametrize("path", [STROKES, f"{STROKES}/", "/models/strokes/versions/1/predict"])
def test_page_that_asks_may_send_what_it_wants(shared: FlaskClient, path: str) -> None:
    response = shared.options(path, headers=preflight("POST", "content-type,x-request-id"))

    assert (response.status_code, response.data) == (204, b"")
    assert "Content-Type" not in response.headers
    assert response.headers["Access-Control-Allow-Origin"] == PAGE
    assert response.headers["Access-Control-Allow-Methods"] == "OPTIONS, POST"
    assert response.headers["Access-Control-Allow-Headers"] == "content-type,x-request-id"
    assert response.headers["Access-Control-Max-Age"] == "600"
    assert "Origin" in response.vary
    assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize(
    "wanted", ["", "a b", "x" * 501, "content-type;"], ids=["none", "space", "long", "odd"]
)
def test_odd_headers_are_not_repeated(shared: FlaskClient, wanted: str) -> None:
    response = shared.options(STROKES, headers=preflight("POST", wanted))

    assert response.headers["Access-Control-Allow-Headers"] == "Content-Type, X-Request-Id"


def test_answer_may_be_read_with_its_headers(shared: FlaskClient) -> None:
    response = shared.post(
        STROKES, data=picture(), content_type="image/png", headers={"Origin": PAGE}
    )

    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == PAGE
    exposed = response.headers["Access-Control-Expose-Headers"]
    assert {"X-Request-Id", "X-Model-Version", "Retry-After"} <= set(exposed.split(", "))
    assert "Origin" in response.vary


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", STROKES, 415),
        ("POST", "/models/nobody/predict", 404),
        ("POST", "/models/broken/predict", 500),
        ("GET", "/nowhere", 404),
        ("DELETE", "/models", 405),
    ],
)
def test_error_may_be_read_too(shared: FlaskClient, method: str, path: str, status: int) -> None:
    json = {"instances": [{"size": 1, "colour": "red"}]} if "broken" in path else None

    response = shared.open(path, method=method, headers={"Origin": PAGE}, json=json)

    assert response.status_code == status
    assert response.headers["Access-Control-Allow-Origin"] == PAGE


@pytest.mark.parametrize("origin", [OTHER, "null", "http://localhost:5501", ""])
def test_page_of_another_origin_may_read_nothing(shared: FlaskClient, origin: str) -> None:
    asked = shared.options(STROKES, headers=preflight("POST", origin=origin))
    answered = shared.get("/models", headers={"Origin": origin})

    for response in (asked, answered):
        assert "Access-Control" not in str(response.headers)
    assert "Origin" in answered.vary


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/models/strokes"),
        *(("POST", f"/models/strokes/{action}") for action in ("load", "unload", "rollback")),
    ],
)
@pytest.mark.parametrize("origins", [PAGE, "*"])
def test_page_may_not_change_what_is_served(method: str, path: str, origins: str) -> None:
    client = sharing(origins)

    asked = client.options(path, headers=preflight(method))
    answered = client.open(path, method=method, headers={"Origin": PAGE})

    assert "Access-Control-Allow-Methods" not in asked.headers
    assert answered.status_code == 403
    assert "Access-Control-Allow-Origin" not in answered.headers


def test_methods_that_describe_a_model_are_shared_without_those_that_change_it(
    shared: FlaskClient,
) -> None:
    response = shared.options("/models/strokes", headers=preflight("GET"))

    assert response.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("headers", [{}, {"Origin": OTHER}, {"Origin": "null"}])
def test_star_shares_with_everybody(headers: dict[str, str]) -> None:
    response = sharing("*").get("/models", headers=headers)

    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert not response.vary


def test_nothing_is_shared_by_default(client: FlaskClient) -> None:
    asked = client.options(STROKES, headers=preflight("POST"))
    answered = client.get("/models", headers={"Origin": PAGE})

    assert asked.status_code == 200
    for response in (asked, answered):
        assert "Access-Control" not in str(response.headers)
        assert not response.vary


def test_question_is_counted_under_its_route() -> None:
    registry = CollectorRegistry()
    client = client_of(fake_repository(), registry, Settings(cors_origins="*"))

    client.options(STROKES, headers=preflight("POST"))

    labels = {"route": "/models/<name>/predict", "method": "OPTIONS", "status": "204"}
    assert registry.get_sample_value("vitrine_requests_total", labels) == 1


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that shares its answers with one page."""
    folder: Path = tmp_path_factory.mktemp("published")
    write_picture_bundle(folder)
    with serving(models=folder, workers=1, cors_origins=PAGE, max_body_bytes=1000) as running:
        yield running


def send(
    server: Server, method: str, headers: dict[str, str], body: bytes | None = None
) -> HTTPResponse:
    """Send a request as a browser does, and read the whole answer."""
    with closing(server.connect()) as connection:
        connection.request(method, STROKES, body, headers)
        response = connection.getresponse()
        response.read()
        return response


def test_server_answers_a_browser_that_asks(server: Server) -> None:
    response = send(server, "OPTIONS", preflight("POST"))

    assert response.status == 204
    assert response.headers["Access-Control-Allow-Origin"] == PAGE
    assert "POST" in response.headers["Access-Control-Allow-Methods"]
    assert response.headers["Content-Length"] in {None, "0"}


@pytest.mark.parametrize(("body", "status"), [(picture(), 200), (bytes(2000), 413)])
def test_server_lets_the_page_read_its_answer(server: Server, body: bytes, status: int) -> None:
    response = send(server, "POST", {"Origin": PAGE, "Content-Type": "image/png"}, body)

    assert response.status == status
    assert response.headers["Access-Control-Allow-Origin"] == PAGE
    assert response.headers["X-Request-Id"]
