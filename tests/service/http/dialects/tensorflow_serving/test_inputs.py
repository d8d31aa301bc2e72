"""Members of a request -> instances, and back."""

import json
from base64 import b64encode
from typing import Any
from unicodedata import normalize

import numpy as np
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.http.dialects.tensorflow_serving.documents import read_document
from service.http.dialects.tensorflow_serving.inputs import (
    Cells,
    block_of,
    cells_of_columns,
    cells_of_examples,
    cells_of_rows,
)
from tests.bundles import half_plus_two_manifest, table_manifest

steady = settings(
    derandomize=True,
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
COLUMNS = table_manifest().signature.columns
NUMBER = half_plus_two_manifest().signature.columns
SIZES = st.floats(width=32) | st.integers(-(2**24), 2**24)
# Some words, such as "NA", stand for a blank; none of them begins so. Texts are normalized.
LETTERS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=20)
COLOURS = st.just("") | LETTERS.map(lambda text: normalize("NFC", f"colour-{text}"))
ROWS = st.lists(st.tuples(SIZES, COLOURS), min_size=1, max_size=8)


def read(cells: Cells) -> tuple[list[float], list[str]]:
    """Return the sizes and the colours of a block; an empty text for a blank one."""
    instances = block_of(cells, COLUMNS).instances
    return instances["size"].tolist(), [text or "" for text in instances["colour"]]


def sent(body: Any) -> Any:
    """Return a document as it arrives."""
    return read_document(json.dumps(body).encode())


def check(cells: Cells, rows: list[tuple[float, str]]) -> None:
    """Check that cells are those of rows."""
    sizes, colours = read(cells)
    np.testing.assert_array_equal(sizes, [size for size, _ in rows])
    assert colours == [colour for _, colour in rows]


@steady
@given(ROWS, st.booleans(), st.booleans())
def test_table_is_read_as_it_was_written(
    rows: list[tuple[float, str]], in_lists: bool, as_base64: bool
) -> None:
    def written(value: Any) -> Any:
        if as_base64 and isinstance(value, str):
            value = {"b64": b64encode(value.encode()).decode()}
        return [value] if in_lists else value

    table = [{"size": written(size), "colour": written(colour)} for size, colour in rows]
    columns = {name: [row[name] for row in table] for name in ("size", "colour")}

    by_rows = cells_of_rows(sent({"instances": table})["instances"], COLUMNS)
    by_columns = cells_of_columns(sent({"inputs": columns})["inputs"], COLUMNS)
    by_examples = cells_of_examples(sent({"examples": table}), COLUMNS)

    for cells in (by_rows, by_columns, by_examples):
        check(cells, rows)
    assert by_rows.is_flat is by_columns.is_flat is not in_lists


@steady
@given(st.lists(SIZES, min_size=1), st.booleans())
def test_only_column_needs_no_name(numbers: list[float], in_lists: bool) -> None:
    values = [[number] for number in numbers] if in_lists else numbers

    for cells in (cells_of_rows(values, NUMBER), cells_of_columns(values, NUMBER)):
        read_numbers = block_of(cells, NUMBER).instances["x"]
        np.testing.assert_array_equal(read_numbers, np.array(numbers, np.float32))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["red", {"b64": "cmVk"}, {"b64": "?"}]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["x", "size", "colour", "image", "b64", "?"]), inner)
    ),
    max_leaves=12,
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "instances": JSON,
        "inputs": JSON,
        "examples": JSON,
        "context": JSON,
        "signature_name": st.sampled_from(["", "serving_default", "detailed", "foo", 3]),
    },
)


@pytest.mark.parametrize(
    "path",
    [
        *("half_plus_two:predict", "rooms:predict", "strokes:predict"),
        *("half_plus_two:regress", "rooms:classify", "strokes:classify"),
    ],
)
@steady
@given(body=BODIES)
def test_any_body_is_answered_or_refused(client: FlaskClient, path: str, body: Any) -> None:
    response = client.post(f"/v1/models/{path}", data=json.dumps(body))

    assert response.status_code in (200, 400), response.text
    members = json.loads(response.text)
    expected = {"predictions", "outputs", "results"} if response.status_code == 200 else {"error"}
    assert len(members) == 1
    assert members.keys() <= expected
