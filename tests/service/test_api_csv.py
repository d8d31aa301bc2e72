"""CSV over our own routes: options, faults in both modes, answers that break off."""

from io import BytesIO
from typing import cast

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app
from werkzeug.wsgi import ClosingIterator

from service.transfer import AnswerBroken
from tests.fakes import table

ROOMS = "/models/rooms/predict"
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
                "warnings": ["colour 'pink' is not a category known from training"],
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
    assert lines[3] == ",,The network has no finite answer to it."


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
