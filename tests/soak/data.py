"""Where the data sets lie that figures are measured on."""

import csv
import os
from pathlib import Path

HOUSING = "california_housing/housing.csv"


def find_data(*names: str) -> Path | None:
    """Return the folder that holds all of these, or say what is not measured and return nothing."""
    folder = Path(os.environ.get("VITRINE_DATA", ""))
    if "VITRINE_DATA" in os.environ and all((folder / name).exists() for name in names):
        return folder
    print(f"not measured: VITRINE_DATA names no folder that holds {' and '.join(names)}")
    return None


def listed_digits(data: Path) -> list[dict[str, str]]:
    """Return what is known of each digit that people drew, scanned and photographed."""
    with (data / "drawn/labels.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))
