"""The route of predictions over fake models: pictures, JSON, options, negotiation."""

import re
from base64 import b64encode
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from PIL import Image
from prometheus_client import CollectorRegistry
from werkzeug.datastructures import Headers
from werkzeug.sansio.multipart import (
    Data,
    Epilogue,
    Field,
    File,
    MultipartEncoder,
    Preamble,
)
from werkzeug.test import TestResponse

from service.rollout.repository import Repository
from service.settings import Settings
from tests.bundles import calibrated_repository
from tests.fakes import blank_picture, client_of, levels, picture

STROKES = "/models/strokes/predict"
ROOMS = "/models/rooms/predict"


def post_files(client: FlaskClient, path: str, *files: bytes, name: str = "a.png") -> TestResponse:
    """Upload files as a form does, each in a field of its own."""
    fields = {f"field{place}": (BytesIO(file), name) for place, file in enumerate(files)}
    return client.post(path, data=fields, content_type="multipart/form-data")


def post_json(client: FlaskClient, path: str, instances: object) -> TestResponse:
    """Send instances as JSON."""
    return client.post(path, json={"instances": instances})


def answer(response: TestResponse) -> dict[str, Any]:
    """Return the JSON of a 200."""
    assert response.status_code == 200, response.text
    members: dict[str, Any] = response.get_json()
    return members


def problem(response: TestResponse, status: int, kind: str) -> dict[str, Any]:
    """Return the JSON of a problem."""
    members: dict[str, Any] = response.get_json(force=True)
    assert (response.status_code, members["type"]) == (status, f"/problems/{kind}"), members
    return members


def test_picture_is_answered_with_label_and_probabilities(client: FlaskClient) -> None:
    response = client.post(STROKES, data=picture(), content_type="image/png")

    members = answer(response)
    assert list(members) == ["model", "version", "predictions"]
    assert (members["model"], members["version"]) == ("strokes", 1)
    (prediction,) = members["predictions"]
    assert list(prediction) == ["label", "probability", "probabilities"]
    assert prediction["label"] == "left"
    assert list(prediction["probabilities"]) == ["left", "right"]
    assert prediction["probabilities"]["left"] == prediction["probability"] > 0.5


@pytest.mark.parametrize(
    "kind",
    [
        *("image/png", "image/x-anything", "application/octet-stream", "text/csv", ""),
        *("application/json", "application/x-www-form-urlencoded"),
    ],
)
def test_picture_format_is_read_from_its_first_bytes(client: FlaskClient, kind: str) -> None:
    response = client.post(STROKES, data=picture(kind="BMP"), content_type=kind)

    assert answer(response)["predictions"][0]["label"] == "left"


def test_answer_names_model_version_and_request(client: FlaskClient) -> None:
    response = client.post(STROKES, data=picture(), content_type="image/png")

    assert response.headers["X-Model-Name"] == "strokes"
    assert response.headers["X-Model-Version"] == "1"
    assert response.headers["X-Request-Id"]


def test_files_of_a_form_are_answered_in_order(client: FlaskClient) -> None:
    response = post_files(client, STROKES, picture(), picture(left=False), picture())

    labels = [prediction["label"] for prediction in answer(response)["predictions"]]
    assert labels == ["left", "right", "left"]


def test_files_of_one_field_are_all_answered(client: FlaskClient) -> None:
    files = [(BytesIO(picture()), "a.png"), (BytesIO(picture(left=False)), "b.png")]

    response = client.post(STROKES, data={"file": files})

    assert len(answer(response)["predictions"]) == 2


def post_form(client: FlaskClient, parts: Sequence[tuple[str, str | None, bytes]]) -> TestResponse:
    """Send parts in their order: of each its name, the name of its file, and its data."""
    encoder = MultipartEncoder(b"b")
    pieces = [encoder.send_event(Preamble(data=b""))]
    for name, file, data in parts:
        head = Field(name, Headers()) if file is None else File(name, file, Headers())
        pieces += [encoder.send_event(head), encoder.send_event(Data(data, more_data=False))]
    pieces.append(encoder.send_event(Epilogue(data=b"")))
    return client.post(
        STROKES, data=b"".join(pieces), content_type="multipart/form-data; boundary=b"
    )


LEFT, RIGHT = (b64encode(picture(left=left)) for left in (True, False))


@pytest.mark.parametrize(
    "text", [LEFT, b"data:image/png;base64," + LEFT], ids=["base64", "data URI"]
)
def test_picture_as_text_in_a_form_is_answered(client: FlaskClient, text: bytes) -> None:
    assert answer(post_form(client, [("image", None, text)]))["predictions"][0]["label"] == "left"


def test_pictures_of_a_form_are_answered_in_the_order_of_their_fields(client: FlaskClient) -> None:
    parts = [
        ("a", None, LEFT),
        ("b", "b.png", picture(left=False)),
        ("a", "a.txt", b"data:image/png;base64," + LEFT),
    ]

    predictions = answer(post_form(client, parts))["predictions"]

    assert [prediction["label"] for prediction in predictions] == ["left", "right", "left"]


def test_fields_beside_a_picture_are_ignored(client: FlaskClient) -> None:
    parts = [
        ("note", None, b'{"of": "no picture"}'),
        ("picture", "a.png", picture()),
        ("not chosen", "", b""),
    ]

    assert len(answer(post_form(client, parts))["predictions"]) == 1


def test_broken_picture_as_text_in_a_form_is_named_by_place(client: FlaskClient) -> None:
    response = post_form(client, [("a", "a.png", picture()), ("b", None, b"data:;base64,?")])

    members = problem(response, 422, "invalid-instances")
    assert [fault["pointer"] for fault in members["errors"]] == ["#/instances/1"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"hello", "Field 'image' holds a text that is no picture. Send the picture's file"),
        (b'{"instances": []}', "Field 'image' holds JSON. Send it as the body itself"),
    ],
    ids=["text", "JSON"],
)
def test_form_without_a_picture_names_its_field(
    client: FlaskClient, text: bytes, words: str
) -> None:
    members = problem(post_form(client, [("image", None, text)]), 422, "invalid-instances")

    assert words in members["detail"]


@pytest.mark.parametrize("escaped", [True, False], ids=["escaped", "as it is"])
def test_fields_of_a_page_are_answered(client: FlaskClient, *, escaped: bool) -> None:
    texts = [f"data:image/png;base64,{text.decode()}" for text in (LEFT, RIGHT)]
    body = "&".join(f"image={quote(text) if escaped else text}" for text in texts)

    response = client.post(
        STROKES, data=f"note=of+none&{body}", content_type="application/x-www-form-urlencoded"
    )

    labels = [prediction["label"] for prediction in answer(response)["predictions"]]
    assert labels == ["left", "right"]


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_json_is_read_from_its_first_bytes(client: FlaskClient, kind: str) -> None:
    response = client.post(STROKES, json={"instances": [levels()]}, content_type=kind)

    assert len(answer(response)["predictions"]) == 1


@pytest.mark.parametrize(
    "instance",
    [
        levels(),
        [[[level] for level in row] for row in levels()],
        [[[level] * 3 for level in row] for row in levels(40, 30)],
        [[level / 2 for level in row] for row in levels(9, 50)],
    ],
    ids=["28x28", "28x28x1", "40x30x3", "9x50 with fractions"],
)
def test_nested_lists_are_a_picture(client: FlaskClient, instance: object) -> None:
    response = post_json(client, STROKES, [instance])

    assert len(answer(response)["predictions"]) == 1


@pytest.mark.parametrize(
    "instance",
    [
        "text",
        [],
        [[]],
        [1, 2],
        [[1, 2], [3]],
        [[["1"]]],
        [["1"]],
        [[None]],
        [[True]],
        [[[1, 2]]],
        [[[[1]]]],
        {"image": [[1]]},
    ],
    ids=str,
)
def test_what_is_no_picture_is_named(client: FlaskClient, instance: object) -> None:
    members = problem(post_json(client, STROKES, [instance]), 422, "invalid-instances")

    assert members["errors"][0]["pointer"] == "#/instances/0"
    assert re.search("height x width|0 and 255|base64", members["detail"])


@pytest.mark.parametrize(
    ("level", "words"),
    [
        (0.5, "look divided by 255: multiply by 255"),
        (1, "look divided by 255: multiply by 255"),
        (True, "true and false: multiply by 255"),
        (256, "within 0 and 255"),
        (-1, "scaled to -1 to 1"),
    ],
)
def test_levels_beyond_their_range_are_refused(
    client: FlaskClient, level: float, words: str
) -> None:
    members = problem(post_json(client, STROKES, [[[0, 0], [0, level]]]), 422, "invalid-instances")

    assert words in members["detail"]


@pytest.mark.parametrize("form", ["text", "b64", "data URI", "data URI in b64"])
def test_pictures_as_text_are_answered_in_order(client: FlaskClient, form: str) -> None:
    texts = [b64encode(picture(left=left)).decode() for left in (True, False, True)]
    if form.startswith("data URI"):
        texts = [f"data:image/png;base64,{text}" for text in texts]
    instances = [{"b64": text} for text in texts] if form.endswith("b64") else texts

    predictions = answer(post_json(client, STROKES, instances))["predictions"]

    assert [prediction["label"] for prediction in predictions] == ["left", "right", "left"]


def test_fault_of_a_picture_as_text_is_named_by_place(client: FlaskClient) -> None:
    good = b64encode(picture()).decode()
    instances = [good, {"b64": "no!"}, b64encode(picture(scale=4)).decode(), good[:60], levels()]

    members = problem(post_json(client, STROKES, instances), 422, "invalid-instances")

    assert [(fault["pointer"], fault["detail"].split()[-1]) for fault in members["errors"]] == [
        ("#/instances/1", "base64."),
        ("#/instances/2", "112."),
        ("#/instances/3", "corrupt."),
    ]


def test_picture_without_its_outer_list_is_one_fault(client: FlaskClient) -> None:
    members = problem(post_json(client, STROKES, levels()), 422, "invalid-instances")

    assert [fault["pointer"] for fault in members["errors"]] == ["#/instances"]
    assert '{"instances": [[[0, 255, ...], ...]]}' in members["detail"]


def test_pictures_written_in_a_row_are_faults_of_their_own(client: FlaskClient) -> None:
    flat = [level for row in levels() for level in row]

    members = problem(post_json(client, STROKES, [flat, levels(), flat]), 422, "invalid-instances")

    assert [fault["pointer"] for fault in members["errors"]] == ["#/instances/0", "#/instances/2"]
    assert "reshape(28, 28)" in members["detail"]


def test_rows_as_objects_are_answered_with_values(client: FlaskClient) -> None:
    response = post_json(
        client, ROOMS, [{"size": 1.5, "colour": "red"}, {"colour": None, "size": 2}]
    )

    assert answer(response) == {
        "model": "rooms",
        "version": 2,
        "unit": "USD",
        "predictions": [{"value": 18.0}, {"value": 20.0}],
    }


def test_texts_of_a_row_are_read_as_cells(client: FlaskClient) -> None:
    rows = [{"size": size, "colour": "red"} for size in ("1.5 m2", "1.5 m²", "(1.5)", "1.5")]

    predictions = answer(post_json(client, ROOMS, rows))["predictions"]

    assert [prediction["value"] for prediction in predictions] == [18.0, 18.0, -12.0, 18.0]


def test_another_unit_is_a_fault(client: FlaskClient) -> None:
    response = post_json(client, ROOMS, [{"size": "1.5 km", "colour": "red"}])

    assert response.status_code == 422
    assert (response.json or {})["detail"] == (
        "Instance 0, column 'size': must be a number with decimal '.', alone or with 'm2'. "
        "Received: '1.5 km'."
    )


def test_doubts_are_warnings_of_the_row(client: FlaskClient) -> None:
    response = post_json(
        client, ROOMS, [{"size": 1, "colour": "red"}, {"size": 1, "colour": "pink"}]
    )

    first, second = answer(response)["predictions"]
    assert "warnings" not in first
    assert [text.split()[0] for text in second["warnings"]] == ["colour"]


def test_columns_that_are_no_input_are_named_once(client: FlaskClient) -> None:
    response = post_json(client, ROOMS, [{"size": 1, "colour": "red", "note": "x"}] * 2)

    assert answer(response)["ignored_columns"] == ["note"]


def test_no_instances_are_answered_with_no_predictions(client: FlaskClient) -> None:
    assert answer(post_json(client, ROOMS, []))["predictions"] == []
    assert answer(post_json(client, STROKES, []))["predictions"] == []


def test_version_in_the_path_is_the_one_that_answers(client: FlaskClient) -> None:
    row = [{"size": 1, "colour": "red"}]

    response = post_json(client, "/models/rooms/versions/1/predict", row)

    assert answer(response)["version"] == 1
    assert response.headers["X-Model-Version"] == "1"


@pytest.mark.parametrize(
    ("top", "count"), [("1", 1), ("2", 2), ("3", 2), ("all", 2), ("999999", 2)]
)
def test_top_limits_the_probabilities(client: FlaskClient, top: str, count: int) -> None:
    response = client.post(f"{STROKES}?top={top}", data=picture(), content_type="image/png")

    assert len(answer(response)["predictions"][0]["probabilities"]) == count


def test_csv_can_be_asked_for_pictures(client: FlaskClient) -> None:
    response = client.post(
        STROKES, data=picture(), content_type="image/png", headers={"Accept": "text/csv"}
    )

    assert response.mimetype == "text/csv"
    assert response.text.splitlines()[0] == "label,probability,warnings"
    assert response.text.splitlines()[1].startswith("left,0.")


@pytest.mark.parametrize(
    "accept", ["*/*", "application/*", "text/html, */*;q=0.1", "application/json, text/csv;q=0.9"]
)
def test_json_is_the_usual_answer(client: FlaskClient, accept: str) -> None:
    response = client.post(
        STROKES, data=picture(), content_type="image/png", headers={"Accept": accept}
    )

    assert response.mimetype == "application/json"


def test_faults_of_all_pictures_are_told_at_once(client: FlaskClient) -> None:
    bad = [[[0.5]], levels(), [[300]]] + [levels()] * 20 + [[[0, 0], [0, 0]]]

    members = problem(post_json(client, STROKES, bad), 422, "invalid-instances")

    assert [fault["pointer"] for fault in members["errors"]] == [
        "#/instances/0",
        "#/instances/2",
        "#/instances/23",
    ]


def test_blank_picture_keeps_its_place_across_blocks(client: FlaskClient) -> None:
    pictures = [levels()] * 16 + [[[7, 7], [7, 7]]]

    members = problem(post_json(client, STROKES, pictures), 422, "invalid-instances")

    assert [fault["pointer"] for fault in members["errors"]] == ["#/instances/16"]


def blank_first(form: str) -> bytes:
    """Make an animation, or a file of two pages, whose first frame is blank."""
    blank, drawn = (Image.open(BytesIO(body)) for body in (blank_picture(), picture()))
    stream = BytesIO()
    blank.save(stream, form, save_all=True, append_images=[drawn], lossless=True)
    return stream.getvalue()


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF"])
def test_blank_first_frame_is_told_from_a_blank_picture(client: FlaskClient, form: str) -> None:
    problem_of_animation = problem(
        client.post(STROKES, data=blank_first(form), content_type="image/*"), 422, "blank-picture"
    )

    assert "Only the first of the file's 2 frames was looked at" in problem_of_animation["detail"]
    only = client.post(STROKES, data=blank_picture(), content_type="image/*")
    assert "frame" not in problem(only, 422, "blank-picture")["detail"]


def test_blank_first_frame_among_pictures_is_told(client: FlaskClient) -> None:
    response = post_files(client, f"{STROKES}?errors=report", b"no", picture(), blank_first("GIF"))

    assert "first of the file's 2 frames" in answer(response)["predictions"][2]["error"]


def test_pictures_with_errors_keep_their_place_when_reported(client: FlaskClient) -> None:
    response = post_files(client, f"{STROKES}?errors=report", picture(), b"no", blank_picture())

    first, second, third = answer(response)["predictions"]
    assert first["label"] == "left"
    assert "first bytes" in second["error"]
    assert "no ink" in third["error"]


def test_picture_alone_is_reported_too(client: FlaskClient) -> None:
    response = client.post(f"{STROKES}?errors=report", data=b"no picture", content_type="image/png")

    assert list(answer(response)["predictions"][0]) == ["error"]


def test_rows_without_a_finite_answer_are_named_by_place(client: FlaskClient) -> None:
    rows = [{"size": size, "colour": "red"} for size in (1.0, 3e38, 2.0, 3e38)]

    members = problem(post_json(client, ROOMS, rows), 422, "invalid-instances")

    assert [fault["pointer"] for fault in members["errors"]] == ["#/instances/1", "#/instances/3"]


def test_rows_without_a_finite_answer_are_reported_in_place(client: FlaskClient) -> None:
    rows: list[dict[str, Any]] = [
        {"size": size, "colour": "pink"} for size in (1.0, 3e38, 2.0, 3e38, 3.0)
    ]
    rows[2] = {"size": "x"}

    response = post_json(client, f"{ROOMS}?errors=report", rows)

    predictions = answer(response)["predictions"]
    assert [list(prediction) for prediction in predictions] == [
        ["value", "warnings"],
        ["error"],
        ["error"],
        ["error"],
        ["value", "warnings"],
    ]
    assert (predictions[0]["value"], predictions[4]["value"]) == (11.0, 31.0)


@pytest.fixture
def calibrated(tmp_path: Path) -> Repository:
    """Real models that say how far to trust their answers."""
    return calibrated_repository(tmp_path)


@pytest.fixture
def trusted(calibrated: Repository, registry: CollectorRegistry) -> FlaskClient:
    """A client of calibrated models."""
    return client_of(calibrated, registry)


def post_picture(client: FlaskClient, query: str, file: bytes | None = None) -> TestResponse:
    """Send a picture of even odds of three, credibility 0.6."""
    return client.post(f"{STROKES}?{query}", data=file or picture(), content_type="image/png")


def test_calibrated_class_comes_with_a_set_and_its_credibility(trusted: FlaskClient) -> None:
    members = answer(post_picture(trusted, "coverage=0.8"))

    assert list(members) == ["model", "version", "coverage", "predictions"]
    assert members["coverage"] == 0.8
    (prediction,) = members["predictions"]
    assert prediction == {
        "label": "left",
        "probability": pytest.approx(0.75),
        "probabilities": {"left": pytest.approx(0.75), "right": pytest.approx(0.25)},
        "set": ["left", "right"],
        "credibility": 0.6,
    }


@pytest.mark.parametrize(
    ("coverage", "labels"),
    [
        ("0.8", ["left", "right"]),
        ("0.60001", ["left", "right"]),
        ("0.6", ["left"]),
        ("0.2", ["left"]),
        ("1e-9", ["left"]),
    ],
)
def test_set_is_as_large_as_the_coverage_needs(
    trusted: FlaskClient, coverage: str, labels: list[str]
) -> None:
    members = answer(post_picture(trusted, f"coverage={coverage}"))

    assert members["coverage"] == float(coverage)
    assert members["predictions"][0]["set"] == labels


def test_calibrated_value_comes_with_an_interval(trusted: FlaskClient) -> None:
    rows = [{"size": 1, "colour": "red"}, {"size": 2, "colour": None}]

    members = answer(post_json(trusted, f"{ROOMS}?coverage=0.6", rows))

    assert members == {
        "model": "rooms",
        "version": 1,
        "unit": "USD",
        "coverage": 0.6,
        "predictions": [
            {"value": 13.0, "interval": {"lower": 12.0, "upper": 15.0, "coverage": 0.6}},
            {"value": 20.0, "interval": {"lower": 19.0, "upper": 22.0, "coverage": 0.6}},
        ],
    }


@pytest.mark.parametrize(
    ("default", "told"), [(0.6, 0.6), (0.8, 0.8), (0.9, 0.8), (0.9999, 0.8)], ids=str
)
def test_coverage_is_the_default_or_the_most_that_is_supported(
    calibrated: Repository, registry: CollectorRegistry, default: float, told: float
) -> None:
    client = client_of(calibrated, registry, Settings(coverage=default))

    found = [
        answer(post_picture(client, "")),
        answer(post_json(client, ROOMS, [{"size": 1, "colour": "red"}])),
        answer(post_picture(client, "coverage=0.2")),
    ]

    assert [members["coverage"] for members in found] == [told, told, 0.2]


@pytest.mark.parametrize("path", [STROKES, ROOMS], ids=["class", "value"])
@pytest.mark.parametrize("coverage", ["0.80001", "0.9", "0.99999999"])
def test_coverage_beyond_calibration_is_refused_with_the_most(
    trusted: FlaskClient, path: str, coverage: str
) -> None:
    instance = levels() if path == STROKES else {"size": 1, "colour": "red"}

    response = post_json(trusted, f"{path}?coverage={coverage}", [instance])

    detail = problem(response, 400, "invalid-parameter")["detail"]
    assert "'coverage' must be at most 4 / 5, since 4 instances calibrate" in detail


@pytest.mark.parametrize("name", ["coverage", "abstain_below"])
@pytest.mark.parametrize(
    "value",
    [
        "0",
        "1",
        "nan",
        "inf",
        "abc",
        "-0.1",
        "1e-400",
        "1.0000001",
        "",
        "²",
        "90%25",
        "0.9_5",
        "%2B.9",
        ".",
    ],
)
def test_share_out_of_its_range_is_refused(trusted: FlaskClient, name: str, value: str) -> None:
    detail = problem(post_picture(trusted, f"{name}={value}"), 400, "invalid-parameter")["detail"]

    assert f"'{name}' must be a number between 0 and 1, both left out" in detail


@pytest.mark.parametrize("path", [STROKES, ROOMS], ids=["class", "value"])
@pytest.mark.parametrize("name", ["coverage", "abstain_below"])
def test_trust_cannot_be_asked_of_what_was_not_calibrated(
    client: FlaskClient, path: str, name: str
) -> None:
    instance = levels() if path == STROKES else {"size": 1, "colour": "red"}

    response = post_json(client, f"{path}?{name}=0.5", [instance])

    assert f"'{name}' has no meaning" in problem(response, 400, "invalid-parameter")["detail"]


def test_value_cannot_be_abstained_from(trusted: FlaskClient) -> None:
    response = post_json(trusted, f"{ROOMS}?abstain_below=0.5", [{"size": 1, "colour": "red"}])

    detail = problem(response, 400, "invalid-parameter")["detail"]
    assert "'abstain_below' has no meaning for 'rooms'" in detail


def test_what_is_not_calibrated_says_nothing_of_trust(client: FlaskClient) -> None:
    members = answer(post_picture(client, ""))

    assert not {"coverage", "set", "credibility"} & {*members, *members["predictions"][0]}


def test_label_is_given_from_the_asked_credibility_on(trusted: FlaskClient) -> None:
    given, kept = (
        answer(post_picture(trusted, f"abstain_below={least}"))["predictions"][0]
        for least in ("0.6", "0.61")
    )

    assert given["label"] == "left"
    assert "reason" not in given
    assert (kept["label"], kept["probability"]) == (None, None)
    assert kept["reason"].startswith("The credibility 0.6 is below 0.61: ")
    same = ("probabilities", "set", "credibility")
    assert [kept[name] for name in same] == [given[name] for name in same]


def test_answers_that_are_not_given_are_counted_under_no_label(
    trusted: FlaskClient, registry: CollectorRegistry
) -> None:
    post_picture(trusted, "abstain_below=0.61")
    post_picture(trusted, "abstain_below=0.61")
    post_picture(trusted, "abstain_below=0.6")

    counts = [
        registry.get_sample_value(
            "vitrine_predictions_total", {"model": "strokes", "version": "1", "label": label}
        )
        for label in ("", "left", "right")
    ]
    assert counts == [2, 1, 0]


def test_trust_keeps_its_place_beside_errors(trusted: FlaskClient) -> None:
    files = [b"no", picture(), blank_picture(), picture(left=False)]

    response = post_files(trusted, f"{STROKES}?errors=report&abstain_below=0.6", *files)

    first, second, third, fourth = answer(response)["predictions"]
    assert (list(first), list(third)) == (["error"], ["error"])
    assert (second["label"], second["credibility"]) == ("left", 0.6)
    # Drawn to another size it has more ink, and is the newer.
    assert (fourth["label"], fourth["credibility"]) == (None, 0.4)


def test_row_beyond_what_training_saw_is_answered_with_a_warning(trusted: FlaskClient) -> None:
    rows = [{"size": size, "colour": None} for size in (0, 100, 100.5, -1)]

    predictions = answer(post_json(trusted, ROOMS, rows))["predictions"]

    assert [prediction.get("warnings") for prediction in predictions] == [
        None,
        None,
        ["size is 100.5; in training it was between 0 and 100."],
        ["size is -1; in training it was between 0 and 100."],
    ]
    assert [prediction["value"] for prediction in predictions] == [0, 1000, 1005, -10]
