"""The OpenAPI document: it follows what is served, and its examples work."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry

from service.http.openapi.document import DocumentBuilder
from service.http.operations import Operation, operations_of
from service.http.problems import ErrorBody, Problem
from service.rollout.repository import Repository
from service.settings import Settings
from tests.bundles import (
    anomaly_manifest,
    calibrated_repository,
    labels_manifest,
    picture_manifest,
    table_manifest,
)
from tests.fakes import client_of, price, weigh
from vitrine.errors import InvalidParameter
from vitrine.model import Model
from vitrine.signature import NumberInput


def described(client: FlaskClient) -> dict[str, Any]:
    """Return the document."""
    response = client.get("/openapi.json")
    assert (response.status_code, response.mimetype) == (200, "application/json")
    document: dict[str, Any] = response.get_json()
    return document


def document_of(*models: Model) -> dict[str, Any]:
    """Return the document of a service with these models."""
    repository = Repository({model.name: {model.version: model} for model in models})
    return described(client_of(repository, CollectorRegistry()))


def examples(document: dict[str, Any]) -> Iterator[tuple[str, str, str, Any]]:
    """Yield method, path, media type and body of each example."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for media_type, body in operation.get("requestBody", {}).get("content", {}).items():
                if "example" in body:
                    yield method, path, media_type, body["example"]


def send(client: FlaskClient, method: str, path: str, media_type: str, body: Any) -> int:
    """Send an example, and return the status of its answer."""
    is_form = media_type in {"multipart/form-data", "application/x-www-form-urlencoded"}
    payload = {"json": body} if isinstance(body, dict) and not is_form else {"data": body}
    sent = client.open(path, method=method.upper(), content_type=media_type, **payload)
    return sent.status_code


def test_document_has_every_operation(app: Flask, client: FlaskClient) -> None:
    document = described(client)

    found = {(method, path) for path, methods in document["paths"].items() for method in methods}
    for operation in operations_of(app):
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", operation.rule)
        assert (operation.method.lower(), path) in found
    assert document["openapi"] == "3.1.1"


def test_operation_ids_differ(client: FlaskClient) -> None:
    paths = described(client)["paths"]
    ids = [each["operationId"] for methods in paths.values() for each in methods.values()]

    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("is_calibrated", [False, True])
def test_every_example_of_a_model_is_answered(tmp_path: Path, *, is_calibrated: bool) -> None:
    plain = {
        "rooms": {1: Model(table_manifest(), price)},
        "strokes": {1: Model(picture_manifest(), weigh)},
    }
    repository = calibrated_repository(tmp_path) if is_calibrated else Repository(plain)
    client = client_of(repository, CollectorRegistry())
    sent = [
        (path, media_type, send(client, method, path.format(name="rooms"), media_type, body))
        for method, path, media_type, body in examples(described(client))
    ]

    assert {path for path, *_ in sent} >= {"/models/rooms/predict", "/models/strokes/predict"}
    assert {media_type for _, media_type, _ in sent} >= {
        *("application/json", "text/csv", "image/png"),
        *("multipart/form-data", "application/x-www-form-urlencoded"),
    }
    assert [each for each in sent if each[2] != 200] == []


def test_model_has_its_own_names_ranges_labels_and_units() -> None:
    document = document_of(Model(table_manifest(), price), Model(picture_manifest(), weigh))
    rooms = document["paths"]["/models/rooms/predict"]["post"]
    strokes = document["paths"]["/models/strokes/predict"]["post"]

    body = rooms["requestBody"]["content"]["application/json"]
    row = body["schema"]["properties"]["instances"]["items"]
    assert row["required"] == ["size", "colour"]
    size = row["properties"]["size"]
    assert (size["x-unit"], size["x-training-minimum"], size["x-training-maximum"]) == (
        "m2",
        -1e6,
        1e6,
    )
    assert row["properties"]["colour"]["x-training-categories"] == ["blue", "red"]
    assert body["example"] == {"instances": [{"size": 5, "colour": "blue"}]}
    answer = strokes["responses"]["200"]["content"]["application/json"]["schema"]
    record = answer["properties"]["predictions"]["items"]["anyOf"][0]
    assert record["properties"]["label"]["enum"] == ["left", "right", None]


@pytest.mark.parametrize(
    ("model", "present", "absent"),
    [
        (Model(table_manifest(), price), {"delimiter", "echo"}, {"top", "coverage"}),
        (Model(picture_manifest(), weigh), {"top"}, {"delimiter", "echo", "coverage"}),
        (Model(picture_manifest(calibrated=True), weigh), {"coverage", "abstain_below"}, set()),
        (Model(labels_manifest(), price), {"top"}, {"coverage", "abstain_below"}),
        (Model(anomaly_manifest(), price), {"explain"}, {"top", "coverage", "abstain_below"}),
    ],
    ids=["table", "pictures", "calibrated", "labels", "anomaly"],
)
def test_model_has_only_the_parameters_that_it_understands(
    model: Model, present: set[str], absent: set[str]
) -> None:
    operation = document_of(model)["paths"][f"/models/{model.name}/predict"]["post"]

    names = {each["name"] for each in operation["parameters"]}
    assert names >= present
    assert not names & absent


def test_largest_coverage_is_that_of_the_calibration() -> None:
    model = Model(table_manifest(calibrated=True), price)
    operation = document_of(model)["paths"]["/models/rooms/predict"]["post"]

    (coverage,) = [each for each in operation["parameters"] if each["name"] == "coverage"]
    assert coverage["schema"]["maximum"] == 0.8  # of 4 instances


def test_echo_is_for_arrow_and_parquet_too() -> None:
    operation = document_of(Model(table_manifest(), price))["paths"]["/models/rooms/predict"]

    (echo,) = (each for each in operation["post"]["parameters"] if each["name"] == "echo")
    assert "CSV, Arrow or Parquet" in echo["description"]


def test_flag_takes_true_and_false() -> None:
    manifest = table_manifest()
    flag = NumberInput(
        name="new",
        tensor="new",
        dtype="float32",
        shape=(1,),
        minimum=0.0,
        maximum=1.0,
        median=None,
        blanks=False,
    )
    signature = msgspec.structs.replace(manifest.signature, inputs=(flag,))
    document = document_of(Model(msgspec.structs.replace(manifest, signature=signature), price))

    content = document["paths"]["/models/rooms/predict"]["post"]["requestBody"]["content"]
    row = content["application/json"]["schema"]["properties"]["instances"]["items"]
    assert {"type": "boolean"} in row["properties"]["new"]["anyOf"]


def test_document_follows_what_is_served(client: FlaskClient) -> None:
    before = client.get("/openapi.json")
    client.post("/models/strokes/unload")
    after = client.get("/openapi.json", headers={"If-None-Match": before.headers["ETag"]})

    assert "/models/strokes/predict" in before.get_json()["paths"]
    assert after.status_code == 200
    assert "/models/strokes/predict" not in after.get_json()["paths"]
    assert "/models/rooms/predict" in after.get_json()["paths"]


def test_document_that_a_client_has_is_not_sent_again(client: FlaskClient) -> None:
    first = client.get("/openapi.json")
    again = client.get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.data) == (304, b"")
    assert first.headers["Cache-Control"] == "private, no-cache"


def test_server_is_the_path_under_which_clients_see_the_service(client: FlaskClient) -> None:
    behind = client.get("/openapi.json", base_url="http://example.org/ml")

    assert described(client)["servers"] == [{"url": "/"}]
    assert behind.get_json()["servers"] == [{"url": "/ml"}]


def test_variable_that_is_a_whole_path_is_described() -> None:
    operation = Operation(rule="/cups/<digest>/<path:file>", view=print, tag="t", summary="s")
    builder = DocumentBuilder(
        [operation],
        [],
        [],
        lambda _, problem: ErrorBody(problem.status, "text/plain", b"no"),
        open_rules=None,
    )

    ((path, methods),) = builder.build()["paths"].items()
    assert path == "/cups/{digest}/{file}"
    assert methods["get"]["operationId"] == "get_cups_digest_file"
    assert methods["get"]["parameters"] == [
        {"name": "digest", "in": "path", "required": True, "schema": {"type": "string"}},
        {
            "name": "file",
            "in": "path",
            "required": True,
            "description": "Path of a file, which may have slashes.",
            "schema": {"type": "string"},
        },
    ]


def test_errors_stand_by_their_status_in_the_language_of_the_path() -> None:
    def write(path: str, problem: Problem) -> ErrorBody:
        return ErrorBody(418 if problem.kind else problem.status, "application/json", b'{"e":1}')

    operation = Operation(
        rule="/tea/<name>", view=print, tag="t", summary="s", errors=[InvalidParameter]
    )
    builder = DocumentBuilder([operation], [], [], write, open_rules=None)

    responses = builder.build()["paths"]["/tea/{name}"]["get"]["responses"]
    assert list(responses) == ["200", "404", "418", "500"]
    assert "`invalid-parameter`: A query parameter" in responses["418"]["description"]
    assert responses["418"]["content"]["application/json"]["schema"] == {
        "type": "object",
        "required": ["e"],
        "properties": {"e": {"type": "integer"}},
    }


def test_own_errors_are_problems(client: FlaskClient) -> None:
    responses = described(client)["paths"]["/models/rooms/predict"]["post"]["responses"]

    assert {"400", "404", "406", "408", "413", "415", "422", "500", "503", "504"} < {*responses}
    for status, response in responses.items():
        if status != "200":
            assert [*response["content"]] == ["application/problem+json"]


def test_service_without_models_describes_its_routes() -> None:
    document = document_of()

    assert "/models/{name}/predict" in document["paths"]
    assert not any("rooms" in path for path in document["paths"])


def test_limits_are_those_of_the_settings() -> None:
    repository = Repository({"rooms": {1: Model(table_manifest(), price)}})
    client = client_of(repository, CollectorRegistry(), Settings(max_instances=7))

    content = described(client)["paths"]["/models/rooms/predict"]["post"]["requestBody"]["content"]
    instances = content["application/json"]["schema"]["properties"]["instances"]
    assert instances["maxItems"] == 7


def test_model_of_which_a_route_knows_nothing_has_no_path_there() -> None:
    models = [Model(table_manifest(), price), Model(picture_manifest(), weigh)]
    operation = Operation(
        rule="/tea/<name>",
        view=print,
        tag="t",
        summary="s",
        describe=lambda model: None if model is models[0] else {"description": str(model)},
    )
    builder = DocumentBuilder(
        [operation],
        ["rooms", "strokes", "gone"],
        models,
        lambda _, problem: ErrorBody(problem.status, "text/plain", b"no"),
        open_rules=None,
    )

    paths = builder.build()["paths"]
    assert list(paths) == ["/tea/{name}", "/tea/strokes"]
    (name,) = paths["/tea/{name}"]["get"]["parameters"]
    assert name["schema"]["enum"] == ["rooms", "strokes", "gone"]
