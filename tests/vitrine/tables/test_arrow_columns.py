"""Columns of Arrow as the cells that a model reads."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from vitrine.signature import CategoryInput, DateInput, NumberInput
from vitrine.tables.arrow_columns import ArrowCells, read_values
from vitrine.tables.columns import decode_columns

NUMBER = NumberInput(
    name="x",
    tensor="x",
    dtype="float32",
    shape=(1,),
    minimum=0.0,
    maximum=9.0,
    median=1.0,
    blanks=True,
)
DATE = DateInput(
    name="x",
    tensor="x",
    dtype="float32",
    shape=(1,),
    format="%d.%m.%Y",
    minimum=0.0,
    maximum=9.0,
    median=1.0,
    blanks=True,
)
CATEGORY = CategoryInput(
    name="x", tensor="x", dtype="int32", shape=(1,), vocabulary=("1", "a"), blanks=True
)
NOON = datetime(2024, 5, 31, 12, tzinfo=UTC)
NOON_ELSEWHERE = NOON.astimezone(timezone(timedelta(hours=2)))
DAY = 19874  # 2024-05-31


@pytest.mark.parametrize(
    ("column", "days"),
    [
        (pa.array([date(2024, 5, 31), None], pa.date32()), DAY),
        (pa.array([date(2024, 5, 31), None], pa.date64()), DAY),
        (pa.array([NOON, None], pa.timestamp("s")), DAY + 0.5),
        (pa.array([NOON, None], pa.timestamp("ns", "UTC")), DAY + 0.5),
        (pa.array([NOON_ELSEWHERE, None], pa.timestamp("us", "+02:00")), DAY + 0.5),
        (pa.array([NOON, None], pa.timestamp("ms", "America/New_York")), DAY + 0.5),
        (pa.array([NOON, None], pa.timestamp("ms")).dictionary_encode(), DAY + 0.5),
        (pa.array(["31.05.2024", None]), DAY),
        (pa.array(["2024-05-31", None], pa.string_view()), DAY),
        (pa.array([b"2024-05-31", None], pa.binary()), DAY),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else None,
)
def test_dates_may_have_any_type(column: pa.Array, days: float) -> None:
    block = decode_columns({"x": read_values(column, DATE)}, [DATE])

    assert block.instances["x"].tolist() == pytest.approx([days, np.nan], nan_ok=True)


def test_moment_beyond_every_year_is_a_fault() -> None:
    column = pa.array([2**62], pa.int64()).cast(pa.timestamp("s"))

    block = decode_columns({"x": read_values(column, DATE)}, [DATE])

    assert block.fault_count == 1


@pytest.mark.parametrize(
    "column",
    [
        pa.array([2**62, None], pa.int64()),
        pa.array([2**62, None], pa.uint64()),
        pa.array([Decimal(2**62), None], pa.decimal256(60, 3)),
        pa.chunked_array([[float(2**62)], [None]]),
    ],
    ids=lambda column: str(column.type),
)
def test_numbers_are_rounded(column: pa.Array) -> None:
    values = np.asarray(read_values(column, NUMBER))

    assert values.tolist() == pytest.approx([2.0**62, np.nan], nan_ok=True)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1, None], pa.int8()),
        pa.array([1.0, None], pa.float64()),
        pa.array([1.0, np.nan], pa.float32()),
        pa.array([Decimal("1.00"), None], pa.decimal128(5, 2)),
        pa.array(["1", None]),
        pa.array(["b", "1", "?"])[1:].dictionary_encode(),
        pa.array([" 1 ", ""], pa.large_string()).dictionary_encode(),
    ],
    ids=lambda column: str(column.type),
)
def test_code_of_a_category_may_be_a_number(column: pa.Array) -> None:
    block = decode_columns({"x": read_values(column, CATEGORY)}, [CATEGORY])

    assert block.instances["x"].tolist() == ["1", None]


@pytest.mark.parametrize(
    ("array", "texts"),
    [
        (pa.array([1.0, None, 0.1], pa.float32()), ["1.0", None, "0.1"]),
        (pa.array([True, None]), ["true", None]),
        (pa.array(["a", None]).dictionary_encode(), ["a", None]),
        (pa.array([Decimal("1.50")]), ["1.50"]),
        (pa.nulls(2), [None, None]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else None,
)
def test_cells_are_texts_where_they_are_asked_for_as_such(
    array: pa.Array, texts: list[str | None]
) -> None:
    cells = ArrowCells(array)

    assert list(cells) == cells[:] == [cells[-len(texts) + at] for at in range(len(texts))] == texts
