"""The headers that make browsers and caches careful, on answers of every kind."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.errors import Overloaded
from service.http.fast_path import FAST_PATH, FastPath, SmallRequest
from service.http.refusals import REFUSALS, Refusals
from service.http.reply import Reply
from service.http.security_headers import security_headers
from tests.fakes import picture, table

EXPECTED = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/models"),
        ("GET", "/metrics"),
        ("GET", "/livez"),
        ("HEAD", "/readyz"),
        ("GET", "/nowhere"),
        ("DELETE", "/models"),
        ("OPTIONS", "/models"),
        ("POST", "/models/strokes/predict"),
        ("POST", "/models/broken/predict"),
        ("PATCH", "/models/rooms"),
    ],
)
def test_answer_of_flask_has_them_once(client: FlaskClient, method: str, path: str) -> None:
    body = table(1) if method == "POST" else None

    headers = client.open(path, method=method, data=body, content_type="text/csv").headers

    for name, value in EXPECTED.items():
        assert headers.get_all(name) == [value]
    assert "Strict-Transport-Security" not in headers


def test_answer_of_the_fast_path_and_refusal_of_the_loop_have_them(app: Flask) -> None:
    path: FastPath = app.extensions[FAST_PATH]
    refusals: Refusals = app.extensions[REFUSALS]
    lines = [(b"content-type", b"image/png")]
    small = SmallRequest(b"/models/strokes/predict", lines, picture(), "192.0.2.7")

    (reply,) = path.answer([small]).replies
    refused = refusals.refuse(
        Overloaded(1), method="POST", target=small.target, headers=lines, remote="192.0.2.7"
    )

    assert isinstance(reply, Reply)
    for answer in (reply, refused):
        found = [each for each in answer.headers if each[0] in EXPECTED]
        assert found == [*EXPECTED.items()]


def test_page_for_browsers_has_a_policy_of_its_own(client: FlaskClient) -> None:
    headers = client.get("/", headers={"Accept": "text/html"}).headers

    (policy,) = headers.get_all("Content-Security-Policy")
    assert "style-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers.get_all("Cache-Control") == ["no-cache"]
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_client_that_asked_over_tls_is_told_to_come_back_so(client: FlaskClient) -> None:
    headers = client.get("/models", base_url="https://predict.example.org").headers

    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert dict(security_headers(is_secure=True)) == {
        **EXPECTED,
        "Strict-Transport-Security": "max-age=31536000",
    }
