"""CSV over our own routes: options, faults in both modes, answers that break off."""

from io import BytesIO
from pathlib import Path
from typing import cast

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app
from werkzeug.wsgi import ClosingIterator

from service.http.transfer import AnswerBroken
from tests.bundles import calibrated_repository
from tests.fakes import blank_picture, client_of, picture, table

ROOMS = "/models/rooms/predict"
STROKES = "/models/strokes/predict"
MANY = 20_000  # rows: several blocks


def post(client: FlaskClient, body: bytes, query: str = "", accept: str = "") -> TestResponse:
    """Send a CSV body."""
    headers = {"Accept": accept} if accept else {}
    return client.post(f"{ROOMS}?{query}", data=body, content_type="text/csv", headers=headers)


def receive_broken(app: Flask, body: bytes, path: str = ROOMS, **environ: str) -> bytes:
    """Send a CSV body and return what came of the answer before it broke off."""
    builder = EnvironBuilder(path, method="POST", data=body, content_type="text/csv")
    pieces, status, _ = run_wsgi_app(app, {**builder.get_environ(), **environ})
    received: list[bytes] = []
    with pytest.raises(AnswerBroken):
        received.extend(pieces)
    assert status == "200 OK"
    cast("ClosingIterator", pieces).close()
    return b"".join(received)


def test_csv_is_answered_with_csv(client: FlaskClient) -> None:
    response = post(client, b"colour,size\nred,1\n,2.5\n")

    assert response.mimetype == "text/csv"
    assert response.text == "prediction,warnings\n13.0,\n25.0,\n"


def test_cells_may_have_a_unit_or_brackets(client: FlaskClient) -> None:
    response = post(client, b"colour,size\nred,1 m2\nred,(1)\nred,1-\nred,1\n")

    assert [line.split(",")[0] for line in response.text.splitlines()][1:] == [
        *("13.0", "-7.0", "-7.0", "13.0")
    ]


def test_csv_is_answered_with_json_where_accept_says_so(client: FlaskClient) -> None:
    response = post(client, b"size,note,colour\n1,x,red\n2,y,pink\n", accept="application/json")

    assert response.get_json() == {
        "model": "rooms",
        "version": 2,
        "unit": "USD",
        "ignored_columns": ["note"],
        "predictions": [
            {"value": 13.0},
            {
                "value": 21.0,
                "warnings": ["colour is 'pink'; training did not have this category."],
            },
        ],
    }


def test_header_alone_is_answered_with_a_header(client: FlaskClient) -> None:
    assert post(client, b"size,colour\n").text == "prediction,warnings\n"
    assert post(client, b"size,colour\n", accept="application/json").get_json()["predictions"] == []


def test_many_rows_are_all_answered_in_order(client: FlaskClient) -> None:
    lines = post(client, table(MANY)).text.splitlines()

    assert lines[1:] == [f"{float(10 * (row % 1000) + 3)}," for row in range(MANY)]


def test_many_rows_are_all_answered_in_json(client: FlaskClient) -> None:
    members = post(client, table(MANY), accept="application/json").get_json()

    assert [row["value"] for row in members["predictions"]] == [
        float(10 * (row % 1000) + 3) for row in range(MANY)
    ]


def test_echo_puts_the_columns_of_the_body_before_the_answer(client: FlaskClient) -> None:
    response = post(client, b'note,size,colour\n"a,b",1,red\nc,2,\n', "echo=true")

    assert response.text == (
        'note,size,colour,prediction,warnings\n"a,b",1,red,13.0,\nc,2,,20.0,\n'
    )


def test_echoed_column_called_prediction_is_kept(client: FlaskClient) -> None:
    response = post(client, b"size,colour,prediction\n1,red,old\n", "echo=true")

    assert response.text == "size,colour,prediction,prediction_,warnings\n1,red,old,13.0,\n"


def test_answer_is_written_as_the_body_is(client: FlaskClient) -> None:
    response = post(client, b"size;colour\n1.234,5;red\n", "decimal=,&thousands=.&echo=true")

    assert response.text == "size;colour;prediction;warnings\n1.234,5;red;12348,0;\n"


def test_delimiter_is_taken_by_name(client: FlaskClient) -> None:
    response = post(client, b"size\tcolour\n1\tred\n", "delimiter=tab")

    assert response.text.splitlines() == ["prediction\twarnings", "13.0\t"]


def test_ignored_columns_are_named_in_a_header(client: FlaskClient) -> None:
    response = post(client, "size,größe\r,colour\n1,x,red\n".encode().replace(b"\r", b"%"))

    assert response.headers["X-Ignored-Columns"] == "gr%C3%B6%C3%9Fe%25"


def test_file_of_a_form_is_read_as_csv(client: FlaskClient) -> None:
    response = client.post(ROOMS, data={"any": (BytesIO(b"size,colour\n1,red\n"), "rows.txt")})

    assert response.text == "prediction,warnings\n13.0,\n"


def test_all_faults_of_the_first_block_are_told(client: FlaskClient) -> None:
    response = post(client, b"size,colour\n1,red\nx,red\n2,blue\n1e99,red\n")

    assert response.status_code == 422
    errors = response.get_json(force=True)["errors"]
    assert [(fault["line"], fault["column"]) for fault in errors] == [(3, "size"), (5, "size")]


def test_faulty_rows_keep_their_place_when_reported(client: FlaskClient) -> None:
    response = post(client, b"size,colour\n1,red\nx,red\n3e38,red\n2,blue\n", "errors=report")

    lines = response.text.splitlines()
    assert lines[0] == "prediction,warnings,error"
    assert (lines[1], lines[4]) == ("13.0,,", "22.0,,")
    assert lines[2].startswith(",,") and "must be a number" in lines[2]
    assert lines[3] == ",,The network has no finite answer to this instance."


def test_faulty_rows_keep_their_place_in_json(client: FlaskClient) -> None:
    body = b"size,colour\nx,red\n1,red\n"

    members = post(client, body, "errors=report", accept="application/json").get_json()

    assert [list(row) for row in members["predictions"]] == [["error"], ["value"]]


def test_reported_rows_are_counted_as_rejected(
    client: FlaskClient, registry: CollectorRegistry
) -> None:
    post(client, b"size,colour\nx,red\n1,red\ny,red\n", "errors=report")

    labels = {"reason": "invalid-instances"}
    assert registry.get_sample_value("vitrine_rejected_total", labels) == 2


def test_row_without_a_finite_answer_is_named_by_its_place(client: FlaskClient) -> None:
    response = post(client, b"size,colour\n1,red\n3e38,red\n")

    errors = response.get_json(force=True)["errors"]
    assert [fault["pointer"] for fault in errors] == ["#/instances/1"]


@pytest.mark.parametrize("fault", ["text", "limit"])
def test_answer_to_a_later_fault_says_so_and_breaks_off(app: Flask, fault: str) -> None:
    body = table(MANY, bad=[MANY - 1]) if fault == "text" else table(100_001)

    received = receive_broken(app, body)

    lines = received.decode().splitlines()
    assert lines[0] == "prediction,warnings"
    assert len(lines) > 1000
    assert lines[-1].startswith("#error,")
    assert ("must be a number" if fault == "text" else "at most 100000 rows") in lines[-1]
    assert not any(line.startswith("#error") for line in lines[:-1])


def test_json_answer_to_a_later_fault_is_no_json(app: Flask) -> None:
    received = receive_broken(app, table(MANY, bad=[MANY - 1]), HTTP_ACCEPT="application/json")

    assert received.startswith(b'{"model":"rooms"')
    assert not received.rstrip().endswith(b"}]}")


def test_unexpected_failure_in_a_later_block_is_logged_with_the_request(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    body = b"size,colour\n" + b"1,red\n" * MANY + b"1000,red\n"

    receive_broken(app, body, "/models/fragile/predict", HTTP_X_REQUEST_ID="mine")

    assert "a secret" in caplog.text
    assert caplog.records[-1].__dict__["fields"] == {"request_id": "mine"}


def test_broken_answer_is_counted_by_its_reason(app: Flask, registry: CollectorRegistry) -> None:
    receive_broken(app, table(MANY, bad=[MANY - 1]))

    labels = {"reason": "invalid-instances"}
    assert registry.get_sample_value("vitrine_rejected_total", labels) == 1


@pytest.fixture
def trusted(tmp_path: Path, registry: CollectorRegistry) -> FlaskClient:
    """A client of models that say how far to trust their answers."""
    return client_of(calibrated_repository(tmp_path), registry)


def post_pictures(client: FlaskClient, query: str, *files: bytes) -> list[str]:
    """Upload pictures and return the lines of the answer."""
    fields = {f"f{place}": (BytesIO(file), "a.png") for place, file in enumerate(files)}
    response = client.post(f"{STROKES}?{query}", data=fields, headers={"Accept": "text/csv"})
    assert (response.status_code, response.mimetype) == (200, "text/csv"), response.text
    return response.text.splitlines()


def test_interval_stands_beside_the_value(trusted: FlaskClient) -> None:
    response = post(trusted, b"size,colour\n1,red\n200,\n", "coverage=0.6")

    assert response.text == (
        "prediction,lower,upper,warnings\n"
        "13.0,12.0,15.0,\n"
        "2000.0,1999.0,2002.0,size is 200; in training it was between 0 and 100.\n"
    )


def test_interval_has_the_default_coverage_unless_asked(trusted: FlaskClient) -> None:
    assert post(trusted, b"size,colour\n1,red\n").text.splitlines()[1] == "13.0,11.0,17.0,"


def test_header_says_what_coverage_the_columns_have(trusted: FlaskClient) -> None:
    body = b"size,colour\n1,red\n"

    asked = post(trusted, body, "coverage=0.4").headers["X-Coverage"]
    untold = post(trusted, body).headers["X-Coverage"]

    assert (float(asked), float(untold)) == (0.4, 0.8)


def test_interval_is_written_as_the_body_is(trusted: FlaskClient) -> None:
    body = b"size;colour\n1,25;red\n"

    response = post(trusted, body, "decimal=,&echo=true&coverage=0.4")

    assert response.text == (
        "size;colour;prediction;lower;upper;warnings\n1,25;red;15,5;15,0;16,5;\n"
    )


def test_echoed_columns_called_as_the_interval_are_kept(trusted: FlaskClient) -> None:
    response = post(trusted, b"size,colour,lower\n1,red,old\n", "echo=true&coverage=0.6")

    assert response.text == (
        "size,colour,lower,prediction,lower_,upper,warnings\n1,red,old,13.0,12.0,15.0,\n"
    )


def test_faulty_rows_have_no_interval(trusted: FlaskClient) -> None:
    response = post(trusted, b"size,colour\nx,red\n1,red\n", "errors=report&coverage=0.6")

    header, first, second = response.text.splitlines()
    assert header == "prediction,lower,upper,warnings,error"
    assert first.startswith(",,,,") and "must be a number" in first
    assert second == "13.0,12.0,15.0,,"


def test_rows_of_nothing_but_faults_have_all_columns(trusted: FlaskClient) -> None:
    response = post(trusted, b"size;colour\nx;red\ny;red\n", "errors=report&decimal=,")

    header, *lines = response.text.splitlines()
    assert header == "prediction;lower;upper;warnings;error"
    assert [line.count(";") for line in lines] == [4, 4]
    assert all(line.startswith(";;;;") for line in lines)


def test_header_alone_names_the_interval(trusted: FlaskClient) -> None:
    assert post(trusted, b"size,colour\n").text == "prediction,lower,upper,warnings\n"


def test_intervals_of_many_rows_are_in_order(trusted: FlaskClient) -> None:
    lines = post(trusted, table(MANY), "coverage=0.6").text.splitlines()

    values = [float(10 * (row % 1000) + 3) for row in range(MANY)]
    assert [line.rsplit(",", 1)[0] for line in lines[1:]][:100] == [
        f"{value},{value - 1},{value + 2}" for value in values[:100]
    ]
    assert [float(line.split(",")[1]) for line in lines[1:]] == [value - 1 for value in values]


def test_set_and_credibility_stand_beside_the_label(trusted: FlaskClient) -> None:
    lines = post_pictures(trusted, "coverage=0.8", picture())

    assert lines[0] == "label,probability,set,credibility,warnings"
    label, probability, *others = lines[1].split(",")
    assert [label, *others] == ["left", "left|right", "0.6", ""]
    assert float(probability) == pytest.approx(0.75)


def test_label_that_is_not_given_leaves_a_reason(trusted: FlaskClient) -> None:
    lines = post_pictures(trusted, "abstain_below=0.5", picture(), picture(left=False))

    assert lines[0] == "label,probability,set,credibility,reason,warnings"
    assert lines[1].startswith("left,") and lines[1].endswith(",0.6,,")
    assert lines[2].startswith(",,right,0.4,The credibility 0.4 is below 0.5: ")


def test_pictures_of_nothing_but_faults_have_all_columns(trusted: FlaskClient) -> None:
    query = "errors=report&abstain_below=0.5"

    header, *lines = post_pictures(trusted, query, blank_picture(), b"no")

    assert header == "label,probability,set,credibility,reason,warnings,error"
    assert [line[:6] for line in lines] == [",,,,,,"] * 2
    assert "no ink" in lines[0]
    assert "first bytes" in lines[1]


def test_pictures_with_faults_keep_their_place(trusted: FlaskClient) -> None:
    query = "errors=report&coverage=0.6"

    _, *lines = post_pictures(trusted, query, b"no", picture(), blank_picture(), picture())

    assert [line.split(",")[:1] for line in lines] == [[""], ["left"], [""], ["left"]]
    assert [line.split(",")[2:4] for line in lines] == [["", ""], ["left", "0.6"]] * 2


@pytest.mark.parametrize(
    "kind",
    [
        *("", "text/plain", "application/octet-stream", "application/x-www-form-urlencoded"),
        *("application/csv", "application/vnd.ms-excel"),
    ],
)
def test_table_is_read_whatever_it_is_called(client: FlaskClient, kind: str) -> None:
    response = client.post(ROOMS, data=table(MANY), content_type=kind)

    assert response.mimetype == "text/csv"
    assert response.text.splitlines()[-1] == f"{float(10 * ((MANY - 1) % 1000) + 3)},"


def test_text_field_of_a_form_is_read_as_csv(client: FlaskClient) -> None:
    fields = {"rows": "size,colour\n1,red\n", "note": "x"}

    response = client.post(ROOMS, data=fields, content_type="multipart/form-data")

    assert response.text == "prediction,warnings\n13.0,\n"
