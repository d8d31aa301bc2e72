"""Media types: what a body is read as, and what its answer is written as."""

import pytest
from flask import Request
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder

from service.errors import NotAcceptable, UnsupportedMediaType
from service.http.content import Kind, judge
from tests.bundles import picture_manifest, table_manifest
from tests.fakes import price, weigh
from vitrine.model import Model

PICTURES = Model(picture_manifest(), weigh)
TABLES = Model(table_manifest(), price)


def request(media_type: str, **headers: str) -> Request:
    """Return a request with a body of some media type."""
    return Request(
        EnvironBuilder(
            method="POST", content_type=media_type, headers=Headers(headers)
        ).get_environ()
    )


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [
        ("image/png", Kind.PICTURE),
        ("IMAGE/x-anything", Kind.PICTURE),
        ("application/octet-stream", Kind.PICTURE),
        ("multipart/form-data; boundary=b", Kind.PICTURES_IN_FORM),
        ("application/json", Kind.JSON),
        ("text/csv", None),
        ("", None),
    ],
)
def test_bodies_of_a_model_of_pictures(media_type: str, kind: Kind | None) -> None:
    assert judge(request(media_type), PICTURES).kind is kind


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [
        ("text/csv; charset=utf-8", Kind.CSV),
        ("multipart/form-data; boundary=b", Kind.CSV_IN_FORM),
        ("application/json", Kind.JSON),
        ("image/png", None),
        ("application/octet-stream", None),
    ],
)
def test_bodies_of_a_model_of_tables(media_type: str, kind: Kind | None) -> None:
    assert judge(request(media_type), TABLES).kind is kind


@pytest.mark.parametrize(
    ("media_type", "accept", "answers_csv"),
    [
        ("text/csv", "", True),
        ("text/csv", "*/*", True),
        ("text/csv", "application/json", False),
        ("multipart/form-data; boundary=b", "", True),
        ("application/json", "", False),
        ("application/json", "text/csv;q=0.5, application/json;q=0.4", True),
    ],
)
def test_answer_is_written_as_the_client_accepts(
    media_type: str, accept: str, *, answers_csv: bool
) -> None:
    headers = {"Accept": accept} if accept else {}

    assert judge(request(media_type, **headers), TABLES).answers_csv is answers_csv


def test_client_that_accepts_neither_is_refused() -> None:
    with pytest.raises(NotAcceptable):
        judge(request("text/csv", Accept="text/html"), TABLES)


@pytest.mark.parametrize("coding", ["", "identity"])
def test_body_without_compression_is_read(coding: str) -> None:
    content = judge(request("text/csv", **{"Content-Encoding": coding}), TABLES)

    assert content.readable_kind(TABLES, lambda: "http://host/predict") is Kind.CSV


@pytest.mark.parametrize(
    ("media_type", "coding", "received"),
    [
        ("text/csv", "gzip", "'text/csv; gzip'"),
        ("text/plain", "", "'text/plain'"),
        ("text/plain", "gzip", "'text/plain'"),
        ("", "", "'(none)'"),
    ],
)
def test_body_that_is_not_read_is_named_with_an_example(
    media_type: str, coding: str, received: str
) -> None:
    content = judge(request(media_type, **{"Content-Encoding": coding}), TABLES)

    with pytest.raises(UnsupportedMediaType) as caught:
        content.readable_kind(TABLES, lambda: "http://host/predict")

    assert received in caught.value.detail
    assert caught.value.detail.endswith("--data-binary @rows.csv http://host/predict")
