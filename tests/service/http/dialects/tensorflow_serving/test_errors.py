"""Status codes of errors in the language of TensorFlow Serving."""

import json

import pytest
from flask.testing import FlaskClient

from service.errors import (
    BodyTimeout,
    BodyTooLarge,
    DeadlineExceeded,
    KeyRequired,
    ManagementForbidden,
    NotAcceptable,
    OutOfMemory,
    Overloaded,
    RateExceeded,
    UnsupportedMediaType,
)
from service.http.languages import LANGUAGES, Languages
from service.http.problems import Problem
from vitrine.errors import (
    BlankPicture,
    InvalidParameter,
    MalformedBody,
    NoFiniteAnswer,
    PictureTooLarge,
    TooManyInstances,
    UnsupportedPicture,
    VitrineError,
)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (MalformedBody("It is no JSON."), 400),
        (InvalidParameter("a", "b", "is not known"), 400),
        (NotAcceptable("a", ["b"]), 400),
        (UnsupportedMediaType("a", expected=["b"], example="c"), 400),
        (UnsupportedPicture(["PNG"]), 400),
        (BlankPicture(), 400),
        (NoFiniteAnswer(), 400),
        (KeyRequired(is_wrong=False), 401),
        (ManagementForbidden(has_keys=True), 403),
        (BodyTimeout(1.0), 408),
        (BodyTooLarge(1), 413),
        (PictureTooLarge(2, 2, 1), 413),
        (TooManyInstances("instances", 1), 413),
        (RateExceeded(1.0, 1.0), 429),
        (Overloaded(1.0), 503),
        (OutOfMemory(), 503),
        (DeadlineExceeded(1.0), 504),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, VitrineError) else str(value),
)
def test_error_has_the_status_of_that_server(
    client: FlaskClient, error: VitrineError, status: int
) -> None:
    languages: Languages = client.application.extensions[LANGUAGES]
    problem = Problem(
        status=error.status,
        kind=error.slug(),
        title=error.title,
        detail=error.detail,
        request_id="a",
        root="",
        error=error,
        method="POST",
        path="/v1/models/a:predict",
    )

    said = languages.of("/v1/models/a:predict").error_body(problem)

    assert (said.status, said.content_type) == (status, "application/json")
    assert json.loads(said.body) == {"error": error.detail}


@pytest.mark.parametrize("path", ["/v1/models/broken:predict", "/V1/Models/broken:Predict"])
def test_failure_of_ours_is_told_without_its_cause(client: FlaskClient, path: str) -> None:
    response = client.post(path, data='{"instances": [{"size": 1, "colour": "red"}]}')

    assert (response.status_code, response.mimetype) == (500, "application/json")
    assert response.get_json() == {"error": "The service failed; its log says more under this id."}
