"""Rows that are sent in Arrow and Parquet get the answers that the same rows get in JSON."""

import json
from collections.abc import Callable, Mapping
from datetime import date
from io import BytesIO
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from pyarrow import ipc, parquet

from service.rollout.repository import Repository
from tests.arrow_tables import arrow, parquet_file
from tests.bundles import table_manifest
from tests.fakes import client_of, price
from vitrine.model import Model

ROOMS = "/models/rooms/predict"
ARROW = "application/vnd.apache.arrow.stream"
PARQUET = "application/vnd.apache.parquet"
WRITERS: Mapping[str, Callable[[Any], bytes]] = {ARROW: arrow, PARQUET: parquet_file}


@pytest.fixture(scope="module")
def rooms() -> FlaskClient:
    """A client of one model, for many requests."""
    repository = Repository({"rooms": {1: Model(table_manifest(), price)}})
    return client_of(repository, CollectorRegistry())


def in_json(client: FlaskClient, rows: list[dict[str, object]]) -> list[dict[str, Any]]:
    """Return the answers to rows of JSON, with errors in their places."""
    body = json.dumps({"instances": rows})
    answer = client.post(f"{ROOMS}?errors=report", data=body, content_type="application/json")
    return [_in_float32(row) for row in answer.get_json()["predictions"]]


def _in_float32(row: Mapping[str, Any]) -> dict[str, Any]:
    """Read the digits of a prediction as the float32 that they were written from."""
    return {name: np.float32(of) if name == "value" else of for name, of in row.items()}


def in_columns(client: FlaskClient, table: pa.Table, media_type: str) -> list[dict[str, Any]]:
    """Return the answers to a table, as rows of JSON have them."""
    body = WRITERS[media_type](table)
    answer = client.post(f"{ROOMS}?errors=report", data=body, content_type=media_type)
    assert answer.status_code == 200, answer.text
    columns = (
        ipc.open_stream(answer.data).read_all()
        if media_type == ARROW
        else parquet.read_table(BytesIO(answer.data))
    )
    records = [
        {name: value for name, value in row.items() if value is not None}
        for row in columns.to_pylist()
    ]
    return [
        _in_float32({"value" if name == "prediction" else name: of for name, of in row.items()})
        for row in records
    ]


# Each kind: an Arrow type, and the values of its column with what JSON has in their place.
Kind = tuple[pa.DataType, st.SearchStrategy[tuple[object, object]]]


def kind(arrow_type: pa.DataType, values: st.SearchStrategy[Any], json_of: Any = None) -> Kind:
    """Pair values of an Arrow column with those that JSON has."""
    write = json_of or (lambda value: value)
    pairs = values.map(lambda value: (value, write(value)))
    return arrow_type, st.one_of(st.just((None, None)), pairs)


FLOATS = st.floats(-1e6, 1e6)
TEXTS = st.one_of(
    st.sampled_from(["red", "blue", " red", "NA", "", "x", "1", "1.0"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)
NUMBERS = st.one_of(st.sampled_from(["1", "1.5", " 2 ", "-", "3 m2", "many", "1e3"]), TEXTS)
SIZES: tuple[Kind, ...] = (
    kind(pa.float64(), FLOATS),
    kind(pa.float32(), st.floats(-1e6, 1e6, width=32)),
    kind(pa.float16(), st.floats(-1000, 1000, width=16).map(np.float16), float),
    kind(pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    kind(pa.uint8(), st.integers(0, 255)),
    kind(pa.bool_(), st.booleans()),
    kind(pa.decimal128(12, 3), st.decimals(-1000, 1000, places=3), float),
    kind(pa.string(), NUMBERS),
    kind(pa.large_string(), NUMBERS),
    kind(pa.string_view(), NUMBERS),
    kind(pa.dictionary(pa.int8(), pa.string()), st.sampled_from(["1", "2", "many", ""])),
)
COLOURS: tuple[Kind, ...] = (
    kind(pa.string(), TEXTS),
    kind(pa.large_string(), TEXTS),
    kind(pa.string_view(), TEXTS),
    kind(pa.binary(), TEXTS.map(str.encode), bytes.decode),
    kind(pa.dictionary(pa.int16(), pa.string()), st.sampled_from(["red", "blue", "x", ""])),
    kind(pa.int32(), st.integers(-5, 5)),
    kind(pa.float64(), st.sampled_from([1.0, 0.5, -3.25])),
    kind(pa.bool_(), st.booleans()),
    kind(pa.date32(), st.dates(), date.isoformat),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), media_type=st.sampled_from([ARROW, PARQUET]))
def test_rows_get_the_answers_that_they_get_in_json(
    rooms: FlaskClient, data: st.DataObject, media_type: str
) -> None:
    count = data.draw(st.integers(1, 6))
    columns, members = {}, {}
    for name, kinds in (("size", SIZES), ("colour", COLOURS)):
        arrow_type, pairs = data.draw(st.sampled_from(kinds))
        drawn = data.draw(st.lists(pairs, min_size=count, max_size=count))
        columns[name] = pa.array([value for value, _ in drawn], arrow_type)
        members[name] = [value for _, value in drawn]
    rows = [dict(zip(members, row, strict=True)) for row in zip(*members.values(), strict=True)]

    assert in_columns(rooms, pa.table(columns), media_type) == in_json(rooms, rows)
