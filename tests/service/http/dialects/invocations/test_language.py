"""The language of MLflow, SageMaker and Vertex AI over HTTP, without a server."""

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry
from werkzeug.test import TestResponse

from service.http.health import DRAINING
from service.rollout.repository import Repository
from service.settings import Settings
from tests.bundles import calibrated_repository, write_half_plus_two_bundle
from tests.fakes import client_of, fake_repository, picture, table
from vitrine import __version__
from vitrine.loading import load_version

INVOCATIONS = "/invocations"
JSON = "application/json"
CSV = "text/csv"
ROW = {"size": 1, "colour": "red"}
RIGHT = b64encode(picture(left=False)).decode()


def asking(name: str, repository: Repository | None = None, **settings: Any) -> FlaskClient:
    """Return a client of a service in which a model answers where none is named."""
    of = Settings(default_model=name, **settings)
    return client_of(repository or fake_repository(), CollectorRegistry(), of)


@pytest.fixture
def rooms() -> FlaskClient:
    """A client that asks a table model."""
    return asking("rooms", max_instances=40, max_body_bytes=200_000)


@pytest.fixture
def strokes() -> FlaskClient:
    """A client that asks a picture model."""
    return asking("strokes")


def ask(client: FlaskClient, members: object, **headers: str) -> TestResponse:
    """Send JSON."""
    return client.post(INVOCATIONS, json=members, headers=headers)


@pytest.mark.parametrize(
    "members",
    [
        {"dataframe_records": [ROW]},
        {"dataframe_records": [{**ROW, "note": "ignored"}]},
        {"dataframe_split": {"columns": ["colour", "size"], "data": [["red", 1]]}},
        {"dataframe_split": {"columns": ["size", "colour"], "index": [7], "data": [[1, "red"]]}},
        {"dataframe_split": {"data": [[1, "red"]]}},
        {"instances": [ROW]},
        {"instances": [[1, "red"]]},
        {"inputs": {"size": [1], "colour": ["red"]}},
        {"inputs": ROW},
        {"inputs": [ROW]},
        {"instances": [ROW], "params": {}, "client_request_id": "7"},
        {"instances": [ROW], "parameters": None},
    ],
    ids=str,
)
def test_rows_are_answered_in_every_form(rooms: FlaskClient, members: object) -> None:
    response = ask(rooms, members)

    assert (response.status_code, response.mimetype) == (200, JSON)
    assert response.get_json() == {"predictions": [{"value": 13.0}]}


@pytest.mark.parametrize(
    "members",
    [
        {"instances": [1, 2]},
        {"instances": [[1], {"x": 2}]},
        {"inputs": [1, 2]},
        {"inputs": {"x": [1, 2]}},
    ],
    ids=str,
)
def test_values_of_the_only_column_may_stand_alone(tmp_path: Path, members: object) -> None:
    version = load_version(write_half_plus_two_bundle(tmp_path), threads=1)
    client = asking("half_plus_two", Repository({"half_plus_two": {1: version}}))

    assert ask(client, members).get_json() == {"predictions": [{"value": 2.5}, {"value": 3.0}]}


@pytest.mark.parametrize(
    "members",
    [
        {"instances": [{"b64": RIGHT}]},
        {"instances": [RIGHT]},
        {"instances": [{"image": RIGHT}]},
        {"instances": [{"image": {"b64": RIGHT}}]},
        {"inputs": [RIGHT]},
        {"inputs": {"image": [RIGHT]}},
        {"inputs": {"b64": RIGHT}},
        {"dataframe_records": [{"image": RIGHT}]},
        {"dataframe_split": {"columns": ["image"], "data": [[RIGHT]]}},
    ],
    ids=lambda members: str(members).replace(RIGHT, "picture"),
)
def test_pictures_are_answered_in_every_form(strokes: FlaskClient, members: object) -> None:
    (prediction,) = ask(strokes, members).get_json()["predictions"]

    assert prediction["label"] == "right"
    assert {*prediction["probabilities"]} == {"left", "right"}


@pytest.mark.parametrize("kind", ["image/png", "application/x-image", "application/octet-stream"])
def test_picture_may_be_the_body(strokes: FlaskClient, kind: str) -> None:
    response = strokes.post(INVOCATIONS, data=picture(), content_type=kind)

    assert response.get_json()["predictions"][0]["label"] == "left"


def test_nan_of_python_is_a_blank(rooms: FlaskClient) -> None:
    body = b'{"inputs": {"note": ["NaN \\"NaN", NaN], "size": [2, 3], "colour": ["red", NaN]}}'
    response = rooms.post(INVOCATIONS, data=body, content_type=JSON)

    assert response.get_json() == {"predictions": [{"value": 23.0}, {"value": 30.0}]}


@pytest.mark.parametrize(
    ("accept", "kind"), [("", JSON), ("*/*", JSON), (JSON, JSON), ("text/csv", CSV)]
)
def test_csv_is_answered_as_accept_says(rooms: FlaskClient, accept: str, kind: str) -> None:
    headers = {"Accept": accept} if accept else {}
    response = rooms.post(INVOCATIONS, data=table(2), content_type=CSV, headers=headers)

    assert response.mimetype == kind
    assert ("13.0," in response.text) is (kind == CSV)
    assert ('{"predictions":[{"value":3.0},{"value":13.0}]}' in response.text) is (kind == JSON)


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b"1,red\n2,\n", "13.0,\n20.0,\n"),
        (b"1;red\n", "13.0;\n"),
        (b"colour,size\nred,1\n", "prediction,warnings\n13.0,\n"),
    ],
    ids=["bare", "semicolons", "header"],
)
def test_csv_has_a_header_in_the_answer_where_the_body_has_one(
    rooms: FlaskClient, body: bytes, answer: str
) -> None:
    response = rooms.post(INVOCATIONS, data=body, content_type=CSV, headers={"Accept": CSV})

    assert response.text == answer


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "Failed to parse input as a Pandas DataFrame."),
        (b"PK\x03\x04", "Failed to parse input as a Pandas DataFrame."),
        (b"1,2,3\n", "must name the columns"),
        (b"one,red\n", "Line 1, column 'size': must be a number"),
        (b"1,red\ntwo,red\nthree,red\n", "Line 3, column 'size': must be a number"),
    ],
    ids=["empty", "zip", "width", "words", "rows"],
)
def test_csv_that_cannot_be_read_is_told_in_mlflows_way(
    rooms: FlaskClient, body: bytes, words: str
) -> None:
    response = rooms.post(INVOCATIONS, data=body, content_type=CSV)

    assert response.status_code == 400
    assert response.get_json()["error_code"] == "BAD_REQUEST"
    assert words in response.get_json()["message"]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("application/json; charset=latin-1", "The scoring server only supports UTF-8"),
        ("text/csv; header=present", "Unrecognized content type parameters: header."),
        (
            "application/xml",
            "This predictor only supports the following content types: Types: ['text/csv', "
            "'application/json']. Got 'application/xml'.",
        ),
        (
            "",
            "This predictor only supports the following content types: Types: ['text/csv', "
            "'application/json']. Got ''.",
        ),
    ],
    ids=["charset", "parameter", "type", "none"],
)
def test_other_content_types_are_refused_as_text(rooms: FlaskClient, kind: str, text: str) -> None:
    response = rooms.post(INVOCATIONS, data=b"1,red\n", content_type=kind)

    assert (response.status_code, response.mimetype) == (415, "text/plain")
    assert response.text == text


@pytest.mark.parametrize("kind", ["", "application/octet-stream", "image/png"])
def test_what_is_no_picture_is_refused_as_text(strokes: FlaskClient, kind: str) -> None:
    response = strokes.post(INVOCATIONS, data=b'{"instances": []}', content_type=kind)

    assert (response.status_code, response.mimetype) == (415, "text/plain")
    assert "application/json" in response.text


@pytest.mark.parametrize(
    "kind", ["application/json; charset=UTF-8", 'text/csv;charset="utf-8"', "application/json;"]
)
def test_utf8_may_be_named(rooms: FlaskClient, kind: str) -> None:
    body = b'{"instances": [[1, "red"]]}' if "json" in kind else b"1,red\n"

    assert rooms.post(INVOCATIONS, data=body, content_type=kind).status_code == 200


def test_compressed_body_is_refused(rooms: FlaskClient) -> None:
    headers = {"Content-Encoding": "gzip"}
    response = rooms.post(INVOCATIONS, data=b"x", content_type=JSON, headers=headers)

    assert response.status_code == 415
    assert "Content-Encoding: gzip" in response.text


def test_csv_is_nothing_for_pictures(strokes: FlaskClient) -> None:
    response = strokes.post(INVOCATIONS, data=b"1,2\n", content_type=CSV)

    assert "Types: ['application/json', 'image/*']" in response.text


def test_time_is_over_in_mlflows_words(rooms: FlaskClient) -> None:
    response = ask(rooms, {"instances": [ROW]}, **{"X-Request-Timeout": "1e-9"})

    assert (response.status_code, response.mimetype) == (504, JSON)
    assert response.text == "Request processing time exceeded limit"


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", INVOCATIONS, 405), ("POST", "/ping", 405)]
)
def test_other_method_is_refused_in_mlflows_way(
    rooms: FlaskClient, method: str, path: str, status: int
) -> None:
    response = rooms.open(path, method=method)

    assert response.status_code == status
    assert response.get_json()["error_code"] == "BAD_REQUEST"


def test_many_rows_are_all_answered_in_order() -> None:
    lines = asking("rooms").post(INVOCATIONS, data=table(20_000), content_type=CSV).get_json()

    values = [prediction["value"] for prediction in lines["predictions"]]
    assert values == [float(10 * (row % 1000) + 3) for row in range(20_000)]


def test_what_can_be_trusted_is_named(tmp_path: Path) -> None:
    repository = calibrated_repository(tmp_path)
    rooms, strokes = asking("rooms", repository), asking("strokes", repository)

    (value,) = ask(rooms, {"instances": [ROW], "params": {"coverage": 0.5}}).get_json()[
        "predictions"
    ]
    (label,) = strokes.post(
        f"{INVOCATIONS}?top=1", data=picture(), content_type="image/png"
    ).get_json()["predictions"]
    assert value["interval"].keys() == {"lower", "upper", "coverage"}
    assert value["interval"]["coverage"] == 0.5
    assert {"label", "probability", "probabilities", "set", "credibility"} <= label.keys()
    assert len(label["probabilities"]) == 1


def test_attributes_are_handed_through(rooms: FlaskClient) -> None:
    name = "X-Amzn-SageMaker-Custom-Attributes"
    response = ask(rooms, {"instances": [ROW]}, **{name: "trace=7"})

    assert response.headers[name] == "trace=7"
    assert name not in ask(rooms, {"instances": [ROW]}, **{name: "x" * 1025}).headers


def test_nothing_acceptable_is_refused(rooms: FlaskClient) -> None:
    response = ask(rooms, {"instances": [ROW]}, Accept="application/xml")

    assert response.status_code == 406
    assert response.get_json()["error_code"] == "BAD_REQUEST"


@pytest.mark.parametrize("path", ["/ping", "/health"])
def test_health_is_that_of_the_model_that_answers(rooms: FlaskClient, path: str) -> None:
    several = client_of(fake_repository(), CollectorRegistry())
    draining = asking("rooms")
    draining.application.extensions[DRAINING] = lambda: True
    none = client_of(Repository(), CollectorRegistry())

    said = [client.get(path) for client in (rooms, several, draining, none)]
    assert [(each.status_code, each.data, each.mimetype) for each in said] == [
        (status, b"\n", JSON) for status in (200, 404, 404, 404)
    ]
    responses = rooms.get("/openapi.json").get_json()["paths"][path]["get"]["responses"]
    assert [[*responses[status]["content"]] for status in ("200", "404")] == [[JSON], [JSON]]


def test_only_model_answers_where_none_is_named() -> None:
    client = client_of(
        Repository({"rooms": fake_repository().models["rooms"]}), CollectorRegistry()
    )

    assert ask(client, {"instances": [ROW]}).status_code == 200


def test_several_models_are_named_where_none_is_set() -> None:
    response = ask(client_of(fake_repository(), CollectorRegistry()), {"instances": [ROW]})

    assert response.status_code == 404
    assert response.get_json() == {
        "error_code": "RESOURCE_DOES_NOT_EXIST",
        "message": "This path names no model, and several are served. VITRINE_DEFAULT_MODEL must "
        "name one of: broken, fragile, rooms, strokes.",
    }


def test_model_that_is_not_there_is_named() -> None:
    response = ask(asking("room"), {"instances": [ROW]})

    assert response.status_code == 404
    assert "There is no model 'room'. Did you mean 'rooms'?" in response.get_json()["message"]


VERTEX = "/v1/endpoints/1/deployedModels/2"


def test_platform_chooses_further_paths() -> None:
    client = asking("rooms", predict_route=f"{VERTEX}:predict", health_route=VERTEX)

    response = client.post(
        f"{VERTEX}:predict", json={"instances": [ROW], "parameters": {"errors": "report"}}
    )
    assert response.get_json() == {"predictions": [{"value": 13.0}]}
    assert client.get(VERTEX).status_code == 200
    assert client.post(f"{VERTEX}:predict", json={}).get_json()["error_code"] == "BAD_REQUEST"


@pytest.mark.parametrize("path", ["/a.b/predict", "/invocations", "/predict"])
def test_platform_may_choose_any_path(path: str) -> None:
    client = asking("rooms", predict_route=path, health_route="/ping")

    assert client.post(path, json={"instances": [ROW]}).status_code == 200


def test_path_of_another_language_keeps_its_meaning() -> None:
    path = "/v1/models/strokes:predict"
    client = asking("rooms", predict_route=path, health_route="/v1/models/strokes")

    members = client.post(path, json={"instances": [{"b64": RIGHT}]}).get_json()
    assert len(members["predictions"]) == 1
    assert "model_version_status" in client.get("/v1/models/strokes").get_json()


def test_version_is_that_of_the_service(rooms: FlaskClient) -> None:
    assert rooms.get("/version").text == __version__


@pytest.mark.parametrize(("workers", "most"), [(1, 32), (4, 25), (200, 1)])
def test_batch_transform_is_told_how_to_cut_its_data(workers: int, most: int) -> None:
    response = asking("rooms", workers=workers).get("/execution-parameters")

    assert response.get_json() == {
        "MaxConcurrentTransforms": workers,
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": most,
    }
