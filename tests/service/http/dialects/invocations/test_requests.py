"""JSON bodies: what they ask for, in each of their forms, and what is wrong with them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.http.dialects.invocations.requests import (
    read_instances,
    read_parameters,
    read_request,
)
from tests.bundles import picture_manifest, table_manifest
from vitrine.errors import InvalidInstances, InvalidParameter, TooManyInstances, VitrineError
from vitrine.options import Options

ROOMS = table_manifest().signature
STROKES = picture_manifest().signature
NAMES = ["size", "colour"]
CELLS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
TABLES = st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5)
VALUES = st.recursive(
    CELLS | st.floats(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def read(body: bytes, limit: int = 100) -> list[object]:
    """Read the instances of a table."""
    return read_instances(read_request(body), ROOMS, limit=limit)


def written(form: str, rows: Sequence[tuple[Any, Any]]) -> Mapping[str, Any]:
    """Write rows in a form."""
    records = [dict(zip(NAMES, row, strict=True)) for row in rows]
    match form:
        case "records":
            return {"dataframe_records": records}
        case "split":
            return {"dataframe_split": {"columns": NAMES, "index": [], "data": rows}}
        case "rows":
            return {"instances": rows}
        case "columns":
            return {"inputs": dict(zip(NAMES, map(list, zip(*rows, strict=True)), strict=True))}
    return {form: records}


@given(
    TABLES,
    st.sampled_from(["records", "split", "instances", "rows", "inputs", "columns"]),
    st.booleans(),
)
def test_rows_are_the_same_in_every_form(
    rows: list[tuple[Any, Any]], form: str, is_large: bool
) -> None:
    padding = {"padding": ["x" * 999] * 140} if is_large else {}
    body = json.dumps({**written(form, rows), **padding}).encode(errors="replace")

    read_back = json.loads(json.dumps(read(body)))
    assert read_back == json.loads(
        json.dumps([dict(zip(NAMES, row, strict=True)) for row in rows]).encode(errors="replace")
    )


@given(TABLES, st.sampled_from([("size",), ("colour",), ("size", "colour")]))
def test_blanks_of_pandas_are_blanks(rows: list[tuple[Any, Any]], columns: tuple[str]) -> None:
    records = [
        {name: float("nan") if name in columns else value for name, value in pairs}
        for pairs in (zip(NAMES, row, strict=True) for row in rows)
    ]

    for row in read(json.dumps({"dataframe_records": records}).encode(errors="replace")):
        assert isinstance(row, dict)
        assert all(row[name] is None for name in columns)


@given(st.binary() | VALUES.map(lambda value: json.dumps(value).encode(errors="replace")))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    for signature in (ROOMS, STROKES):
        try:
            read_instances(read_request(body), signature, limit=3)
        except VitrineError as error:
            assert error.status < 500


@given(
    st.sampled_from(["dataframe_records", "dataframe_split", "inputs", "instances"]),
    VALUES | st.fixed_dictionaries({"data": VALUES}, optional={"columns": VALUES}),
    VALUES,
)
def test_any_member_is_read_or_refused(name: str, data: Any, parameters: Any) -> None:
    body = json.dumps({name: data, "params": parameters}).encode(errors="replace")
    for signature in (ROOMS, STROKES):
        try:
            request = read_request(body)
            read_instances(request, signature, limit=3)
            read_parameters(request.parameters, "", csv_body=False, csv_answer=False)
        except VitrineError as error:
            assert error.status < 500


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ([1], "Received a list."),
        (3, "Received no dictionary."),
        ({}, "Received dictionary with input fields: []."),
        ({"instances": [], "inputs": []}, "input fields: ['instances', 'inputs']"),
        ({"instances": [], "signature_name": "x"}, '"signature_name" parameter is currently not'),
        ({"instances": {}}, "'instances' must be a list. Got dictionary."),
        ({"inputs": 3}, "'inputs' must be a dictionary or a list. Got a number."),
        ({"inputs": {"size": [1, 2], "colour": ["red"]}}, "The length of values for each input"),
        ({"inputs": {"size": [1], "colour": "red"}}, "The length of values for each input"),
        ({"dataframe_records": {}}, "must be a list of records. Got dictionary."),
        ({"dataframe_split": []}, "must be a dictionary. Got list."),
        ({"dataframe_split": {"foo": 1}}, "'index' fields. Got {'foo'}."),
        ({"dataframe_split": {"data": [1]}}, "must be a list of lists"),
        ({"dataframe_split": {"columns": [[]], "data": []}}, "must be a list of texts"),
        ({"dataframe_split": {"index": {}, "data": []}}, "'index' of dataframe_split must be a"),
        ({"dataframe_split": {"columns": ["a", "a"], "data": []}}, "different from each other"),
        ({"dataframe_split": {"columns": [0], "data": [[1]]}}, "extra inputs: ['0']"),
        ({"instances": [{"size": 1, "x": 2}]}, "missing inputs ['colour']. Note that there were"),
        ({"instances": [[1]]}, "Instance 0: must have 2 values. Received: 1."),
    ],
    ids=str,
)
def test_faulty_body_is_told_in_mlflows_words(members: Any, words: str) -> None:
    with pytest.raises(InvalidInstances) as caught:
        read(json.dumps(members).encode())

    assert words in caught.value.detail


@pytest.mark.parametrize("form", ["records", "split", "instances", "rows", "inputs", "columns"])
def test_more_instances_than_allowed_are_refused(form: str) -> None:
    body = json.dumps(written(form, [(1, "red"), (2, "red")])).encode()

    assert len(read(body, limit=2)) == 2
    with pytest.raises(TooManyInstances):
        read(body, limit=1)


@pytest.mark.parametrize(
    ("parameters", "query", "options"),
    [
        ({}, "", Options(top=None)),
        ({"top": 3}, "", Options(top=3)),
        ({"top": 3.0}, "", Options(top=3)),
        ({"top": "all", "coverage": None}, "", Options(top=None)),
        ({"coverage": 0.5}, "top=1", Options(top=1, coverage=0.5)),
        ({"explain": True, "errors": "report"}, "", Options(top=None, explain=True, report=True)),
        ({"abstain_below": 1e-05}, "", Options(top=None, abstain_below=1e-05)),
    ],
    ids=str,
)
def test_parameters_are_those_of_our_own_route(
    parameters: Mapping[str, object], query: str, options: Options
) -> None:
    assert read_parameters(parameters, query, csv_body=False, csv_answer=False) == options


@pytest.mark.parametrize(
    "parameters",
    [
        *({"coverge": 0.5}, {"coverage": []}, {"coverage": 2}, {"top": True}, {"echo": True}),
        {str(number): 1 for number in range(10**5)},
    ],
    ids=["unknown", "list", "range", "flag", "no CSV", "many"],
)
def test_impossible_parameter_is_refused(parameters: Mapping[str, object]) -> None:
    with pytest.raises(InvalidParameter):
        read_parameters(parameters, "", csv_body=False, csv_answer=False)


@pytest.mark.parametrize("members", [{"params": [1]}, {"params": {}, "parameters": {}}], ids=str)
def test_parameters_are_one_object(members: Mapping[str, object]) -> None:
    with pytest.raises(InvalidParameter):
        read_request(json.dumps({"instances": [], **members}).encode())
