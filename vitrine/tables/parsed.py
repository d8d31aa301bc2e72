"""What reading the cells of a column gives: values, blanks and faults."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

# The texts of a blank, in every kind of column, quoted or not: those that pandas reads as missing
# (it wrote or read most training files), NaT, and "?" of the UCI repository. The lower-case "none"
# and "na" are left out: they are categories in real files.
BLANKS = frozenset(
    {
        *("", "NA", "N/A", "n/a", "<NA>", "#NA", "#N/A", "#N/A N/A", "?"),
        *("NaN", "nan", "NAN", "-NaN", "-nan", "1.#QNAN", "-1.#QNAN", "1.#IND", "-1.#IND"),
        *("null", "NULL", "Null", "None", "NaT"),
    }
)


@dataclass(frozen=True, slots=True)
class ParsedColumn:
    """The values of a column's cells.

    Attributes:
        values: One value for each cell; a faulty cell has the value of a blank.
        faults: Index of each faulty cell -> the rule that it breaks, such as "must be a number".
    """

    values: NDArray[Any]
    faults: Mapping[int, str]
