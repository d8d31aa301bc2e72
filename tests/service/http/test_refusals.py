"""What the server refuses before any route is answered, counted and marked as every request is."""

import json
from http import HTTPStatus

import pytest
from prometheus_client import CollectorRegistry

from service.errors import Overloaded
from service.http.cors import Sharing
from service.http.dialects.native import Native
from service.http.languages import Languages
from service.http.predictor import Predictor
from service.http.refusals import Refusals
from service.http.reply import Reply
from service.rollout.repository import Repository
from service.settings import Settings
from service.telemetry.metrics import Metrics
from service.telemetry.shadow import Shadow
from service.telemetry.tracing import Tracing

STROKES = b"/models/strokes/predict?top=1"
PAGE = "https://page.example"


@pytest.fixture
def registry() -> CollectorRegistry:
    """Fresh metrics."""
    return CollectorRegistry()


@pytest.fixture
def refusals(registry: CollectorRegistry) -> Refusals:
    """Refusals that one page may read."""
    metrics = Metrics(registry)
    native = Native(Predictor(Settings(), Repository(), Shadow(metrics)))
    return Refusals(metrics, Sharing(PAGE), Tracing(), Languages(native))


def refuse(
    refusals: Refusals, *headers: tuple[bytes, bytes], method: str = "POST", target: bytes = STROKES
) -> Reply:
    """Refuse a request for want of time."""
    return refusals.refuse(
        Overloaded(2.5), method=method, target=target, headers=headers, remote="203.0.113.7"
    )


def test_refusal_has_the_body_and_the_headers_of_its_error(refusals: Refusals) -> None:
    reply = refuse(refusals)

    assert reply.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert json.loads(reply.body)["type"] == "/problems/overloaded"
    assert dict(reply.headers)["Retry-After"] == "3"
    assert dict(reply.headers)["Content-Length"] == str(len(reply.body))


def test_refusal_repeats_the_clients_id_and_names_the_page_that_may_read_it(
    refusals: Refusals,
) -> None:
    reply = refuse(refusals, (b"x-request-id", b"mine"), (b"origin", PAGE.encode()))

    assert json.loads(reply.body)["instance"] == dict(reply.headers)["X-Request-Id"] == "mine"
    assert dict(reply.headers)["Access-Control-Allow-Origin"] == PAGE


def test_refusal_of_a_head_request_has_no_body(refusals: Refusals) -> None:
    reply = refuse(refusals, method="HEAD", target=b"/models")

    assert reply.body == b""
    assert int(dict(reply.headers)["Content-Length"]) > 0


@pytest.mark.parametrize(
    ("target", "route"),
    [(STROKES, "/models/<name>/predict"), (b"/models", "unmatched")],
    ids=["predictions", "another route"],
)
def test_refusal_is_counted_under_its_route(
    refusals: Refusals, registry: CollectorRegistry, target: bytes, route: str
) -> None:
    refuse(refusals, target=target)

    labels = {"route": route, "method": "POST", "status": "503"}
    assert registry.get_sample_value("vitrine_requests_total", labels) == 1
    assert registry.get_sample_value("vitrine_rejected_total", {"reason": "overloaded"}) == 1
