"""Every error a client can cause, provoked over HTTP, in its own shape."""

from base64 import b64encode
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry
from werkzeug.test import TestResponse

from service import errors as service_errors
from service.admission.slots import ComputeSlot
from service.errors import (
    BodyTimeout,
    BodyTooLarge,
    BodyTooSlow,
    ChangedMeanwhile,
    DeadlineExceeded,
    InvalidDesiredState,
    InvalidInferenceRequest,
    KeyRequired,
    LabelNotFound,
    ManagementForbidden,
    ModelNotFound,
    ModelUnavailable,
    NoDefaultModel,
    NotAcceptable,
    NotAgreed,
    NothingBefore,
    NotKept,
    NotShared,
    OutOfMemory,
    Overloaded,
    RateExceeded,
    ReportFileNotFound,
    SourceFailed,
    UnreadableContentType,
    UnsupportedMediaType,
    VersionNotFound,
    VersionRefused,
)
from service.http.admission import ADMISSION, Admission
from service.keys import Key, KeyFile, hash_secret, write_keys
from service.rollout.repository import Repository
from tests.arrow_tables import arrow
from tests.fakes import (
    blank_picture,
    client_of,
    fake_repository,
    guard,
    levels,
    picture,
    table,
)
from vitrine import errors
from vitrine.errors import VitrineError

STROKES = "/models/strokes/predict"
ROOMS = "/models/rooms/predict"
Request = Callable[[FlaskClient], TestResponse]


def body(path: str, data: bytes, kind: str, **headers: str) -> Request:
    """Return a request with a body."""
    return lambda client: client.post(path, data=data, content_type=kind, headers=headers)


def patch(path: str, changes: Any) -> Request:
    """Return a change of what is served."""
    return lambda client: client.patch(path, json=changes)


def unloaded(client: FlaskClient) -> TestResponse:
    """Ask a model that was unloaded a moment ago."""
    client.post("/models/strokes/unload")
    return client.post(STROKES, data=picture(), content_type=PNG)


def form(path: str, *files: bytes) -> Request:
    """Return an upload of files."""
    return lambda client: client.post(
        path, data={f"f{place}": (BytesIO(file), "a") for place, file in enumerate(files)}
    )


def get(path: str) -> Request:
    """Return a request without a body."""
    return lambda client: client.get(path)


def with_key(*, is_sent: bool) -> Request:
    """Ask a service with keys a second time, with a key that may ask once, or without one."""

    def ask(_: FlaskClient) -> TestResponse:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "keys.json"
            write_keys(path, [Key(name="a", sha256=hash_secret("secret"), rate=0.1, burst=1)])
            client = guard(KeyFile(path), CollectorRegistry()).test_client()
        headers = {"Authorization": "Bearer secret"} if is_sent else {}
        client.get("/models", headers=headers)
        return client.get("/models", headers=headers)

    return ask


class _Silent(BytesIO):
    def read(self, _: int | None = -1, /) -> bytes:
        raise TimeoutError


class _Trickling(BytesIO):
    def read(self, _: int | None = -1, /) -> bytes:
        raise BodyTooSlow(500, 30.0)


def trickling(client: FlaskClient) -> TestResponse:
    """Announce a body that the server stops receiving."""
    announced = {"wsgi.input": _Trickling(), "CONTENT_LENGTH": "10"}
    return client.post(STROKES, content_type=PNG, environ_overrides=announced)


class _Hungry(BytesIO):
    def read(self, _: int | None = -1, /) -> bytes:
        raise MemoryError


def hungry(client: FlaskClient) -> TestResponse:
    """Send a body that finds no memory."""
    announced = {"wsgi.input": _Hungry(), "CONTENT_LENGTH": "10"}
    return client.post(STROKES, content_type=PNG, environ_overrides=announced)


def silent(client: FlaskClient) -> TestResponse:
    """Announce a body, and send none of it."""
    announced = {"wsgi.input": _Silent(), "CONTENT_LENGTH": "10"}
    return client.post(STROKES, content_type=PNG, environ_overrides=announced)


def overloaded(client: FlaskClient) -> TestResponse:
    """Ask for what takes seconds, while other requests will take a minute."""
    admission: Admission = client.application.extensions[ADMISSION]
    route = admission.languages.match(ROOMS.encode())
    assert route is not None
    model = admission.predictor.find(route)
    assert model is not None
    model.pass_seconds = 1.0
    other = ComputeSlot(admission.scheduler)
    other.estimate(1000.0)
    try:
        return client.post(ROOMS, json={"instances": [{"size": 1, "colour": "red"}]})
    finally:
        other.close()


PNG = "image/png"
CSV = "text/csv"
JSON = "application/json"
FORM = "multipart/form-data"
FIELDS = "application/x-www-form-urlencoded"
BIG = b"x" * 200_001
LARGE_BATCH = arrow({"size": [1.0] * 30_000, "colour": ["red"] * 30_000})
LONG_FORM = (
    b'--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n' + BIG + b"\r\n--b--"
)

PROVOKED: dict[str, tuple[type[VitrineError], Request]] = {
    "unknown model": (ModelNotFound, get("/models/strokse")),
    "unknown model to predict": (ModelNotFound, body("/models/x/predict", b"", PNG)),
    "unknown version": (VersionNotFound, get("/models/rooms/versions/3")),
    "unknown label": (LabelNotFound, get("/models/rooms/labels/stable")),
    "report that is not there": (ReportFileNotFound, get("/models/rooms/report/CARD.md")),
    "unloaded model": (ModelUnavailable, unloaded),
    "label of a version that is not there": (
        VersionNotFound,
        patch("/models/rooms", {"labels": {"stable": 9}}),
    ),
    "unknown model to change": (ModelNotFound, patch("/models/room", {})),
    "bad version to load": (VersionRefused, body("/models/rooms/load", b"", "")),
    "nothing to go back to": (
        NothingBefore,
        body("/models/strokes/rollback", b"", ""),
    ),
    "unknown member of a change": (
        InvalidDesiredState,
        patch("/models/rooms", {"lables": {}}),
    ),
    "member of another type": (
        InvalidDesiredState,
        patch("/models/rooms", {"shadow": "1"}),
    ),
    "canary without a label": (
        InvalidDesiredState,
        patch("/models/rooms", {"canary_share": 0.5}),
    ),
    "change that is no object": (errors.MalformedBody, patch("/models/rooms", [])),
    "no key": (KeyRequired, with_key(is_sent=False)),
    "key that asks too often": (RateExceeded, with_key(is_sent=True)),
    "management through a proxy": (
        ManagementForbidden,
        body("/models/rooms/load", b"", "", **{"X-Forwarded-For": "203.0.113.7"}),
    ),
    "workers that share nothing": (
        NotShared,
        lambda client: client.post("/models/rooms/load", multiprocess=True),
    ),
    "two operators at once": (ChangedMeanwhile, patch("/models/popular", {})),
    "stuck worker": (NotAgreed, patch("/models/broken", {})),
    "full disk": (NotKept, body("/models/strokes-full/load", b"", "")),
    "deeply nested change": (
        errors.MalformedBody,
        lambda client: client.patch("/models/rooms", data=b'{"shadow":' + b"[" * 30_000),
    ),
    "unreachable source": (SourceFailed, body("/models/fragile/load", b"", "")),
    "unknown parameter": (errors.InvalidParameter, body(f"{STROKES}?tpo=1", picture(), PNG)),
    "parameter out of range": (errors.InvalidParameter, body(f"{STROKES}?top=0", picture(), PNG)),
    "parameter no number": (errors.InvalidParameter, body(f"{STROKES}?top=²", picture(), PNG)),
    "parameter twice": (errors.InvalidParameter, body(f"{STROKES}?top=1&top=2", picture(), PNG)),
    "parameter of no choice": (errors.InvalidParameter, body(f"{ROOMS}?errors=no", b"", CSV)),
    "dialect of a picture": (errors.InvalidParameter, body(f"{STROKES}?decimal=.", picture(), PNG)),
    "echo of a picture": (errors.InvalidParameter, body(f"{STROKES}?echo=true", picture(), PNG)),
    "echo in JSON": (
        errors.InvalidParameter,
        body(f"{ROOMS}?echo=true", table(1), CSV, Accept=JSON),
    ),
    "impossible delimiter": (errors.InvalidParameter, body(f"{ROOMS}?delimiter=ab", table(1), CSV)),
    "empty picture": (errors.EmptyBody, body(STROKES, b"", PNG)),
    "empty CSV": (errors.EmptyBody, body(ROOMS, b"", CSV)),
    "empty JSON": (errors.EmptyBody, body(ROOMS, b"", JSON)),
    "form without anything": (
        errors.EmptyBody,
        lambda client: client.post(STROKES, data={"a": ""}, content_type=FORM),
    ),
    "form without a picture": (
        errors.InvalidInstances,
        lambda client: client.post(STROKES, data={"a": "text"}, content_type=FORM),
    ),
    "form without a table": (
        errors.EmptyBody,
        lambda client: client.post(ROOMS, data={"a": "text"}, content_type=FORM),
    ),
    "form with JSON": (
        errors.InvalidInstances,
        lambda client: client.post(ROOMS, data={"a": '{"instances": []}'}, content_type=FORM),
    ),
    "broken JSON": (errors.MalformedBody, body(ROOMS, b'{"instances": [', JSON)),
    "JSON of another encoding": (errors.MalformedBody, body(ROOMS, b'{"\xff": 1}', JSON)),
    "number of many digits": (
        errors.MalformedBody,
        body(STROKES, b'{"instances": [[[1' + b"0" * 400 + b"]]]}", JSON),
    ),
    "form without a boundary": (errors.MalformedBody, body(STROKES, b"x", FORM)),
    "form with another boundary": (
        errors.MalformedBody,
        body(STROKES, b"--a\r\n\r\n", f"{FORM}; boundary=b"),
    ),
    "truncated picture": (errors.MalformedPicture, body(STROKES, picture()[:50], PNG)),
    "no picture": (errors.UnsupportedPicture, body(STROKES, b"%PDF-1.7", PNG)),
    "CSV as a file of pictures": (errors.UnsupportedPicture, form(STROKES, table(1))),
    "what curl -d makes of a table": (
        UnsupportedMediaType,
        body(ROOMS, table(1).replace(b"\n", b""), FIELDS),
    ),
    "fields for tables": (UnsupportedMediaType, body(ROOMS, b"size=1&colour=red", FIELDS)),
    "what curl -d makes of a picture": (
        errors.UnsupportedPicture,
        body(STROKES, picture().translate(None, b"\0\r\n"), FIELDS),
    ),
    "picture that is not read, without a type": (
        errors.UnsupportedPicture,
        body(STROKES, b"\0\0\0\x18ftypheic", ""),
    ),
    "fields without a picture": (errors.InvalidInstances, body(STROKES, b"image=hello", FIELDS)),
    "empty field": (errors.EmptyBody, body(STROKES, b"image=", FIELDS)),
    "many fields": (errors.TooManyInstances, body(STROKES, b"&".join([b"a=data:,"] * 4), FIELDS)),
    "large fields": (BodyTooLarge, body(STROKES, b"image=" + BIG, FIELDS)),
    "data URI of too many pixels": (
        errors.PictureTooLarge,
        body(STROKES, b"data:;base64," + b64encode(picture(scale=4)), "text/plain"),
    ),
    "data URI that is broken": (errors.InvalidInstances, body(STROKES, b"data:;base64,?", FIELDS)),
    "no media type": (
        UnsupportedMediaType,
        lambda client: client.post(STROKES, data=b"x"),
    ),
    "CSV for pictures": (UnsupportedMediaType, body(STROKES, table(1), CSV)),
    "picture for tables": (UnsupportedMediaType, body(ROOMS, picture(), PNG)),
    "compressed body": (
        UnsupportedMediaType,
        body(ROOMS, table(1), CSV, **{"Content-Encoding": "gzip"}),
    ),
    "nothing acceptable": (
        NotAcceptable,
        body(ROOMS, table(1), CSV, Accept="application/xml"),
    ),
    "large picture": (BodyTooLarge, body(STROKES, BIG, PNG)),
    "large JSON": (BodyTooLarge, body(ROOMS, BIG, JSON)),
    "large form": (BodyTooLarge, body(STROKES, LONG_FORM, f"{FORM}; boundary=b")),
    "large CSV": (BodyTooLarge, body(ROOMS, b"x" * 2_000_001, CSV)),
    "long row": (errors.RowTooLarge, body(ROOMS, b"size,colour\n" + b"1" * 3000, CSV)),
    "large record batch": (
        errors.DataTooLarge,
        body(ROOMS, LARGE_BATCH, "application/vnd.apache.arrow.stream"),
    ),
    "many pixels": (errors.PictureTooLarge, body(STROKES, picture(scale=4), PNG)),
    "many levels": (
        errors.PictureTooLarge,
        lambda client: client.post(STROKES, json={"instances": [levels(101, 100)]}),
    ),
    "many files": (errors.TooManyInstances, form(STROKES, *[picture()] * 4)),
    "two CSV files": (errors.TooManyInstances, form(ROOMS, table(1), table(1))),
    "many instances": (
        errors.TooManyInstances,
        lambda client: client.post(ROOMS, json={"instances": [{}] * 41}),
    ),
    "silence": (BodyTimeout, silent),
    "trickle": (BodyTooSlow, trickling),
    "no memory": (OutOfMemory, hungry),
    "too much to compute": (Overloaded, overloaded),
    "too little time": (
        DeadlineExceeded,
        body(STROKES, picture(), PNG, **{"X-Request-Timeout": "1e-9"}),
    ),
    "time that is no number": (
        errors.InvalidParameter,
        body(STROKES, picture(), PNG, **{"X-Request-Timeout": "soon"}),
    ),
    "time that is not above 0": (
        errors.InvalidParameter,
        body(STROKES, picture(), PNG, **{"X-Request-Timeout": "nan"}),
    ),
    "no ink": (errors.BlankPicture, body(STROKES, blank_picture(), PNG)),
    "answer that is not finite": (
        errors.NoFiniteAnswer,
        body(ROOMS, b'{"instances": [{"size": 1e38, "colour": null}]}', JSON),
    ),
    "missing column": (errors.InvalidInstances, body(ROOMS, b"size,color\n1,red\n", CSV)),
    "JSON without instances": (errors.InvalidInstances, body(ROOMS, b"{}", JSON)),
    "JSON with other instances": (errors.InvalidInstances, body(ROOMS, b'{"instances":1}', JSON)),
    "JSON with another key": (errors.InvalidInstances, body(ROOMS, b'{"instance":[]}', JSON)),
    "JSON list": (errors.InvalidInstances, body(ROOMS, b"[]", JSON)),
}


# What cannot happen in our own language; the tests of each language look at what it says.
PROVOKED_IN_OTHER_LANGUAGES: dict[str, tuple[type[VitrineError], Request]] = {
    "several models": (NoDefaultModel, body("/invocations", b"{}", JSON)),
    "content type that MLflow does not know": (
        UnreadableContentType,
        lambda _: alone("rooms").post("/invocations", data=b"<a/>", content_type="text/xml"),
    ),
    "tensors that are missing": (
        InvalidInferenceRequest,
        body("/v2/models/rooms/infer", b"{}", JSON),
    ),
}


def alone(name: str) -> FlaskClient:
    """Return a client of a service with a single model."""
    repository = Repository({name: fake_repository().models[name]})
    return client_of(repository, CollectorRegistry())


@pytest.mark.parametrize(
    ("expected", "request_it"),
    PROVOKED_IN_OTHER_LANGUAGES.values(),
    ids=PROVOKED_IN_OTHER_LANGUAGES,
)
def test_error_has_its_status_in_other_languages(
    client: FlaskClient, expected: type[VitrineError], request_it: Request
) -> None:
    assert request_it(client).status_code == expected.status


@pytest.mark.parametrize(("expected", "request_it"), PROVOKED.values(), ids=PROVOKED)
def test_error_is_a_problem_of_its_kind(
    client: FlaskClient, expected: type[VitrineError], request_it: Request
) -> None:
    response = request_it(client)

    members = response.get_json(force=True)
    assert response.mimetype == "application/problem+json"
    assert (response.status_code, members["type"]) == (
        expected.status,
        f"/problems/{expected.slug()}",
    ), members
    assert members["status"] == expected.status
    assert members["title"] == expected.title
    assert members["detail"]
    assert members["instance"] == response.headers["X-Request-Id"]


def test_every_error_is_provoked() -> None:
    known = {
        kind
        for kind in (vars(errors) | vars(service_errors)).values()
        if isinstance(kind, type) and issubclass(kind, VitrineError) and kind is not VitrineError
    }

    provoked = {**PROVOKED, **PROVOKED_IN_OTHER_LANGUAGES}
    assert {kind for kind, _ in provoked.values()} == known


@pytest.mark.parametrize(
    ("path", "kind", "words"),
    [
        (STROKES, "application/x-www-form-urlencoded", "--data-binary @picture.png"),
        (ROOMS, "application/x-www-form-urlencoded", "--data-binary @rows.csv"),
        (ROOMS, "", "'(none)'"),
        (ROOMS, PNG, "'image/png'"),
    ],
)
def test_wrong_media_type_gets_the_right_line(
    client: FlaskClient, path: str, kind: str, words: str
) -> None:
    response = client.post(path, data=b"x", content_type=kind)

    detail = response.get_json(force=True)["detail"]
    assert words in detail
    assert f"http://localhost{path}" in detail


def test_unknown_parameter_names_the_nearest(client: FlaskClient) -> None:
    response = client.post(f"{STROKES}?erors=fail", data=picture(), content_type=PNG)

    assert "Did you mean 'errors'?" in response.get_json(force=True)["detail"]


def test_parameter_like_no_other_names_none(client: FlaskClient) -> None:
    response = client.post(f"{STROKES}?zzz=1", data=picture(), content_type=PNG)

    assert "mean" not in response.get_json(force=True)["detail"]


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("POST", "/", 405, {"GET", "HEAD", "OPTIONS"}),
        ("GET", "/favicon.ico", 404, None),
        ("GET", "/models/rooms/no", 404, None),
        ("GET", "/models/a/b/c", 404, None),
        ("GET", "/models/rooms/versions/0", 404, None),
        ("GET", f"/models/rooms/versions/{'9' * 5000}", 404, None),
        ("POST", "/models", 405, {"GET", "HEAD", "OPTIONS"}),
        ("GET", ROOMS, 405, {"POST", "OPTIONS"}),
        ("BREW", "/livez", 405, {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_unknown_path_or_method_is_a_problem(
    client: FlaskClient, method: str, path: str, status: int, allow: set[str] | None
) -> None:
    response = client.open(path, method=method)

    members = response.get_json(force=True)
    assert response.mimetype == "application/problem+json"
    assert (response.status_code, members["status"], members["type"]) == (
        status,
        status,
        "about:blank",
    )
    assert (set(response.allow) or None) == allow


def test_options_names_the_methods(client: FlaskClient) -> None:
    response = client.options(ROOMS)

    assert (response.status_code, response.data) == (200, b"")
    assert set(response.allow) == {"POST", "OPTIONS"}


def test_head_has_the_headers_alone(client: FlaskClient) -> None:
    response = client.head("/models/nobody")

    assert (response.status_code, response.data) == (404, b"")
    assert response.mimetype == "application/problem+json"


def test_mistake_of_ours_is_logged_and_not_told(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    response = client.post(
        "/models/broken/predict",
        json={"instances": [{"size": 1, "colour": "red"}]},
        headers={"X-Request-Id": "mine"},
    )

    members = response.get_json(force=True)
    assert (response.status_code, members["type"]) == (500, "about:blank")
    assert "secret" not in response.text
    assert members["instance"] == "mine"
    record = next(record for record in caplog.records if record.exc_info)
    assert record.__dict__["fields"] == {"request_id": "mine"}
    assert "a secret" in caplog.text
