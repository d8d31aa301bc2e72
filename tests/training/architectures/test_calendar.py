"""Dates -> weekday, day of the year, part of the day."""

from datetime import UTC, datetime

import numpy as np
import pytest
from keras import ops

from training.architectures.calendar import calendar, with_calendar
from training.datasets.tables import Rows

DAYS_1970 = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "weekday"), [("1970-01-01", 3), ("2000-02-29", 1), ("2026-11-29", 6)]
)
def test_weekday_counts_from_monday(text: str, weekday: int) -> None:
    days = (datetime.fromisoformat(text).replace(tzinfo=UTC) - DAYS_1970).days

    features = ops.convert_to_numpy(calendar(ops.convert_to_tensor(np.array([[days]], np.float32))))

    assert features[0, 0] == weekday


def test_day_of_the_year_and_part_of_the_day() -> None:
    # Half past noon on 1 February 2026.
    days = (datetime(2026, 2, 1, tzinfo=UTC) - DAYS_1970).days + 12.5 / 24

    features = ops.convert_to_numpy(calendar(ops.convert_to_tensor(np.array([[days]], np.float32))))

    assert features[0, 1] == pytest.approx(31, abs=1)
    assert features[0, 2] == pytest.approx(12.5 / 24, abs=2e-3)


def test_features_of_dates_follow_the_number_columns() -> None:
    numbers = np.array([[7, 0], [8, np.nan]], np.float32)
    rows = Rows(numbers, np.zeros((2, 0), np.int32))

    wide = with_calendar(rows, [1])

    np.testing.assert_array_equal(wide.numbers[:, :2], numbers)
    assert wide.numbers.shape == (2, 5)
    assert np.isnan(wide.numbers[1, 2:]).all()


def test_rows_without_dates_stay_as_they_are() -> None:
    rows = Rows(np.ones((2, 1), np.float32), np.zeros((2, 0), np.int32))

    assert with_calendar(rows, []) is rows
