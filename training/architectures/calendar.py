"""Dates -> weekday, day of the year, part of the day."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from training.datasets.tables import Rows

_WEEK = 7
_YEAR = 365.2425
_FIRST_WEEKDAY = 3  # 1970-01-01 was a Thursday


def calendar(dates: Any) -> Any:
    """Compute the weekday, the day of the year and the part of the day of each date.

    Args:
        dates: Days since 1970-01-01 UTC; the features of a missing date are missing.

    Shapes:
        (n, dates) to (n, 3 * dates): all weekdays, from 0 for Monday; all days of the year, from
        0; all parts of the day, in [0, 1).
    """
    whole = ops.floor(dates)
    weekday = _remainder(whole + _FIRST_WEEKDAY, _WEEK)
    return ops.concatenate([weekday, _remainder(whole, _YEAR), dates - whole], axis=1)


def with_calendar(rows: Rows, dates: Sequence[int]) -> Rows:
    """Return rows with the calendar's columns after their number columns.

    Args:
        rows: The rows.
        dates: Indices of the number columns that are dates.
    """
    if not dates:
        return rows
    features = ops.convert_to_numpy(calendar(ops.convert_to_tensor(rows.numbers[:, dates])))
    return Rows(np.concatenate([rows.numbers, features], axis=1), rows.categories)


def _remainder(whole: Any, period: float) -> Any:
    """Return whole numbers modulo a period.

    The half keeps the quotient away from whole numbers, where the last bit would decide.
    """
    return whole - period * ops.floor((whole + 0.5) / period)
