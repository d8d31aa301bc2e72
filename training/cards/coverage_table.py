"""The coverage of sets and intervals, as promised and as observed."""

from training.calibration.coverage import ObservedCoverage
from training.datasets.parts import Parts, SomePart
from training.formatting import format_number

COVERAGE_HEADER = ("coverage", "observed", "margin", "mean size")


def coverage_row(measured: ObservedCoverage, *, unit: str) -> list[str]:
    """Return the cells below `COVERAGE_HEADER`.

    Args:
        measured: The coverage that was measured.
        unit: Unit of the mean size; empty for none.
    """
    low, high = measured.margin
    return [
        f"{measured.coverage:.1%}",
        f"{measured.observed:.2%}",
        f"-{100 * low:.2f}, +{100 * high:.2f} points",
        f"{format_number(measured.size)} {unit}".strip(),
    ]


def why_uncalibrated(parts: Parts[SomePart]) -> str:
    """Return a sentence that says that there were too few rows to calibrate with."""
    rows = len(parts.train) + len(parts.validation)
    return f"{rows} rows are too few to set some of them aside for calibration."
