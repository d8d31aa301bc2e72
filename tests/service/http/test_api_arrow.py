"""Arrow and Parquet over our own routes: what is taken, and what is given."""

from datetime import datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import cast

import pyarrow as pa
import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry
from pyarrow import ipc, parquet
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app
from werkzeug.wsgi import ClosingIterator

from service.http.transfer import AnswerBroken
from tests.arrow_tables import arrow, feather_file, parquet_file
from tests.bundles import calibrated_repository
from tests.fakes import client_of, picture, table

ROOMS = "/models/rooms/predict"
ARROW = "application/vnd.apache.arrow.stream"
PARQUET = "application/vnd.apache.parquet"
MANY = 20_000  # rows: several blocks
TWO = {"size": [1.0, 2.5], "colour": ["red", None]}


def post(
    client: FlaskClient, body: bytes, query: str = "", *, media_type: str = ARROW, accept: str = ""
) -> TestResponse:
    """Send a table."""
    headers = {"Accept": accept} if accept else {}
    return client.post(f"{ROOMS}?{query}", data=body, content_type=media_type, headers=headers)


def read(response: TestResponse) -> pa.Table:
    """Read an answer in Arrow or Parquet."""
    assert response.status_code == 200, response.text
    if response.mimetype == PARQUET:
        return parquet.read_table(BytesIO(response.data))
    assert response.mimetype == ARROW
    return ipc.open_stream(response.data).read_all()


@pytest.mark.parametrize(
    ("body", "media_type"),
    [(arrow(TWO), ARROW), (parquet_file(TWO), PARQUET)],
    ids=["Arrow", "Parquet"],
)
def test_table_is_answered_with_its_own_kind(
    client: FlaskClient, body: bytes, media_type: str
) -> None:
    answered = read(post(client, body, media_type=media_type))

    assert answered.to_pydict() == {"prediction": [13.0, 25.0], "warnings": [None, None]}
    assert answered.schema.types == [pa.float32(), pa.list_(pa.string())]


@pytest.mark.parametrize(
    "media_type", ["", "application/octet-stream", "text/plain"], ids=["none", "bytes", "text"]
)
@pytest.mark.parametrize(
    "body",
    [
        arrow(TWO),
        parquet_file(TWO),
        feather_file(TWO, "uncompressed"),
        feather_file(TWO, "lz4"),
        feather_file(TWO, "zstd"),
    ],
    ids=["Arrow", "Parquet", "Feather", "Feather in LZ4", "Feather in zstd"],
)
def test_first_bytes_say_what_a_table_is(client: FlaskClient, body: bytes, media_type: str) -> None:
    assert read(post(client, body, media_type=media_type))["prediction"].to_pylist() == [13, 25]


@pytest.mark.parametrize("accept", ["application/json", "text/csv", ARROW, PARQUET])
@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (arrow(TWO), ARROW),
        (parquet_file(TWO), PARQUET),
        (b"size,colour\n1,red\n2.5,\n", "text/csv"),
        (
            b'{"instances":[{"size":1,"colour":"red"},{"size":2.5,"colour":null}]}',
            "application/json",
        ),
    ],
    ids=["Arrow", "Parquet", "CSV", "JSON"],
)
def test_every_body_is_answered_in_every_format(
    client: FlaskClient, body: bytes, media_type: str, accept: str
) -> None:
    response = post(client, body, media_type=media_type, accept=accept)

    assert response.mimetype == accept
    match accept:
        case "application/json":
            values = [row["value"] for row in response.get_json()["predictions"]]
        case "text/csv":
            values = [float(line.split(",")[0]) for line in response.text.splitlines()[1:]]
        case _:
            values = read(response)["prediction"].to_pylist()
    assert values == [13.0, 25.0]


def test_picture_is_answered_in_arrow(client: FlaskClient) -> None:
    response = client.post("/models/strokes/predict", data=picture(), headers={"Accept": ARROW})

    assert read(response)["label"].to_pylist() == ["left"]


@pytest.mark.parametrize("accept", [ARROW, PARQUET])
def test_many_rows_are_all_answered_in_order(client: FlaskClient, accept: str) -> None:
    rows = {"size": [row % 1000 for row in range(MANY)], "colour": ["red"] * MANY}
    expected = [float(10 * (row % 1000) + 3) for row in range(MANY)]

    for body, media_type in (
        (arrow(rows, max_chunksize=3000), ARROW),
        (table(MANY), "text/csv"),
        (parquet_file(rows), PARQUET),
    ):
        answered = read(post(client, body, media_type=media_type, accept=accept))
        assert answered["prediction"].to_pylist() == expected


@pytest.mark.parametrize("accept", [ARROW, PARQUET, "text/csv"])
def test_header_alone_is_answered_with_a_header(client: FlaskClient, accept: str) -> None:
    empty = pa.schema({"size": pa.float64(), "colour": pa.string()}).empty_table()

    for body, media_type in ((arrow(empty), ARROW), (parquet_file(empty), PARQUET)):
        response = post(client, body, media_type=media_type, accept=accept)
        if accept == "text/csv":
            assert response.text == "prediction,warnings\n"
        else:
            assert read(response).column_names == ["prediction", "warnings"]


def test_echo_repeats_the_columns_with_their_types(client: FlaskClient) -> None:
    columns = {"note": pa.array([7, None], pa.int16()), **TWO, "prediction": ["a", "b"]}

    answered = read(post(client, arrow(columns), "echo=true"))

    assert answered.drop_columns("warnings").to_pydict() == {
        "note": [7, None],
        **TWO,
        "prediction": ["a", "b"],
        "prediction_": [13.0, 25.0],
    }
    assert answered.schema.field("note").type == pa.int16()


NOON = datetime(2024, 5, 31, 12)  # noqa: DTZ001 - some of the types have no zone
CELLS: tuple[tuple[pa.DataType, object], ...] = (
    (pa.null(), None),
    (pa.bool_(), True),
    (pa.int8(), 1),
    (pa.uint64(), 2**63),
    (pa.float16(), 1.5),
    (pa.float32(), 1.5),
    (pa.float64(), 1.5),
    (pa.decimal32(5, 2), Decimal("1.50")),
    (pa.decimal64(5, 2), Decimal("1.50")),
    (pa.decimal128(5, 2), Decimal("1.50")),
    (pa.decimal256(50, 2), Decimal("1.50")),
    (pa.string(), "a"),
    (pa.large_string(), "a"),
    (pa.string_view(), "a"),
    (pa.date32(), NOON.date()),
    (pa.date64(), NOON.date()),
    (pa.time32("s"), NOON.time()),
    (pa.time64("ns"), NOON.time()),
    (pa.timestamp("s"), NOON),
    (pa.timestamp("ns", "Europe/Berlin"), NOON),
)


@pytest.mark.parametrize("accept", [ARROW, PARQUET, "text/csv"])
@pytest.mark.parametrize(
    ("media_type", "is_coded"),
    [(ARROW, False), (ARROW, True), (PARQUET, False)],
    ids=["Arrow", "codes in Arrow", "Parquet"],
)
@pytest.mark.parametrize(("kind", "cell"), CELLS, ids=[str(kind) for kind, _ in CELLS])
def test_column_of_any_flat_type_is_repeated(
    client: FlaskClient,
    kind: pa.DataType,
    cell: object,
    *,
    is_coded: bool,
    media_type: str,
    accept: str,
) -> None:
    column = pa.array([cell, None], kind)
    if is_coded:
        codes = pa.array([0, None], pa.int8())
        column = pa.DictionaryArray.from_arrays(codes, column[:1])
    write = arrow if media_type == ARROW else parquet_file

    response = post(
        client,
        write(pa.table({**TWO, "more": column})),
        "echo=true",
        media_type=media_type,
        accept=accept,
    )

    assert response.status_code == 200, response.text
    if accept == "text/csv":
        assert len(response.text.splitlines()) == 3
    else:
        told = read(response)["more"].to_pylist()
        assert told == pa.array([cell, None], kind).to_pylist()


def test_echo_of_a_table_is_text_in_csv(client: FlaskClient) -> None:
    body = arrow({**TWO, "day": pa.array([0, None], pa.date32())})

    response = post(client, body, "echo=true", accept="text/csv")

    assert response.text == (
        "size,colour,day,prediction,warnings\n1.0,red,1970-01-01,13.0,\n2.5,,,25.0,\n"
    )


def test_faults_are_reported_in_their_rows(client: FlaskClient) -> None:
    body = arrow({"size": ["1", "many"], "colour": ["red", "red"]})

    answered = read(post(client, body, "errors=report"))

    assert answered["prediction"].to_pylist() == [13.0, None]
    assert answered["error"].to_pylist() == [
        None,
        "Instance 1, column 'size': must be a number with decimal '.'. Received: 'many'.",
    ]


def test_fault_names_its_row_among_all(client: FlaskClient) -> None:
    sizes = ["1"] * MANY
    sizes[-1] = "many"

    body = arrow({"size": sizes, "colour": ["red"] * MANY}, max_chunksize=5000)

    answered = read(post(client, body, "errors=report"))

    assert answered["error"].to_pylist()[-1].startswith(f"Instance {MANY - 1}, column 'size'")


@pytest.mark.parametrize("name", ["delimiter", "decimal", "thousands"])
def test_marks_are_for_csv_alone(client: FlaskClient, name: str) -> None:
    assert post(client, arrow(TWO), f"{name}=%2C").status_code == 400


@pytest.mark.parametrize(
    "table_file",
    [arrow(TWO), parquet_file(TWO), feather_file(TWO, "lz4")],
    ids=["Arrow", "Parquet", "Feather"],
)
def test_table_may_be_in_a_form(client: FlaskClient, table_file: bytes) -> None:
    def send(query: str = "") -> TestResponse:
        form = {"table": (BytesIO(table_file), "rows")}
        return client.post(f"{ROOMS}?{query}", data=form, content_type="multipart/form-data")

    assert send().text == "prediction,warnings\n13.0,\n25.0,\n"
    assert send("decimal=,").status_code == 400


def test_ignored_columns_and_coverage_are_told_in_headers(
    tmp_path: Path, registry: CollectorRegistry
) -> None:
    client = client_of(calibrated_repository(tmp_path), registry)

    response = post(client, arrow({"note": ["x", "y"], **TWO}), "coverage=0.6")

    assert response.headers["X-Ignored-Columns"] == "note"
    assert response.headers["X-Coverage"] == "0.6"
    answered = read(response)
    assert answered.column_names == ["prediction", "lower", "upper", "warnings"]
    assert answered.schema.metadata == {b"model": b"rooms", b"version": b"1", b"coverage": b"0.6"}


def test_sets_are_lists_of_texts(tmp_path: Path, registry: CollectorRegistry) -> None:
    client = client_of(calibrated_repository(tmp_path), registry)

    response = client.post(
        "/models/strokes/predict?coverage=0.6", data=picture(), headers={"Accept": PARQUET}
    )

    answered = read(response)
    assert answered.schema.field("set").type == pa.list_(pa.field("element", pa.string()))
    assert answered["set"].to_pylist() == [["left"]]


@pytest.mark.parametrize("accept", [ARROW, PARQUET])
def test_answer_that_breaks_off_cannot_be_read(app: Flask, accept: str) -> None:
    sizes = ["1"] * MANY
    sizes[-1] = "many"
    body = arrow({"size": sizes, "colour": ["red"] * MANY}, max_chunksize=5000)
    builder = EnvironBuilder(
        ROOMS, method="POST", data=body, content_type=ARROW, headers=[("Accept", accept)]
    )
    pieces, status, _ = run_wsgi_app(app, builder.get_environ())
    received: list[bytes] = []

    with pytest.raises(AnswerBroken):
        received.extend(pieces)
    cast("ClosingIterator", pieces).close()

    assert status == "200 OK"
    answer = b"".join(received)
    with pytest.raises(pa.ArrowInvalid):
        if accept == ARROW:
            ipc.open_stream(answer).read_all()
        else:
            parquet.read_table(BytesIO(answer))


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.apache.arrow.stream; charset=utf-8",
        "Application/Vnd.Apache.Arrow.Stream",
        "application/vnd.apache.arrow.file",
        "application/x-apache-arrow-stream",
    ],
)
def test_other_names_of_arrow_are_known(client: FlaskClient, media_type: str) -> None:
    assert read(post(client, arrow(TWO), media_type=media_type)).num_rows == 2


@pytest.mark.parametrize(
    "media_type", ["application/x-parquet", "application/parquet", "application/vnd.apache.parquet"]
)
def test_other_names_of_parquet_are_known(client: FlaskClient, media_type: str) -> None:
    assert read(post(client, parquet_file(TWO), media_type=media_type)).num_rows == 2


@pytest.mark.parametrize(
    ("body", "media_type"),
    [(b"size,colour\n1,red\n", ARROW), (arrow(TWO), PARQUET), (parquet_file(TWO), ARROW)],
    ids=["CSV as Arrow", "Arrow as Parquet", "Parquet as Arrow"],
)
def test_body_that_is_not_what_its_type_says_is_refused(
    client: FlaskClient, body: bytes, media_type: str
) -> None:
    response = post(client, body, media_type=media_type)

    assert (response.status_code, response.get_json()["title"]) == (400, "Malformed body")


@pytest.mark.parametrize("media_type", [ARROW, PARQUET])
def test_pictures_are_no_tables(client: FlaskClient, media_type: str) -> None:
    response = client.post("/models/strokes/predict", data=arrow(TWO), content_type=media_type)

    assert response.status_code == 415
