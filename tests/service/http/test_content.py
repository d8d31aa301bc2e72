"""Media types: what a body is read as, and what its answer is written as."""

from base64 import b64encode

import pytest

from service.errors import NotAcceptable, UnsupportedMediaType
from service.http.content import Format, Kind, MediaHeaders, judge
from tests.bundles import picture_manifest, table_manifest
from tests.fakes import picture, price, weigh
from vitrine.model import Model

PICTURES = Model(picture_manifest(), weigh)
TABLES = Model(table_manifest(), price)


PNG = picture()
URI = b"data:image/png;base64," + b64encode(PNG)


def request(media_type: str, *, coding: str = "", accept: str = "") -> MediaHeaders:
    """Return the headers of a request with a body of some media type."""
    return MediaHeaders(media_type, coding, accept)


def kind_of(model: Model, media_type: str, body: bytes = b"") -> Kind | None:
    """Return what a body is read as."""
    return judge(request(media_type), model, lambda: body).kind


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [
        ("image/png", Kind.PICTURE),
        ("IMAGE/x-anything", Kind.PICTURE),
        ("application/octet-stream", Kind.PICTURE),
        ("multipart/form-data; boundary=b", Kind.PICTURES_IN_FORM),
        ("application/json", Kind.JSON),
        ("application/vnd.api+json", Kind.JSON),
        ("text/csv", None),
        ("text/plain", None),
        ("", None),
    ],
)
def test_media_type_says_what_a_model_of_pictures_reads(media_type: str, kind: Kind | None) -> None:
    assert kind_of(PICTURES, media_type) is kind


FIRST_BYTES_OF_PICTURES: dict[str, tuple[str, bytes, Kind | None]] = {
    "picture that curl names": ("application/x-www-form-urlencoded", PNG, Kind.PICTURE),
    "picture without a type": ("", PNG, Kind.PICTURE),
    "picture called CSV": ("text/csv", PNG, Kind.PICTURE),
    "picture called JSON": ("application/json", PNG, Kind.PICTURE),
    "picture called something": ("application/x-anything", PNG, Kind.PICTURE),
    "picture that is not read": ("", b"\0\0\0\x18ftypheic", Kind.PICTURE),
    "data URI": ("text/plain", URI, Kind.PICTURE),
    "data URI that curl names": ("application/x-www-form-urlencoded", URI, Kind.PICTURE),
    "base64": ("text/plain", b64encode(PNG), Kind.PICTURE),
    "JSON that curl names": ("application/x-www-form-urlencoded", b'{"instances"', Kind.JSON),
    "JSON as bytes": ("application/octet-stream", b'{"instances"', Kind.JSON),
    "JSON called CSV": ("text/csv", b'{"instances"', None),
    "fields": ("application/x-www-form-urlencoded", b"image=data", Kind.PICTURES_IN_FIELDS),
    "field without a name": (
        "application/x-www-form-urlencoded",
        b"=data",
        Kind.PICTURES_IN_FIELDS,
    ),
    "table that curl names": ("application/x-www-form-urlencoded", b"size,colour\n", None),
    "text": ("text/plain", b"hello", None),
}


@pytest.mark.parametrize(
    ("media_type", "body", "kind"), FIRST_BYTES_OF_PICTURES.values(), ids=FIRST_BYTES_OF_PICTURES
)
def test_first_bytes_say_what_a_model_of_pictures_reads(
    media_type: str, body: bytes, kind: Kind | None
) -> None:
    assert kind_of(PICTURES, media_type, body) is kind


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [
        ("text/csv; charset=utf-8", Kind.CSV),
        ("application/csv", Kind.CSV),
        ("application/vnd.ms-excel", Kind.CSV),
        ("text/tab-separated-values", Kind.CSV),
        ("multipart/form-data; boundary=b", Kind.TABLE_IN_FORM),
        ("application/json", Kind.JSON),
        ("text/json", Kind.JSON),
        ("image/png", None),
        ("application/xml", None),
        ("application/octet-stream", None),
        ("", None),
    ],
)
def test_media_type_says_what_a_model_of_tables_reads(media_type: str, kind: Kind | None) -> None:
    assert kind_of(TABLES, media_type) is kind


@pytest.mark.parametrize(
    "media_type",
    ["", "text/plain", "application/octet-stream", "application/x-www-form-urlencoded"],
)
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"size,colour\n1,red\n", Kind.CSV),
        (b"size,colour\r1,red\r", Kind.CSV),
        (b'{"instances": []}', Kind.JSON),
        (b"size=1&colour=red", None),
        (b"size,colour1,red", None),
    ],
    ids=["lines", "lines of old", "JSON", "fields", "lines without their ends"],
)
def test_first_bytes_say_what_a_model_of_tables_reads(
    media_type: str, body: bytes, kind: Kind | None
) -> None:
    assert kind_of(TABLES, media_type, body) is kind


def test_compressed_body_is_not_looked_at() -> None:
    compressed = request("", coding="gzip")

    assert judge(compressed, TABLES, lambda: b"size,colour\n").kind is None


def test_picture_called_csv_is_no_csv() -> None:
    content = judge(request("text/csv"), PICTURES, lambda: PNG)

    assert not (content.is_csv or content.answers_table)


@pytest.mark.parametrize(
    ("media_type", "accept", "answers_csv"),
    [
        ("text/csv", "", True),
        ("text/csv", "*/*", True),
        ("text/csv", "application/json", False),
        ("multipart/form-data; boundary=b", "", True),
        ("application/json", "", False),
        ("application/json", "text/csv;q=0.5, application/json;q=0.4", True),
        ("application/json", "text/html,application/xhtml+xml,*/*;q=0.8", False),
        ("application/json", "text/html", False),
        ("application/json", "Text/Plain", False),
        ("application/json", "application/problem+json", False),
        ("application/json", "text/csv; charset=utf-8", True),
        ("application/json", "text/html, application/json;q=0", True),
        ("text/csv", "text/html", True),
        ("text/csv", "application/json; charset=utf-8", False),
    ],
)
def test_answer_is_written_as_the_client_accepts(
    media_type: str, accept: str, *, answers_csv: bool
) -> None:
    content = judge(request(media_type, accept=accept or ""), TABLES, bytes)

    assert content.answer is (Format.CSV if answers_csv else Format.JSON)


@pytest.mark.parametrize(
    "accept",
    ["image/png", "application/xml", "text/csv;q=0, application/json;q=0", "text/html, */*;q=0"],
)
def test_client_that_can_read_no_answer_is_refused(accept: str) -> None:
    with pytest.raises(NotAcceptable):
        judge(request("text/csv", accept=accept), TABLES, bytes)


@pytest.mark.parametrize("coding", ["", "identity"])
def test_body_without_compression_is_read(coding: str) -> None:
    content = judge(request("text/csv", coding=coding), TABLES, bytes)

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
    content = judge(request(media_type, coding=coding), TABLES, bytes)

    with pytest.raises(UnsupportedMediaType) as caught:
        content.readable_kind(TABLES, lambda: "http://host/predict")

    assert received in caught.value.detail
    assert caught.value.detail.endswith("--data-binary @rows.csv http://host/predict")
