"""Coverage as promised and as observed, on the card."""

import pytest

from training.calibration.coverage import ObservedCoverage
from training.cards.coverage_table import coverage_row


@pytest.mark.parametrize(("unit", "size"), [("labels", "1.5 labels"), ("", "1.5")])
def test_row_states_coverage_margin_and_size(unit: str, size: str) -> None:
    measured = ObservedCoverage(coverage=0.9, observed=0.8912, margin=(0.0236, 0.0216), size=1.5)

    row = coverage_row(measured, unit=unit)

    assert row == ["90.0%", "89.12%", "-2.36, +2.16 points", size]
